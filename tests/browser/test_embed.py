"""The dialler in a frame of another site's page, in Chromium: what passes between the two, and what does not."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from ringbridge.call.origin import AllowedOrigin
from ringbridge.store.database import open_database
from ringbridge.store.origins import SqlOrigins
from tests.browser.phones import Telephones, telephones
from tests.browser.portal import Portal, portal_of
from tests.peers.server import Server, destination_number, user_number

LINE = user_number(1)

_PAGE = """<!DOCTYPE html><html lang=en><title>A CRM</title><link rel=icon href="data:,"><h1>A CRM</h1>
<script>
  const told = [];
  addEventListener("message", (event) => told.push([event.origin, event.data]));
  const say = (message) => frames[0].postMessage(message, "{server}");
</script>
<iframe title=Dialler width=420 height=480 src="{src}"></iframe><iframe title=Other src="about:blank"></iframe>"""


@contextmanager
def site(server: Server, *, claims: str | None = None) -> Iterator[str]:
    """The origin of another site, whose page has the dialler in it; `claims` is which origin it says it is."""
    origin = ""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            src = (
                f"{server.url}/embed/dialler?account={server.deployment.account_id}&origin={claims or origin}"
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(_PAGE.replace("{src}", src).replace("{server}", server.url).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        origin = f"http://localhost:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield origin
        http.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def crm(owned_server: Server) -> Iterator[str]:
    """The origin of a site that the account allows."""
    with site(owned_server) as origin:
        database = open_database(f"sqlite:///{owned_server.deployment.data_dir}/ringbridge.db")
        SqlOrigins(database).allow_origin(owned_server.deployment.account_id, AllowedOrigin(origin, 1.0))
        database.dispose()
        yield origin


@pytest.fixture(scope="module")
def phones(owned_server: Server) -> Iterator[Telephones]:
    with telephones(owned_server.deployment) as phones:
        yield phones


@pytest.fixture
def embedding(owned_server: Server, browser: Browser, crm: str) -> Iterator[Portal]:
    """The site's page, in nobody's browser."""
    with portal_of(owned_server, browser) as portal:
        portal.foreign_is_expected = True
        portal.page.goto(crm)
        yield portal


def token(server: Server, origin: str) -> str:
    """What the site's own server asks of ours."""
    body = json.dumps({"user_line": f"+{LINE}", "origin": origin, "seconds": 600.0}).encode()
    headers = {"Authorization": server.deployment.authorization, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/api/v2/tokens", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text: str = json.load(answer)["token"]
    return text


def told(page: Page, kind: str) -> Any:
    """The message of this type that the frame sent first since they were last looked at."""
    handle = page.wait_for_function(
        "kind => { const i = told.findIndex(([, data]) => data.type === kind); return i >= 0 && told.splice(i, 1)[0] }",
        arg=kind,
    )
    return handle.json_value()


def dialler(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title=Dialler]")


def test_a_call_from_a_frame(embedding: Portal, phones: Telephones, crm: str) -> None:
    page, server = embedding.page, embedding.server
    frame = dialler(page)
    assert told(page, "ringbridge.token-needed") == [server.url, {"type": "ringbridge.token-needed"}]
    expect(frame.get_by_label("Number")).to_be_hidden()
    page.evaluate("token => say({type: 'ringbridge.token', token})", token(server, crm))
    page.evaluate(
        "number => say({type: 'ringbridge.number', number})", f"+1 (512) 529-{destination_number(21)[-4:]}"
    )
    expect(frame.locator(".understood .number")).to_contain_text("United States")
    expect(frame.get_by_role("button", name="Call")).to_be_focused()
    assert phones.count(LINE) == 0

    frame.get_by_role("button", name="Call").press("Enter")
    phones.do(phones.user_leg(LINE).answer)
    phones.do(phones.destination_leg(destination_number(21)).answer)
    expect(frame.locator(".call-stage")).to_contain_text("You are talking")
    states = [told(page, "ringbridge.call")[1] for _ in range(2)]
    assert [each["destination"] for each in states] == [f"+{destination_number(21)}"] * 2
    frame.get_by_role("button", name="Hang up").click()
    expect(frame.locator(".call-stage")).to_contain_text("The call is over")
    page.wait_for_function(
        "() => told.some(([, data]) => data.state === 'ended' && data.outcome === 'completed')"
    )
    assert page.evaluate("origin => told.every(([from]) => from === origin)", server.url)
    frame.get_by_role("button", name="New call").click()
    expect(frame.get_by_label("Number")).to_be_focused()
    expect(frame.get_by_label("Number")).to_have_value("")


def test_a_refusal_and_a_token_that_is_over_are_told(embedding: Portal, phones: Telephones, crm: str) -> None:
    page, server = embedding.page, embedding.server
    frame = dialler(page)
    embedding.expected_statuses = {400, 401}
    told(page, "ringbridge.token-needed")
    page.evaluate("token => say({type: 'ringbridge.token', token})", token(server, crm))
    frame.get_by_label("Number").fill("911")
    frame.get_by_role("button", name="Call").click()
    expect(frame.get_by_role("alert")).to_contain_text("Emergency numbers are not called")
    assert told(page, "ringbridge.refused")[1]["code"] == "emergency_number"
    page.evaluate("say({type: 'ringbridge.token', token: 'c2c_token_x'})")
    frame.get_by_role("button", name="Call").click()
    told(page, "ringbridge.token-needed")
    expect(frame.get_by_label("Number")).to_be_hidden()


def test_a_call_is_followed_on_with_a_new_token(embedding: Portal, phones: Telephones, crm: str) -> None:
    page, server = embedding.page, embedding.server
    frame = dialler(page)
    embedding.expected_statuses = {401}
    told(page, "ringbridge.token-needed")
    page.evaluate("token => say({type: 'ringbridge.token', token})", token(server, crm))
    frame.get_by_label("Number").fill(destination_number(22))
    frame.get_by_role("button", name="Call").click()
    expect(frame.locator(".call-stage")).to_contain_text("Your phone is ringing")
    page.evaluate("say({type: 'ringbridge.token', token: 'c2c_token_x'})")
    frame.get_by_role("button", name="Hang up").click()
    told(page, "ringbridge.token-needed")
    page.evaluate("token => say({type: 'ringbridge.token', token})", token(server, crm))
    # It was not ended: who was refused has to ask again, as any page may.
    page.evaluate("say({type: 'ringbridge.hang-up'})")
    expect(frame.locator(".call-stage")).to_contain_text("The call is over")
    expect(frame.get_by_label("Number")).to_be_hidden()
    assert embedding.page.evaluate("told.filter(([, data]) => data.state === 'ended').length") == 1


def test_nobody_but_the_page_around_it_is_listened_to(embedding: Portal, crm: str) -> None:
    page = embedding.page
    told(page, "ringbridge.token-needed")
    # A frame beside it, of the very same origin as the page.
    page.evaluate(
        """token => frames[1].eval(`top.frames[0].postMessage({type: 'ringbridge.token', token: "${token}"}, '*')`)""",
        token(embedding.server, crm),
    )
    for nonsense in (
        "null",
        "'ringbridge.token'",
        "{type: 7}",
        "{type: 'ringbridge.toString'}",
        "{type: 'other.token'}",
    ):
        page.evaluate(f"say({nonsense})")
    page.evaluate("say({type: 'ringbridge.number', number: '15125290100'})")
    expect(dialler(page).get_by_label("Number")).to_have_value("15125290100")
    expect(dialler(page).get_by_label("Number")).to_be_hidden()


def test_a_page_that_is_not_allowed_has_no_dialler(owned_server: Server, browser: Browser, crm: str) -> None:
    with (
        site(owned_server) as unknown,
        site(owned_server, claims=crm) as liar,
        portal_of(owned_server, browser) as portal,
    ):
        portal.foreign_is_expected = True
        for origin in (unknown, liar):
            portal.page.goto(origin)
            portal.page.wait_for_function("() => document.readyState === 'complete'")
            expect(dialler(portal.page).get_by_label("Number")).to_have_count(0)
            assert portal.page.evaluate("told") == []
        assert (
            len([each for each in portal.complaints if "frame-ancestors" in each or "refused" in each]) >= 2
        )
        portal.complaints = [
            each for each in portal.complaints if "fram" not in each and "refused" not in each
        ]


def test_the_page_by_itself_says_what_it_is_for(portal: Portal, crm: str) -> None:
    page = portal.open(f"/embed/dialler?account={portal.server.deployment.account_id}&origin={crm}")
    expect(page.get_by_text("has to sign you in")).to_be_visible()
    portal.require_accessible()
    # As it is once the page around it has signed somebody in.
    page.evaluate("document.getElementById('dialler').hidden = false")
    portal.require_accessible()
    portal.open("/embed/dialler")
    expect(page.get_by_role("alert")).to_contain_text("for a frame of a page")
    portal.require_accessible()
