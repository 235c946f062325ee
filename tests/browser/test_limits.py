"""Limits, numbers that are not called, prompts and the audit log in a browser: found, changed, heard, verified."""

import io
import math
import struct
import wave
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.portal import Portal


def test_a_country_is_found_and_a_limit_raised(owner: Portal) -> None:
    page = owner.open("/limits/change")
    page.get_by_role("searchbox", name="Find a country").fill("cote d")
    listed = page.get_by_role("group", name="Countries that may be called")
    expect(listed.get_by_label("Côte d’Ivoire")).to_be_visible()
    expect(listed.get_by_label("Germany")).to_be_hidden()
    listed.get_by_label("Côte d’Ivoire").check()
    page.get_by_label("Calls in a minute").fill("many")
    owner.expected_statuses = {400}
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Calls in a minute")).to_be_focused()
    expect(page.get_by_text("or nothing for no limit.", exact=False).first).to_be_visible()
    expect(page.get_by_label("Côte d’Ivoire")).to_be_checked()
    owner.require_accessible()
    page.get_by_label("Calls in a minute").fill("700")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The limits are changed.")
    expect(page.get_by_role("row", name="Countries")).to_contain_text("Côte d’Ivoire")
    expect(page.get_by_role("row", name="Calls in a minute")).to_contain_text("700")


def test_a_number_is_put_on_the_list_and_taken_off(owner: Portal) -> None:
    page = owner.open("/do-not-call")
    page.get_by_role("textbox", name="Number").fill("(512) 529-0177")
    page.get_by_label("Why").fill("Asked us")
    page.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name="+15125290177")
    expect(row).to_contain_text("Asked us")
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("dialog")).to_contain_text("Call +15125290177 again?")
    owner.require_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Remove from the list").click()
    expect(page.get_by_role("status")).to_contain_text("may be called again")
    expect(row).to_have_count(0)


def test_a_prompt_is_replaced_and_heard(owner: Portal, tmp_path: Path) -> None:
    file = tmp_path / "busy.wav"
    file.write_bytes(recording(1.0))
    page = owner.open("/prompts?language=es")
    card = page.get_by_role("region", name="The line is busy")
    card.get_by_label("Your own recording").set_input_files(file)
    card.get_by_role("button", name="Replace").click()
    expect(page.get_by_role("status")).to_contain_text("1.0 seconds")
    expect(card).to_contain_text("Your own")
    seconds = card.locator("audio").evaluate(
        """sound => new Promise((resolve, reject) => {
            sound.onloadedmetadata = () => resolve(sound.duration);
            sound.onerror = () => reject(new Error("not to be played"));
            sound.preload = "metadata";
            sound.load();
        })"""
    )
    assert seconds == 1.0
    owner.require_accessible()


def test_the_log_tells_of_what_was_just_done_and_is_verified(owner: Portal) -> None:
    page = owner.open("/users/new")
    page.get_by_label("Name or e-mail address").fill("audited@example.com")
    page.get_by_label("Name", exact=True).fill("Audrey")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Audrey")).to_be_visible()
    page = owner.open("/audit")
    page.get_by_label("What", exact=True).select_option("user")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("row", name="User created").first).to_contain_text("Audrey")
    page.get_by_role("link", name="Verify the log").click()
    expect(page.get_by_role("status")).to_contain_text("The log is as it was written")
    expect(page.get_by_label("What", exact=True)).to_have_value("user")
    owner.require_accessible()


def recording(seconds: float) -> bytes:
    """A WAVE file of a tone, as an editor writes it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(44_100)
        for index in range(int(seconds * 44_100)):
            sample = round(8_000 * math.sin(2 * math.pi * 440 * index / 44_100))
            writer.writeframesraw(struct.pack("<hh", sample, sample))
    return file.getvalue()
