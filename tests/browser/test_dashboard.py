"""The dashboard in a browser: the plot, the table beside it, the reader's time zone, and what refreshes itself."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from ringbridge.store.database import open_database
from tests.browser.portal import PATIENCE_MILLISECONDS, Portal, portal_of
from tests.browser.statistics_furniture import store_office_calls
from tests.peers.server import Deployment, Server, user_number


@pytest.fixture(scope="module")
def owned_server(
    provisioned: Deployment, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with an owner, which has counted a month of calls that were there before it came to count."""
    deployment = provisioned.copied_to(tmp_path_factory.mktemp("counted") / "data")
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    lines = [f"+{user_number(index)}" for index in range(3)]
    store_office_calls(engine, deployment.account_id, lines, calls=600, days=29, now=time.time())
    engine.dispose()
    with Server.running(deployment) as server:
        with portal_of(server, browser) as portal:
            portal.make_owner()
            deadline = time.monotonic() + PATIENCE_MILLISECONDS / 1000
            while (text := portal.open("/dashboard?period=month").content()) and not is_counted(text):
                assert time.monotonic() < deadline, text
        yield server


def is_counted(text: str) -> bool:
    """Whether the page shows calls, and says of none that it is still being counted."""
    return "Calls over time" in text and "still being counted" not in text


def test_calls_are_plotted_and_told_as_a_table(owner: Portal) -> None:
    page = owner.open("/dashboard?period=month")
    plot = page.get_by_role("img", name="Calls over time")
    expect(plot.locator("canvas")).to_be_visible()
    table = page.get_by_role("table").filter(has_text="Refused")
    expect(table).to_be_hidden()
    page.get_by_text("The same as a table").click()
    expect(table.locator("tbody tr")).to_have_count(30)
    owner.require_accessible()

    page.get_by_role("link", name="Last 7 days").click()
    expect(page.get_by_role("link", name="Last 7 days")).to_have_attribute("aria-current", "page")
    expect(plot.locator("canvas")).to_be_visible()
    page.get_by_role("button", name="Light or dark").click()
    expect(plot.locator("canvas")).to_have_count(1)


def test_days_are_those_of_the_reader(owned_server: Server, browser: Browser) -> None:
    context = browser.new_context(timezone_id="Asia/Kolkata")
    with portal_of(owned_server, browser) as portal:
        portal.sign_in()
        portal.page.wait_for_url(portal.url("/"))
        context.add_cookies(portal.context.cookies())  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(portal.url("/dashboard?period=month"))
        # Once more, as soon as the server knows.
        expect(page.get_by_text("Asia/")).to_be_visible()
    context.close()


def test_what_is_now_is_asked_for_again(owner: Portal) -> None:
    owner.page.clock.install()
    page = owner.open("/dashboard")
    card = page.locator("[hx-get] .card")
    card.evaluate("card => { card.isKept = true }")
    for _ in range(2):
        with page.expect_response(lambda answer: answer.url.endswith("/dashboard/now")) as asked:
            page.clock.run_for(16_000)
        assert asked.value.status == 200
    # What is as it was stays, and is not read out again.
    assert card.evaluate("card => card.isKept")
    expect(page.get_by_text("Calls now")).to_have_count(1)
    owner.require_accessible()
