"""Lines in a browser: a form that shows what its kind takes, a new password that is asked about, a file that is corrected."""

from playwright.sync_api import expect

from tests.browser.portal import Portal


def test_the_form_of_a_line_shows_what_its_kind_takes(owner: Portal) -> None:
    page = owner.open("/lines/new")
    address, kind = page.get_by_label("SIP address"), page.get_by_label("How the phone is reached")
    expect(address).to_be_hidden()
    kind.select_option("uri")
    expect(address).to_be_visible()
    expect(page.get_by_label("Trunk", exact=True)).to_be_hidden()
    page.get_by_label("Number", exact=True).fill("(817) 562-9656")
    address.fill("ada@192.0.2.7")
    owner.expected_statuses = {400}
    page.get_by_role("button", name="Add the line").click()
    # What was typed is there still, and the reader is where it has to be corrected.
    expect(address).to_be_focused()
    expect(address).to_have_value("ada@192.0.2.7")
    expect(page.get_by_label("Number", exact=True)).to_have_value("(817) 562-9656")
    owner.require_accessible()
    address.fill("sip:ada@192.0.2.7")
    page.get_by_role("button", name="Add the line").click()
    expect(page.get_by_role("status")).to_contain_text("The line +18175629656 was added.")
    page.get_by_role("button", name="Remove this line").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("The line +18175629656 was removed.")


def test_a_new_password_is_asked_about_and_shown_once(owner: Portal) -> None:
    page = owner.open("/lines/new")
    page.get_by_label("Number", exact=True).fill("299")
    page.get_by_text("More settings").click()
    page.get_by_role("combobox", name="Audio").select_option("required")
    page.get_by_role("button", name="Add the line").click()
    first = page.get_by_role("textbox", name="Password").input_value()
    expect(page.get_by_role("main")).to_contain_text("relay of audio cannot encrypt")
    page.get_by_role("link", name="To the line").click()
    page.get_by_role("button", name="New password").click()
    owner.require_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Make a new password").click()
    expect(page.get_by_role("textbox", name="Password")).not_to_have_value(first)
    owner.require_accessible()
    page.get_by_role("button", name="Test this phone").click()
    expect(page.get_by_role("alert")).to_contain_text("No phone is registered for this line.")


def test_a_file_is_corrected_before_it_is_added(owner: Portal) -> None:
    page = owner.open("/lines/import")
    rows = page.get_by_label("Or its rows")
    rows.fill("number,name,uri\n281,Ada,sip:281@192.0.2.7\n911,Bob,sip:282@192.0.2.7")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("row").filter(has_text="Bob")).to_contain_text("This is an emergency number.")
    expect(page.get_by_role("button", name="Add 1 line")).to_have_count(0)
    owner.require_accessible()
    rows.fill(rows.input_value().replace("911", "282"))
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("button", name="Add 2 lines").click()
    expect(page.get_by_role("status")).to_contain_text("Lines added: 2")
    page.get_by_role("searchbox", name="Number or name").fill("bob")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="282")).to_be_visible()
    expect(page.get_by_role("link", name="281")).to_have_count(0)
