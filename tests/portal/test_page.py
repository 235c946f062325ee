"""Which routes let whom in: every page that there is, and those that scripts ask for again and again."""

import re
from urllib.parse import quote

import pytest
from starlette.responses import PlainTextResponse, Response

from ringbridge.call.user import Right, Role
from ringbridge.portal import areas
from ringbridge.portal.page import PageRoute, page, watched
from ringbridge.portal.view import View
from tests.portal.conftest import ACCOUNT_ID, Client, Desk

# What those who are not signed in may ask for.
OPEN = {
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/login/passkey/options"),
    ("POST", "/login/passkey"),
    # To an OpenID provider and back; without one they are not there.
    ("GET", "/login/openid"),
    ("GET", "/login/openid/back"),
    ("POST", "/language"),
    ("GET", "/welcome/{token}"),
    ("POST", "/welcome/{token}"),
    # They take a browser's token in place of a session.
    ("GET", "/embed/dialler"),
    ("POST", "/embed/preview"),
    ("POST", "/embed/calls"),
    ("GET", "/embed/calls/{call_id}"),
    ("POST", "/embed/calls/{call_id}/hang-up"),
}


async def show_rows(view: View) -> Response:
    return PlainTextResponse(view.user.login)


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> tuple[PageRoute, ...]:
    """Those that there are, and one more; before the desk is opened."""
    routes = (*areas.ROUTES, watched("/rows", show_rows, Right.SEE_AUDIT))
    monkeypatch.setattr("ringbridge.portal.app.ROUTES", routes)
    return routes


def test_what_is_open_is_listed_here() -> None:
    assert {(route.method, route.path) for route in areas.ROUTES if route.is_open} == OPEN


def test_no_route_is_there_twice() -> None:
    names = [(route.method, re.sub(r"{[^}]*}", "{}", route.path)) for route in areas.ROUTES]
    assert len(names) == len(set(names))


def test_what_changes_keys_limits_trunks_and_users_takes_a_fresh_password() -> None:
    sensitive = {Right.CHANGE_KEYS, Right.CHANGE_LIMITS, Right.CHANGE_TRUNKS, Right.CHANGE_USERS}
    # The form of limits asks for it itself, where one is raised: tests/portal/test_limits.py.
    asking = {"/limits", "/limits/change"}
    # Takes a right away, and asks a trunk whether it is there: neither gives anybody anything.
    harmless = {"/settings/api/browsers/remove", "/trunks/{trunk_id}/test"}
    stale = {route.path for route in areas.ROUTES if route.right in sensitive and not route.fresh}
    assert stale - asking - harmless == set()


async def test_a_stranger_is_led_to_the_sign_in_from_every_other_page(desk: Desk, visitor: Client) -> None:
    for route in areas.ROUTES:
        if not route.is_open:
            path = re.sub(r"{[^}]*}", "x", route.path)
            reply = await (visitor.get(path) if route.method == "GET" else visitor.post(path))
            assert (reply.status, reply.location.partition("?")[0]) == (303, "/login"), route


async def test_a_role_opens_what_it_may(desk: Desk) -> None:
    for role, user in desk.users.items():
        client = await desk.client_of(user)
        for route in areas.ROUTES:
            if route.right is not None and not user.may(route.right):
                path = re.sub(r"{[^}]*}", "x", route.path)
                reply = await (client.get(path) if route.method == "GET" else client.post(path))
                assert reply.status == 403, (role, route)


@pytest.mark.parametrize(
    ("path", "page_path"),
    [
        ("/logout", "/"),
        ("/dial/calls", "/dial"),
        ("/live/x/hang-up", "/live"),
        (f"/lines/line-{ACCOUNT_ID}/password", f"/lines/line-{ACCOUNT_ID}"),
        ("/settings/api/webhooks/x/deliveries/y/replay", "/settings/api/webhooks/x"),
    ],
)
async def test_the_address_of_a_form_leads_to_its_page(owner: Client, path: str, page_path: str) -> None:
    reply = await owner.get(path)
    assert (reply.status, reply.location) == (303, page_path)


async def test_no_address_of_a_form_is_a_dead_end(owner: Client) -> None:
    pages = {route.path for route in areas.ROUTES if route.method == "GET"}
    for path in {route.path for route in areas.ROUTES} - pages:
        reply = await owner.get(re.sub(r"{[^}]*}", "x", path))
        assert reply.status == 303, path
    assert (await owner.post("/history")).status == 405


async def test_what_a_script_asks_for_does_not_keep_a_session_alive(
    routes: tuple[PageRoute, ...], desk: Desk
) -> None:
    owner = await desk.client_of(desk.users[Role.OWNER])
    for _ in range(14):
        desk.clock.skipped_seconds += 60.0
        assert (await owner.get("/rows")).text == "owner"
    desk.clock.skipped_seconds += 60.0
    assert (await owner.get("/rows")).status == 303


async def test_a_flash_that_is_not_ours_breaks_no_page(owner: Client) -> None:
    session = owner.cookie("ringbridge")
    for broken in ("null", "5", "%", '["success"]', '["success", "a", "b"]', "[" * 3000):
        cookie = f"ringbridge={session}; ringbridge-flash={quote(broken)}"
        assert (await owner.get("/profile", Cookie=cookie)).status == 200, broken[:20]


async def break_down(view: View) -> Response:
    raise ZeroDivisionError("a secret detail")


@pytest.fixture
def broken_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with a bug; before the desk is opened."""
    monkeypatch.setattr("ringbridge.portal.app.ROUTES", (*areas.ROUTES, page("/bug", break_down)))


async def test_a_bug_is_a_page_that_tells_nothing(broken_route: None, desk: Desk) -> None:
    reply = await (await desk.client_of(desk.users[Role.OWNER])).get("/bug")
    assert (reply.status, "Something went wrong." in reply.text) == (500, True)
    assert "secret" not in reply.text
    assert reply.headers["content-security-policy"].startswith("default-src 'self'")
