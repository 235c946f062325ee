"""From the first start to a signed-in owner with a second factor, as people do it."""

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.browser.portal import PASSWORD, Portal, owner_link, portal_of
from tests.peers.server import Server


def test_the_link_of_the_first_start_makes_the_owner_once(new_server: Server, browser: Browser) -> None:
    with portal_of(new_server, browser) as portal:
        portal.open("/welcome/" + owner_link(new_server))
        portal.require_accessible()
        page = portal.make_owner()
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        portal.expected_statuses = {410}
        answer = page.goto(portal.url("/welcome/" + owner_link(new_server)))
        assert answer is not None
        assert answer.status == 410


def test_a_wrong_password_is_refused(portal: Portal) -> None:
    portal.expected_statuses = {403}
    page = portal.sign_in(password=PASSWORD + "r")
    expect(page.get_by_role("alert")).to_contain_text("This is wrong")
    page.goto(portal.url("/"))
    assert page.url == portal.url("/login?next=/")


def test_the_session_ends_with_signing_out(owner: Portal) -> None:
    owner.page.get_by_role("button", name="Sign out").click()
    owner.page.wait_for_url(owner.url("/login"))
    owner.page.goto(owner.url("/profile"))
    assert owner.page.url == owner.url("/login?next=/profile")


def test_what_another_site_sends_is_refused(owner: Portal, other_site: str) -> None:
    owner.expected_statuses = {403}
    owner.foreign_is_expected = True
    owner.page.goto(other_site + "?" + owner.url("/logout"))
    owner.page.get_by_role("button").click()
    expect(owner.page.get_by_text("sent by another site")).to_be_visible()
    assert owner.open("/").url == owner.url("/")


def test_a_second_factor_is_set_up_and_asked_for(new_server: Server, browser: Browser) -> None:
    with portal_of(new_server, browser) as portal:
        portal.sign_in().wait_for_url(portal.url("/"))
        page = portal.open("/profile/second-factor")
        portal.require_accessible()
        secret = page.locator(".secret").inner_text()
        page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Turn on").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        portal.require_accessible()
        recovery_code = page.locator(".codes li").first.inner_text()
    with portal_of(new_server, browser) as portal:
        portal.expected_statuses = {403}
        page = portal.sign_in()
        page.wait_for_url(portal.url("/login/code?next=/"))
        portal.require_accessible()
        page.goto(portal.url("/users"))
        assert page.url.startswith(portal.url("/login/code"))
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Code").fill(recovery_code)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(portal.url("/"))


def hold_a_finger_on(page: Page) -> None:
    """An authenticator within the device, whose user is always there and known."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    able = ("hasResidentKey", "hasUserVerification", "isUserVerified", "automaticPresenceSimulation")
    options = {"protocol": "ctap2", "transport": "internal", **dict.fromkeys(able, True)}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_and_signs_in(owned_server: Server, browser: Browser) -> None:
    with portal_of(owned_server, browser, host="localhost") as portal:
        hold_a_finger_on(portal.page)
        page = portal.sign_in()
        page.wait_for_url(portal.url("/"))
        portal.open("/profile").get_by_role("link", name="Add a passkey").click()
        portal.require_accessible()
        page.get_by_label("What to call it").fill("Laptop")
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url(portal.url("/profile"))
        expect(page.get_by_role("region", name="Your passkeys")).to_contain_text("Laptop")
        portal.require_accessible()
        page.goto(portal.url("/profile/passkeys/new"))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert")).to_have_text("This device has a passkey of yours already.")

        # This one takes what is offered for the name at once.
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(portal.url("/"))
        page.goto(portal.url("/login/again?next=/profile"))
        portal.require_accessible()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(portal.url("/profile"))
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_text("The passkey is removed")).to_be_visible()
