"""Settings, API Integration: keys. Who may do what, what is shown once, what is refused, and what other accounts have."""

import html
from base64 import b64decode

import pytest

from ringbridge.call.key import Scope
from ringbridge.call.user import Role
from ringbridge.service.authentication import Authenticator, Caller
from ringbridge.service.keys import KeyRequest
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.key_uses import SqlKeyUses
from tests.portal.conftest import (
    ACCOUNT_ID,
    LINE_NUMBER,
    OTHER_ACCOUNT_ID,
    PEPPER,
    Client,
    Desk,
    Reply,
)

KEYS = "/settings/api/keys"
NEW = {"name": "CRM <b>", "scopes": "calls:create", "days": "30"}


def shown_key(reply: Reply) -> str:
    """The key that a page shows."""
    return reply.value(r'id="key-text" value="(c2c_\w+)"')


async def added_key(desk: Desk, name: str = "CRM", account_id: str = ACCOUNT_ID, **bounds: object) -> str:
    """The id of a key that is there."""
    account = await desk.directory.account(account_id)
    assert account is not None
    caller = Caller(account, desk.users[Role.OWNER].acting_key())
    wanted = KeyRequest(name=name, scopes=frozenset({Scope.CALLS_CREATE}), days=90, **bounds)  # type: ignore[arg-type]
    return (await desk.keys.create(caller, wanted)).key.id


async def test_there_is_a_way_to_the_first_key(owner: Client, auditor: Client) -> None:
    reply = await owner.get("/settings/api")
    assert "No keys yet" in reply.text
    assert "Create a Click to Call API key" in reply.text
    assert KEYS + "/new" not in (await auditor.get("/settings/api")).text


async def test_a_key_is_made_and_shown_once_with_what_uses_it(desk: Desk, owner: Client) -> None:
    reply = await owner.post(KEYS, NEW)
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    text = shown_key(reply)
    header = reply.value(r'value="Authorization: (Basic [^"]+)"')
    assert b64decode(header.removeprefix("Basic ")).decode() == f"{ACCOUNT_ID}:{text}"
    command = html.unescape(reply.value(r'(?s)id="key-command"[^>]*>(.*?)</textarea>'))
    assert command.startswith(f"curl -X POST \\\n  {desk.url}/api/v1/call \\\n")
    assert f"-H 'Authorization: {header}'" in command
    assert f'"user_line": "{LINE_NUMBER}"' in command
    # The address is this machine's.
    assert "from elsewhere" in reply.text

    caller = await Authenticator(desk.directory, PEPPER, desk.clock).authenticate(header, "192.0.2.1")
    assert (caller.key.name, caller.key.scopes) == ("CRM <b>", frozenset({Scope.CALLS_CREATE}))
    for path in ("/settings/api", f"{KEYS}/{caller.key.id}"):
        again = await owner.get(path)
        assert text not in again.text
        assert "CRM &lt;b&gt;" in again.text


async def test_a_key_is_bound_as_it_was_wanted(desk: Desk, owner: Client) -> None:
    fields = NEW | {
        "test": "on",
        "lines": f"(817) 562-9656\n{LINE_NUMBER}",
        "networks": "203.0.113.0/24, 2001:db8::/32",
        "not_before": "2026-12-24T08:00",
        "not_before_utc": "2026-12-24T14:00:00.000Z",
    }
    desk.clock.skipped_seconds = 1_795_000_000.0 - desk.clock.utc_now() + desk.clock.skipped_seconds
    owner = await desk.client_of(desk.users[Role.OWNER])
    reply = await owner.post(KEYS, fields)
    assert "simulated" in reply.text
    [known] = desk.administration.key_page(ACCOUNT_ID, None, 10)
    assert known.key.is_test
    assert known.key.lines == (LINE_NUMBER,)
    assert known.key.networks == ("203.0.113.0/24", "2001:db8::/32")
    assert known.key.not_before == 1_798_120_800.0
    page = await owner.get(f"{KEYS}/{known.key.id}")
    assert "Not yet valid" in page.text
    assert "203.0.113.0/24, 2001:db8::/32" in page.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "Use 1 to 100 characters."),
        ({"scopes": "nothing"}, "Choose at least one."),
        ({"days": "0"}, "Use 1 to 730 days."),
        ({"days": "nan"}, "Use 1 to 730 days."),
        ({"days": "1.5"}, "Use 1 to 730 days."),
        ({"lines": "817 562 9999"}, "The account has no line with this number."),
        ({"lines": "hello"}, "This is not a telephone number."),
        ({"networks": "203.0.113.300"}, "Write an address or a network in each line"),
        ({"not_before": "tomorrow"}, "Choose a day and a time."),
        ({"not_before": "2099-01-01T00:00"}, "Choose a time within the next two years."),
    ],
)
async def test_a_wrong_field_is_said_and_what_was_typed_stays(
    desk: Desk, owner: Client, fields: dict[str, str], sentence: str
) -> None:
    reply = await owner.post(KEYS, NEW | {"networks": "192.0.2.77", "test": "on"} | fields)
    assert reply.status == 400
    assert sentence in reply.text
    assert 'name="test" value="on" checked' in reply.text
    assert ("192.0.2.77" in reply.text) == ("networks" not in fields)
    assert desk.administration.keys(ACCOUNT_ID) == []


async def test_an_account_with_all_its_keys_is_told_what_to_do(desk: Desk, owner: Client) -> None:
    for number in range(20):
        await added_key(desk, f"key {number}")
    reply = await owner.post(KEYS, NEW)
    assert reply.status == 400
    assert "Revoke one that is not needed first." in reply.text


