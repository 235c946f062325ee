"""Dialling in a browser, with two SIP phones: typing, one call for two clicks, the call as it goes, and without a stream."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.phones import Telephones, telephones
from tests.browser.portal import Portal
from tests.peers.server import Server, destination_number, user_number
from tests.scenarios.sound import assert_hears_tone, hears_key

LINE = user_number(0)
ON_HOLD_HZ = 425


@pytest.fixture(scope="module")
def phones(owned_server: Server) -> Iterator[Telephones]:
    with telephones(owned_server.deployment) as phones:
        yield phones


def dial(owner: Portal, number: str) -> Page:
    """The page with a number typed, of which it has told what it understood."""
    page = owner.open("/dial")
    page.get_by_label("Your line").select_option(f"+{LINE}")
    page.get_by_label("Number", exact=True).press_sequentially(number)
    expect(page.locator(".understood .number")).to_contain_text("United States")
    return page


def stage(page: Page, text: str) -> None:
    expect(page.locator(".call-stage")).to_contain_text(text)


def talk(page: Page, phones: Telephones, line: str, destination: str) -> None:
    """Both pick up, and the page says so."""
    stage(page, "Your phone is ringing")
    phones.do(phones.user_leg(line).answer)
    stage(page, "It rings there")
    phones.do(phones.destination_leg(destination).answer)
    stage(page, "You are talking")


def test_a_call_from_the_number_to_its_end(owner: Portal, phones: Telephones) -> None:
    page = dial(owner, destination_number(1)[1:])
    owner.require_accessible()
    page.get_by_label("Number", exact=True).press("Enter")
    page.wait_for_url("**/dial/calls/*")
    talk(page, phones, LINE, destination_number(1))
    expect(page.get_by_role("timer")).to_have_text("0:02")
    owner.require_accessible()

    page.get_by_role("button", name="Hold").click()
    stage(page, "On hold")
    phones.wait_for(assert_hears_tone(phones.ear, ON_HOLD_HZ))
    expect(page.get_by_role("button", name="Hold")).to_be_hidden()
    expect(page.locator("#said")).to_contain_text("on hold now")
    page.get_by_role("button", name="Resume").click()
    stage(page, "You are talking")
    phones.do(phones.ear.forget_what_was_heard)
    page.locator("h1").click()
    page.keyboard.press("7")
    expect(page.locator("#said")).to_contain_text("Pressed: 7")
    assert phones.wait_for(hears_key(phones.ear)) == "7"

    page.get_by_label("To whom").fill("911")
    owner.expected_statuses = {400}
    page.get_by_role("button", name="Transfer").click()
    expect(page.locator("#said")).to_contain_text("Emergency numbers are not called")
    expect(page.get_by_label("To whom")).to_have_value("911")

    page.get_by_role("button", name="Hang up").click()
    stage(page, "The call is over")
    expect(page.get_by_role("button", name="Hang up")).to_be_hidden()
    owner.require_accessible()
    page.get_by_role("link", name="Call again").click()
    expect(page.get_by_label("Number", exact=True)).to_have_value(f"+{destination_number(1)}")


def test_a_double_click_is_one_call_and_the_way_back_leads_to_a_new_form(
    owner: Portal, phones: Telephones
) -> None:
    before = phones.count(LINE)
    page = dial(owner, destination_number(2)[1:])
    page.get_by_role("button", name="Call", exact=True).dblclick()
    page.wait_for_url("**/dial/calls/*")
    first = page.url
    stage(page, "Your phone is ringing")
    assert phones.count(LINE) == before + 1
    page.get_by_role("button", name="Hang up").click()
    stage(page, "The call is over")
    page.go_back()
    page.get_by_label("Number", exact=True).fill(destination_number(2))
    page.get_by_role("button", name="Call", exact=True).click()
    page.wait_for_url("**/dial/calls/*")
    assert page.url != first
    page.get_by_role("button", name="Hang up").click()
    stage(page, "The call is over")


def test_without_a_stream_the_page_asks_again_and_again(owner: Portal, phones: Telephones) -> None:
    aborted: list[str] = []

    def abort(route: Route) -> None:
        aborted.append(route.request.url)
        route.abort()

    owner.context.route("**/dial/calls/*/events", abort)
    page = dial(owner, destination_number(3)[1:])
    page.get_by_role("button", name="Call", exact=True).click()
    stage(page, "Your phone is ringing")
    page.get_by_role("button", name="Hang up").click()
    stage(page, "The call is over")
    assert aborted
    owner.complaints = [each for each in owner.complaints if "ERR_FAILED" not in each]


def test_a_link_is_asked_about_and_escape_clears_it(owner: Portal) -> None:
    page = owner.open(f"/dial?u=tel%3A%2B{destination_number(4)}%3Bext%3D12")
    expect(page.get_by_text("Nothing is dialled until you press Call")).to_be_visible()
    expect(page.locator(".understood")).to_contain_text("these keys are pressed: ,12")
    owner.require_accessible()
    number = page.get_by_label("Number", exact=True)
    expect(number).to_be_focused()
    page.keyboard.press("Escape")
    expect(number).to_have_value("")
    expect(page.locator(".understood")).to_have_text("")
    page.evaluate("navigator.registerProtocolHandler = (...words) => (window.registered = words)")
    page.get_by_role("button", name="Open telephone links here").click()
    assert page.evaluate("registered") == ["tel", owner.url("/dial?u=%s")]


def test_whoever_was_signed_out_meanwhile_is_led_to_the_sign_in(owner: Portal) -> None:
    page = owner.open("/dial")
    owner.context.clear_cookies()
    page.get_by_label("Number", exact=True).press_sequentially("512")
    page.wait_for_url("**/login?next=/dial")


def test_a_favourite_is_kept_and_called_with_two_keys(owner: Portal) -> None:
    page = owner.open("/dial")
    page.get_by_label("Number", exact=True).fill("(512) 529-0005")
    page.get_by_role("link", name="Keep as a favourite").click()
    owner.require_accessible()
    expect(page.get_by_label("Number")).to_have_value("(512) 529-0005")
    page.get_by_label("Name").fill("Corner shop")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status").first).to_contain_text("is one of your favourites")
    page.get_by_role("link", name="Corner shop").click()
    expect(page.get_by_label("Number", exact=True)).to_have_value("+15125290005")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_focused()
    owner.require_accessible()
    page.get_by_role("button", name="Remove Corner shop").click()
    expect(page.get_by_role("link", name="Corner shop")).to_have_count(0)


def test_a_call_is_scheduled_in_the_readers_time_zone_and_called_off(owner: Portal) -> None:
    page = owner.open(f"/dial?number={destination_number(1)}")
    page.get_by_text("Call later, or again").click()
    # Tomorrow at nine in Chicago, where the reader is.
    tomorrow = datetime.fromtimestamp(time.time() + 86_400.0, ZoneInfo("America/Chicago"))
    page.get_by_label("When").fill(f"{tomorrow:%Y-%m-%d}T09:00")
    page.get_by_label("Wait until my line is in no other call").check()
    page.get_by_role("button", name="Schedule the call").click()
    page.wait_for_url(owner.url("/scheduled"))
    row = page.get_by_role("row", name=re.compile("9:00:00\\sAM"))
    expect(row).to_contain_text("Once the line is in no other call")
    row.get_by_role("button", name="Call off").click()
    owner.require_accessible()
    row.get_by_role("dialog").get_by_role("button", name="Call off").click()
    expect(page.get_by_role("status")).to_contain_text("The call is called off.")
    expect(row).to_have_count(0)
