"""Pages that are open when the server goes: each says so, and takes it back once the server is there again."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.phones import Telephones, telephones
from tests.browser.portal import LOGIN, PASSWORD, PATIENCE_MILLISECONDS, Portal, portal_of
from tests.peers.server import Deployment, Server, destination_number, user_number

AWAY = "The server does not answer. To end a call, hang up at your phone."


@pytest.fixture
def owned_deployment(
    provisioned: Deployment, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    """A deployment with an owner, whose server does not run."""
    deployment = provisioned.copied_to(tmp_path_factory.mktemp("away") / "data")
    with Server.running(deployment) as server, portal_of(server, browser) as portal:
        portal.make_owner()
    return deployment


@pytest.fixture
def phones(owned_deployment: Deployment) -> Iterator[Telephones]:
    with telephones(owned_deployment) as phones:
        yield phones


def opened(owner: Portal, path: str) -> Page:
    """One more page of the same reader."""
    page = owner.context.new_page()
    answer = page.goto(owner.url(path))
    assert answer is not None
    assert answer.status == 200
    return page


def says_so(page: Page) -> None:
    expect(page.get_by_text(AWAY)).to_be_visible(timeout=PATIENCE_MILLISECONDS)


def says_nothing(page: Page) -> None:
    expect(page.get_by_text(AWAY)).to_be_hidden(timeout=PATIENCE_MILLISECONDS)


def test_pages_say_that_the_server_is_away_and_when_it_is_back(
    owned_deployment: Deployment, browser: Browser, phones: Telephones
) -> None:
    with ExitStack() as kept:
        # The server is killed at the end of the block, which it complains of.
        with (  # noqa: PT012
            pytest.raises(AssertionError, match="status -9"),
            Server.running(owned_deployment) as server,
        ):
            owner = kept.enter_context(portal_of(server, browser))
            owner.sign_in(LOGIN, PASSWORD)
            owner.page.wait_for_url(owner.url("/"))
            call = owner.open("/dial")
            call.get_by_label("Your line").select_option(f"+{user_number(0)}")
            call.get_by_label("Number", exact=True).fill(destination_number(1))
            call.get_by_role("button", name="Call", exact=True).click()
            call.wait_for_url("**/dial/calls/*")
            phones.user_leg(user_number(0))
            expect(call.locator(".call-stage")).to_contain_text("Your phone is ringing")
            live, dial, dashboard = (opened(owner, path) for path in ("/live", "/dial", "/dashboard"))
            row = live.locator("#calls[data-follows] tr")
            expect(row).to_contain_text("Calling the user")
            pages = (call, live, dial, dashboard)
            for page in pages:
                says_nothing(page)

            # It hangs: connections are there, and nothing comes.
            server.process.send_signal(signal.SIGSTOP)
            try:
                row.get_by_role("button", name="Hang up").click()
                live.get_by_role("dialog").get_by_role("button", name="Hang up").click()
                call.get_by_role("button", name="Hang up").click()
                for page in (call, live):
                    says_so(page)
                expect(live.get_by_role("dialog")).to_be_hidden()
            finally:
                server.process.send_signal(signal.SIGCONT)
            expect(call.locator(".call-stage")).to_contain_text(
                "The call is over", timeout=PATIENCE_MILLISECONDS
            )
            expect(live.get_by_text("Nobody is calling")).to_be_visible()
            for page in (call, live):
                says_nothing(page)

            call.get_by_role("link", name="Call again").click()
            call.get_by_role("button", name="Call", exact=True).click()
            call.wait_for_url("**/dial/calls/*")
            expect(call.locator(".call-stage")).to_contain_text("Your phone is ringing")
            server.process.kill()

        # It is gone: connections are refused.
        says_so(call)
        call.get_by_role("button", name="Hang up").click()
        says_so(live)
        expect(live.get_by_text("not kept up to date")).to_be_hidden()
        dial.get_by_label("Number", exact=True).press_sequentially("512")
        says_so(dial)
        says_so(dashboard)
        owner.require_accessible()

        with Server.running(owned_deployment, http_port=server.http_port):
            for page in pages:
                says_nothing(page)
            for page in pages:
                page.close()
        owner.complaints = [each for each in owner.complaints if "ERR_" not in each and "htmx" not in each]


def test_forms_stay_with_what_was_typed_until_the_server_is_back(owner: Portal) -> None:
    is_away = False

    def answer(route: Route) -> None:
        if is_away:
            route.fulfill(status=502, body="Bad Gateway")
        else:
            route.fallback()

    owner.context.route("**/*", answer)
    owner.expected_statuses = {502}
    dial = opened(owner, "/dial")
    dial.get_by_label("Number", exact=True).fill(destination_number(1))
    person = opened(owner, "/users/new")
    person.get_by_label("Name or e-mail address").fill("bo@example.com")
    person.get_by_label("Name", exact=True).fill("Bo")
    is_away = True
    for page, button in ((dial, "Call"), (person, "Make the link")):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_text("Nothing was sent.")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    is_away = False
    for page in (dial, person):
        expect(page.get_by_text("Nothing was sent.")).to_be_hidden(timeout=PATIENCE_MILLISECONDS)
    expect(person.get_by_label("Name or e-mail address")).to_have_value("bo@example.com")
    dial.get_by_role("button", name="Call", exact=True).click()
    dial.wait_for_url("**/dial/calls/*")


def test_a_stream_that_a_proxy_ended_is_told_once_the_server_is_back(owner: Portal) -> None:
    is_away = True

    def answer(route: Route) -> None:
        if is_away and route.request.resource_type in ("fetch", "eventsource"):
            route.fulfill(status=502, body="Bad Gateway")
        else:
            route.fallback()

    owner.context.route("**/*", answer)
    owner.expected_statuses = {502}
    page = owner.open("/live")
    says_so(page)
    expect(page.get_by_text("not kept up to date")).to_be_hidden()
    is_away = False
    says_nothing(page)
    expect(page.get_by_text("not kept up to date")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
