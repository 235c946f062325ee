"""Inviting somebody, who then signs in; dialogs that ask; language, theme, keyboard."""

from playwright.sync_api import Browser, expect

from tests.browser.portal import PASSWORD, Portal, portal_of


def test_somebody_who_is_invited_comes_in_and_can_be_disabled(owner: Portal, browser: Browser) -> None:
    page = owner.open("/users/new")
    page.get_by_label("Name or e-mail address").fill("bob@example.com")
    page.get_by_label("Name", exact=True).fill("Bob <b>")
    page.get_by_label("Role").select_option("auditor")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    assert link.startswith(owner.url("/welcome/"))
    owner.require_accessible()

    with portal_of(owner.server, browser) as bob:
        bob.page.goto(link)
        bob.require_accessible()
        bob.page.get_by_label("Password").fill(PASSWORD)
        bob.page.get_by_role("button", name="Begin").click()
        bob.page.wait_for_url(bob.url("/"))
        expect(bob.page.get_by_role("link", name="Bob <b>")).to_be_visible()
        expect(bob.page.get_by_role("link", name="Invite somebody")).to_have_count(0)

        page.goto(owner.url("/users"))
        page.get_by_role("link", name="Bob <b>").click()
        page.get_by_role("button", name="Disable").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        owner.require_accessible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Disable").click()
        page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        expect(page.get_by_role("status")).to_contain_text("is disabled")
        owner.require_accessible()
        bob.page.goto(bob.url("/users"))
        assert bob.page.url == bob.url("/login?next=/users")


def test_the_theme_is_changed_and_kept(owner: Portal) -> None:
    page = owner.open("/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Light or dark").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_the_device_says_which_theme_unless_somebody_chose(owner: Portal) -> None:
    page = owner.open("/profile")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_keyboard_gets_to_the_content(owner: Portal) -> None:
    page = owner.open("/users")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_times_are_those_of_the_reader(owner: Portal) -> None:
    page = owner.open("/profile")
    first = page.locator("time").first
    expect(first).not_to_contain_text("UTC")
    expect(first).to_have_attribute("title", first.get_attribute("datetime") or "")


def test_the_language_is_changed(owner: Portal) -> None:
    page = owner.open("/profile")
    page.get_by_label("Language").select_option("es")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Su perfil")).to_be_visible()
    owner.require_accessible()
    page.get_by_label("Idioma").select_option("en")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
