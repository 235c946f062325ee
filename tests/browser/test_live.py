"""The pages of calls in a browser, with two SIP phones: a call that comes, is followed and hung up, and its page afterwards."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.phones import Telephones, telephones
from tests.browser.portal import Portal
from tests.peers.server import Server, destination_number, user_number

LINE, OTHER_LINE = user_number(2), user_number(1)
DESTINATION = destination_number(7)


@pytest.fixture(scope="module")
def phones(owned_server: Server) -> Iterator[Telephones]:
    with telephones(owned_server.deployment) as phones:
        yield phones


def place(owner: Portal, line: str) -> None:
    """A program places a call."""
    answer = owner.context.request.post(
        owner.url("/api/v1/call"),
        headers={"Authorization": owner.server.deployment.authorization},
        data={"user_line": line, "destination_line": DESTINATION},
    )
    assert answer.status == 200, answer.text()


def followed(page: Page) -> Page:
    """The page once its stream has begun."""
    page.locator("#calls[data-follows]").wait_for(state="attached")
    return page


def test_calls_come_are_followed_and_hung_up_and_have_their_page(owner: Portal, phones: Telephones) -> None:
    page = followed(owner.open("/live"))
    expect(page.get_by_text("Nobody is calling")).to_be_visible()
    place(owner, LINE)
    row = page.locator("#calls tr")
    expect(row).to_contain_text("Calling the user")
    expect(row).to_contain_text("Phone 2")
    expect(page.get_by_text("Nobody is calling")).to_be_hidden()
    leg = phones.user_leg(LINE)
    row.get_by_role("link", name="Details").focus()
    phones.do(leg.answer)
    expect(row).to_contain_text("Destination rings")
    expect(row.get_by_role("link", name="Details")).to_be_focused()
    phones.do(phones.destination_leg(DESTINATION).answer)
    expect(row).to_contain_text("Talking")
    expect(row.locator(".timer").last).to_contain_text("0:02")
    owner.require_accessible()

    row.get_by_role("link", name="Details").click()
    expect(page.get_by_text("This call runs.")).to_be_visible()
    owner.require_accessible()
    page.go_back()
    followed(page)
    row.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Phone 2 – +{DESTINATION}")
    owner.require_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("status")).to_contain_text("is being ended")
    expect(page.get_by_text("Nobody is calling")).to_be_visible()

    page.goto(owner.url(f"/history?number=%2B{DESTINATION}"))
    page.locator(".calls tbody a").first.click()
    expect(page.get_by_text("Both sides talked.")).to_be_visible()
    expect(page.get_by_text("Somebody here, or a program")).to_be_visible()
    expect(page.locator(".ladder")).to_contain_text("200 OK")


def test_the_page_of_a_call_that_runs_shows_its_end(owner: Portal, phones: Telephones) -> None:
    page = followed(owner.open("/live"))
    place(owner, OTHER_LINE)
    page.locator("#calls tr").get_by_role("link", name="Details").click()
    page.locator("[data-follows-call][data-follows]").wait_for()
    leg = phones.user_leg(OTHER_LINE)
    phones.do(lambda: leg.refuse(486))
    expect(page.get_by_text("The user's phone was busy.")).to_be_visible()
    owner.require_accessible()


def test_days_are_those_of_the_reader(owner: Portal) -> None:
    page = owner.open("/history")
    page.get_by_label("From", exact=True).fill("2026-11-01")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/history?*zone=America%2FChicago*")
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-11-01")
    page.get_by_label("Number").fill("x")
    page.get_by_label("Number").press("Enter")
    owner.expected_statuses = {400}
    expect(page.get_by_label("Number")).to_be_focused()
    expect(page.get_by_text("Use a whole number")).to_be_visible()
    owner.require_accessible()


def test_what_is_found_is_downloaded(owner: Portal) -> None:
    page = owner.open("/history?outcome=destination_busy")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "calls.csv"
    assert "destination_busy" in download.value.path().read_text()
