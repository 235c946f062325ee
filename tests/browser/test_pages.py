"""Every page: there, in both themes without a serious fault, on a desk and on a telephone, and within its width."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import OPEN_PAGES, PAGES
from tests.browser.portal import Portal, portal_of
from tests.browser.screenshots import FOLDER, SCHEMES, WIDTHS, file_of
from tests.peers.server import Server


def test_there_are_pictures_of_each_page() -> None:
    """What is missing, or too much, scripts/screenshots and `git rm` mend."""
    pages = (*OPEN_PAGES, *PAGES)
    wanted = {file_of(name, device, scheme) for name in pages for device in WIDTHS for scheme in SCHEMES}
    assert set(FOLDER.iterdir()) == wanted


@pytest.fixture(scope="module")
def owner(owned_server: Server, browser: Browser) -> Iterator[Portal]:
    """The owner's browser, signed in once for all pages: they are only looked at."""
    with portal_of(owned_server, browser) as portal:
        portal.sign_in()
        portal.page.wait_for_url(portal.url("/"))
        yield portal


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_fault(owner: Portal, name: str) -> None:
    owner.open(PAGES[name])
    owner.require_accessible()
    owner.require_clean()


@pytest.mark.parametrize("name", OPEN_PAGES)
def test_an_open_page_has_no_serious_fault(portal: Portal, name: str) -> None:
    portal.open(OPEN_PAGES[name])
    portal.require_accessible()


def test_on_a_telephone_no_page_is_wider_than_the_screen(owned_server: Server, browser: Browser) -> None:
    with portal_of(owned_server, browser, width=390, height=844) as portal:
        portal.sign_in()
        portal.page.wait_for_url(portal.url("/"))
        for path in PAGES.values():
            portal.open(path)
            assert portal.page.evaluate("() => document.documentElement.scrollWidth") <= 390, path
        menu = portal.page.get_by_role("button", name="Menu")
        assert not portal.page.get_by_role("navigation", name="Pages", exact=True).is_visible()
        menu.click()
        portal.page.get_by_role("navigation", name="Pages", exact=True).wait_for(state="visible")
        portal.require_accessible()