async def test_when_and_from_where_a_key_was_used_is_shown(desk: Desk, owner: Client) -> None:
    key_id = await added_key(desk)
    assert "never" in (await owner.get("/settings/api")).text
    uses = SqlKeyUses(desk.database, utc_now=desk.clock.utc_now)
    async with uses.kept():
        uses.note(key_id, "198.51.100.23")
    for path in ("/settings/api", f"{KEYS}/{key_id}", f"{KEYS}/{key_id}/revoke"):
        assert "198.51.100.23" in (await owner.get(path)).text


async def test_a_key_is_exchanged_and_the_old_one_opens_for_a_while(desk: Desk, owner: Client) -> None:
    key_id = await added_key(desk)
    refused = await owner.post(f"{KEYS}/{key_id}/exchange", {"hours": "721"})
    assert refused.status == 400
    assert 'value="721"' in refused.text
    assert "Use 0 to 720 hours." in refused.text
    reply = await owner.post(f"{KEYS}/{key_id}/exchange", {"hours": "48"})
    new_id = shown_key(reply).split("_")[2]
    old, new = desk.administration.key(key_id), desk.administration.key(new_id)
    assert 47 * 3600.0 < old.expires_at - desk.clock.utc_now() < 49 * 3600.0
    assert (new.name, new.scopes) == (old.name, old.scopes)
    assert "Ends soon" in (await owner.get(f"{KEYS}/{key_id}")).text


@pytest.mark.parametrize("ends_calls", [True, False])
async def test_a_revoked_key_is_among_those_that_have_ended(
    desk: Desk, owner: Client, ends_calls: bool
) -> None:
    key_id = await added_key(desk)
    assert "never used" in (await owner.get(f"{KEYS}/{key_id}/revoke")).text
    fields = {"ends_calls": "on"} if ends_calls else {}
    assert (await owner.post(f"{KEYS}/{key_id}/revoke", fields)).location == "/settings/api"
    assert desk.administration.key(key_id).ends_calls is ends_calls
    page = await owner.get("/settings/api")
    assert "CRM is revoked" in page.text
    assert key_id not in page.text
    assert key_id in (await owner.get("/settings/api?show=ended")).text
    assert "/exchange" not in (await owner.get(f"{KEYS}/{key_id}")).text
    # Over is over: there is nothing to exchange any more.
    assert (await owner.post(f"{KEYS}/{key_id}/exchange", {"hours": "1"})).status == 404


async def test_long_lists_have_pages(desk: Desk, owner: Client) -> None:
    for number in range(53):
        key_id = await added_key(desk, f"key {number:02}")
        desk.administration.revoke_key(key_id, at=desk.clock.utc_now())
    first = await owner.get("/settings/api?show=ended")
    assert first.text.count(KEYS + "/") - first.text.count(KEYS + "/new") == 50
    path = html.unescape(first.value(r'rel="next" href="([^"]+)"'))
    assert path.startswith("/settings/api?show=ended&after=")
    second = await owner.get(path)
    assert all(f"key {number}" in second.text for number in (50, 51, 52))
    assert 'rel="next"' not in second.text
    assert (await owner.get("/settings/api?after=nonsense~")).status == 200


@pytest.mark.parametrize("what", ["", "/exchange", "/revoke"])
async def test_keys_of_another_account_are_not_there(desk: Desk, owner: Client, what: str) -> None:
    key_id = await added_key(desk, account_id=OTHER_ACCOUNT_ID)
    assert key_id not in (await owner.get("/settings/api")).text
    assert (await owner.get(f"{KEYS}/{key_id}{what}")).status == 404
    if what:
        assert (await owner.post(f"{KEYS}/{key_id}{what}", {"hours": "1"})).status == 404
        assert desk.administration.key(key_id).revoked_at is None


async def test_only_owners_change_keys(desk: Desk, operator: Client, auditor: Client, user: Client) -> None:
    key_id = await added_key(desk)
    for client in (operator, auditor):
        assert (await client.get("/settings/api")).status == 200
        page = await client.get(f"{KEYS}/{key_id}")
        assert page.status == 200
        assert "/revoke" not in page.text
    assert (await user.get("/settings/api")).status == 403
    assert (await user.get(f"{KEYS}/{key_id}")).status == 403
    for client in (operator, auditor, user):
        assert (await client.get(f"{KEYS}/new")).status == 403
        assert (await client.post(KEYS, NEW)).status == 403
        for what in ("/exchange", "/revoke"):
            assert (await client.get(f"{KEYS}/{key_id}{what}")).status == 403
            assert (await client.post(f"{KEYS}/{key_id}{what}", {"hours": "1"})).status == 403
    assert len(desk.administration.keys(ACCOUNT_ID)) == 1


async def test_making_a_key_takes_a_fresh_password(desk: Desk, owner: Client) -> None:
    desk.clock.skipped_seconds += 10 * 60.0
    assert (await owner.get(f"{KEYS}/new")).location == f"/login/again?next={KEYS}/new"
    desk.clock.skipped_seconds += 10 * 60.0 - 1.0
    assert (await owner.post(KEYS, NEW)).status == 303
    assert desk.administration.keys(ACCOUNT_ID) == []


async def test_another_site_makes_no_key(desk: Desk, owner: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await owner.post(KEYS, NEW, **headers)).status == 403
    assert desk.administration.keys(ACCOUNT_ID) == []


async def test_who_made_and_revoked_a_key_is_in_the_audit_log(desk: Desk, owner: Client) -> None:
    reply = await owner.post(KEYS, NEW)
    key_id = shown_key(reply).split("_")[2]
    await owner.post(f"{KEYS}/{key_id}/revoke")
    entries = [entry for entry in SqlAuditLog(desk.database).last(20) if entry.target_id == key_id]
    assert [(entry.action, entry.actor.id) for entry in entries] == [
        ("key.revoked", "id-owner"),
        ("key.created", "id-owner"),
    ]
