"""API Integration as people use it: the key shown places a call that Live calls follows, and a webhook is told of it."""

import json
import queue
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page, expect

from tests.browser.phones import telephones
from tests.browser.portal import PATIENCE_MILLISECONDS, Portal, portal_of
from tests.peers.server import Deployment, Server, user_number
from tests.peers.tool import WAIT_SECONDS

DESTINATION = "15125292329"
# The example of the API document, but for what the reader is told to put in place of its values.
COMMAND = """curl -X POST \\
  {origin}/api/v1/call \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: Basic {credentials}' \\
  -d '{{
    "user_line": "{user_line}",
    "destination_line": "15125292329"
  }}'"""
# Of two clicks on a form's button, which of them are held back; neither is sent.
SUBMITTED_TWICE = """async form => {
    const held = [];
    for (let click = 0; click < 2; click += 1) {
        await new Promise(done => {
            addEventListener("submit", event => done(held.push(event.defaultPrevented)), { once: true });
            addEventListener("submit", event => event.preventDefault(), { once: true });
            form.requestSubmit();
        });
    }
    return held;
}"""


def test_the_command_that_a_new_key_comes_with_places_a_call(owner: Portal) -> None:
    page = owner.page
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="API Integration").click()
    page.get_by_role("link", name="Create a Click to Call API key").click()
    page.get_by_label("Name", exact=True).fill("CRM of Ann")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_role("heading", name="The key CRM of Ann")).to_be_visible()
    owner.require_accessible()
    key = page.get_by_role("textbox", name="API key").input_value()
    command = page.get_by_role("textbox", name="Place a call").input_value()
    header = page.get_by_role("textbox", name="Header of each request").input_value()
    credentials = b64encode(f"{owner.server.deployment.account_id}:{key}".encode()).decode()
    assert header == f"Authorization: Basic {credentials}"
    user_line = f"+{user_number(0)}"
    assert command == COMMAND.format(origin=owner.server.url, credentials=credentials, user_line=user_line)

    live = owner.context.new_page()
    live.goto(owner.url("/live"))
    live.locator("#calls[data-follows]").wait_for(state="attached")
    expect(live.get_by_text("Nobody is calling")).to_be_visible()
    with telephones(owner.server.deployment) as phones:
        ran = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=True, timeout=2 * WAIT_SECONDS
        )
        call_id = json.loads(ran.stdout)["api_request_id"]
        row = live.locator(f"#call-{call_id}")
        user_leg = phones.user_leg(user_number(0))
        expect(row).to_contain_text("Calling the user")
        expect(row).to_contain_text("CRM of Ann")
        phones.do(user_leg.answer)
        destination_leg = phones.destination_leg(DESTINATION)
        phones.do(destination_leg.answer)
        expect(row).to_contain_text("Talking")
        name, value = header.split(": ")
        with urlopen(Request(owner.url(f"/api/v2/calls/{call_id}"), headers={name: value})) as answer:
            assert json.load(answer)["user"]["number"] == user_line
        phones.do(destination_leg.hang_up)
        expect(row).to_have_count(0)
        expect(live.get_by_text("Nobody is calling")).to_be_visible()

    page.get_by_role("link", name="I have it").click()
    expect(page.get_by_role("link", name="CRM of Ann")).to_be_visible()
    assert key not in page.content()


def test_copying_takes_the_whole_key(owner: Portal) -> None:
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.server.url)
    page = owner.open("/settings/api/keys/new")
    page.get_by_label("Name", exact=True).fill("Copied")
    assert page.locator("form[action='/settings/api/keys']").evaluate(SUBMITTED_TWICE) == [False, True]
    page.reload()
    page.get_by_label("Name", exact=True).fill("Copied")
    page.get_by_text("Bind it further").click()
    # In the reader's zone, which is Chicago's.
    page.get_by_label("Valid from").fill("2027-01-31T08:00")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_role("heading", name="The key Copied")).to_be_visible()
    for label in ("API key", "Header of each request", "Place a call"):
        field = page.get_by_role("textbox", name=label)
        field.locator("xpath=..").get_by_role("button", name="Copy").click()
        expect(field.locator("xpath=..").get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("() => navigator.clipboard.readText()") == field.input_value()
    owner.open("/settings/api")
    page.get_by_role("link", name="Copied").click()
    begins = datetime(2027, 1, 31, 14, tzinfo=UTC).isoformat()
    expect(page.locator(f"time[datetime='{begins}']")).to_be_visible()


def test_copying_works_without_a_clipboard_too(owner: Portal) -> None:
    """Browsers have none where there is no TLS, but on this machine."""
    owner.context.add_init_script("delete Navigator.prototype.clipboard")
    page = owner.open("/settings/api/documentation")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    owner.open("/settings/api/browsers/new")
    page.get_by_label("Origin").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Origin")).to_have_value(owner.server.url)


def test_a_key_is_rotated_and_revoked(owner: Portal) -> None:
    page = owner.open("/settings/api")
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_role("button", name="Create the new key").click()
    expect(page.get_by_role("textbox", name="API key")).to_be_visible()
    owner.require_accessible()
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name="Reports").last.click()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_label("End its calls").check()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("is revoked")
    page.get_by_role("link", name="Show keys that have ended").click()
    expect(page.get_by_role("link", name="Reports")).to_have_count(1)
    owner.require_accessible()


def test_a_webhook_from_a_refused_url_to_its_end(owner: Portal) -> None:
    owner.expected_statuses = {400}
    page = owner.open("/settings/api/webhooks/new")
    page.get_by_label("URL").fill("https://127.0.0.1/calls")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("Format").select_option("net2phone")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_text("the address is private")).to_be_visible()
    expect(page.get_by_label("URL")).to_be_focused()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Shop")
    expect(page.get_by_label("Format")).to_have_value("net2phone")
    owner.require_accessible()
    # An address that is nobody's (RFC 5737 has those for examples, which are refused as well).
    page.get_by_label("URL").fill("https://8.8.8.8:9/calls")
    page.get_by_role("button", name="Add the webhook").click()
    assert page.get_by_role("textbox", name="Secret").input_value().startswith("whsec_")
    owner.require_accessible()
    page.get_by_role("link", name="I have it").click()
    for name in ("Rotate the secret", "Disable", "Remove"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        owner.require_accessible()
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Rotate the secret").click()
    assert page.get_by_role("dialog").locator("form").evaluate(SUBMITTED_TWICE) == [False, True]
    page.reload()
    page.get_by_role("button", name="Rotate the secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_text("For another day")).to_be_visible()
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("is removed")
    expect(page.get_by_role("link", name="Shop")).to_have_count(0)


@contextmanager
def receiving() -> Iterator[tuple[str, queue.SimpleQueue[tuple[str, str]]]]:
    """A receiver of webhooks: its URL, and the id and type of each event that comes."""
    events: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()
            events.put((self.headers["webhook-id"], body["type"]))

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/calls", events
        server.shutdown()
        thread.join()


def comes(events: queue.SimpleQueue[tuple[str, str]], kind: str) -> str:
    """The id of the next event of this type."""
    while True:
        event_id, found = events.get(timeout=PATIENCE_MILLISECONDS / 1000)
        if found == kind:
            return event_id


def test_a_receiver_is_tested_told_and_told_again(
    provisioned: Deployment, browser: Browser, tmp_path: Path
) -> None:
    own, settings = provisioned.copied_to(tmp_path / "data"), {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.0/8"}
    with (
        receiving() as (url, events),
        Server.running(own, settings=settings) as server,
        portal_of(server, browser) as portal,
    ):
        portal.make_owner()
        page = portal.open("/settings/api/webhooks/new")
        page.get_by_label("URL").fill(url)
        page.get_by_label("The call is over").check()
        page.get_by_role("button", name="Add the webhook").click()
        page.get_by_role("link", name="I have it").click()
        page.get_by_role("button", name="Send a test event").click()
        expect(page.get_by_role("status")).to_contain_text("it answered 204")

        # Nobody is at the phone's port, so the call is over soon.
        fields = json.dumps({"user_line": f"+{user_number(0)}", "destination_line": DESTINATION}).encode()
        headers = {"Authorization": own.authorization, "Content-Type": "application/json"}
        urlopen(Request(server.url + "/api/v1/call", fields, headers)).close()
        event_id = comes(events, "call.ended")
        shows_delivered(page, page.url)
        page.get_by_role("button", name=f"Send again: {event_id}").click()
        expect(page.get_by_role("status")).to_contain_text("sent again")
        assert comes(events, "call.ended") == event_id

        page.get_by_label("Everything since").fill("2020-01-01T00:00")
        page.get_by_label("What was delivered, too").check()
        page.get_by_role("button", name="Send again", exact=True).click()
        assert comes(events, "call.ended") == event_id


def shows_delivered(page: Page, url: str) -> None:
    """The log says that its one event was delivered, which is written a moment after the answer."""
    delivered = page.locator("td").get_by_text("Delivered", exact=True)
    for _ in range(1000):
        page.goto(url)
        if delivered.count() == 1:
            return
    raise AssertionError(page.inner_text("main"))
