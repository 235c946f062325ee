"""The page of limits: what is shown, what a change takes, presets, and letting nobody call."""

from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.limits import limit_text
from ringbridge.call.user import Role
from ringbridge.portal.pages.limits.words import GROUPS, PRESETS, WORDS
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import ACCOUNT_ID, OTHER_ACCOUNT_ID, PASSWORD, Client, Desk

FIELDS = {name: limit_text(name, getattr(AccountLimits(), name)) for name in WORDS}


def limits(desk: Desk) -> AccountLimits:
    return desk.administration.limits(ACCOUNT_ID)


def test_every_limit_has_its_words() -> None:
    assert sorted(WORDS) == sorted(AccountLimits.__dataclass_fields__)
    assert all(preset.values.keys() <= WORDS.keys() for preset in PRESETS.values())
    assert len(GROUPS) == 5


async def test_limits_are_said_in_words(desk: Desk, auditor: Client) -> None:
    changed = replace(
        AccountLimits(), spend_per_day=50_000_000, countries=("US", "CA"), quiet_hours="21:00-08:00"
    )
    desk.administration.set_limits(ACCOUNT_ID, changed)
    text = (await auditor.get("/limits")).text
    for words in ("Calls at once", "Canada", "21:00-08:00", "50.00", "30 s", "No limit", "<progress"):
        assert words in text, words
    assert "/limits/change" not in text
    assert (await auditor.get("/limits/change")).status == 403
    assert (await auditor.post("/limits", FIELDS)).status == 403


async def test_a_limit_of_0_that_stops_all_calls_says_so(desk: Desk, auditor: Client) -> None:
    assert "With 0 nobody can call." not in (await auditor.get("/limits")).text
    desk.administration.set_limits(
        ACCOUNT_ID, replace(AccountLimits(), rate=0, per_minute=0, short_calls_per_hour=0)
    )
    assert (await auditor.get("/limits")).text.count("With 0 nobody can call.") == 2


async def test_users_see_no_limits(user: Client) -> None:
    assert (await user.get("/limits")).status == 403


async def test_an_operator_changes_none(operator: Client) -> None:
    assert (await operator.get("/limits")).status == 200
    assert (await operator.post("/limits", FIELDS | {"concurrent": "1"})).status == 403


async def test_a_tighter_limit_needs_no_password(desk: Desk, owner: Client) -> None:
    desk.clock.skipped_seconds = 14 * 60.0
    reply = await owner.post(
        "/limits", FIELDS | {"concurrent": "7", "countries": "", "spend_per_day": "12.5"}
    )
    assert reply.location == "/limits"
    assert limits(desk) == replace(AccountLimits(), concurrent=7, spend_per_day=12_500_000)
    assert desk.administration.limits(OTHER_ACCOUNT_ID) == AccountLimits()
    assert SqlAuditLog(desk.database).last(1)[0].actor.id == "id-owner"


async def test_a_looser_one_asks_for_it_and_loses_nothing(desk: Desk, owner: Client) -> None:
    desk.clock.skipped_seconds = 14 * 60.0
    old = limits(desk)
    wanted = FIELDS | {"concurrent": "700"}
    asked = await owner.post("/limits", wanted)
    assert asked.status == 400
    assert "Give your password" in asked.text
    assert 'value="700"' in asked.text
    wrong = await owner.post("/limits", wanted | {"password": "wrong"})
    assert (wrong.status, "This is not your password." in wrong.text) == (400, True)
    assert "wrong" not in wrong.value(r'id="password"[^>]*value="([^"]*)"')
    assert limits(desk) == old
    assert (await owner.post("/limits", wanted | {"password": PASSWORD})).location == "/limits"
    assert limits(desk).concurrent == 700
    assert (await owner.get("/users/new")).status == 200


async def test_a_looser_one_right_after_signing_in(desk: Desk, owner: Client) -> None:
    await owner.post("/limits", FIELDS | {"concurrent": "700", "countries": "FR"})
    assert (limits(desk).concurrent, limits(desk).countries) == (700, ("FR",))


async def test_only_who_runs_the_server_allows_more(desk: Desk, owner: Client) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, runs_server=False))
    old = limits(desk)
    refused = await owner.post("/limits", FIELDS | {"concurrent": "700", "password": PASSWORD})
    assert (refused.status, "Only who runs the server may do that." in refused.text) == (400, True)
    assert limits(desk) == old
    assert (await owner.post("/limits", FIELDS | {"concurrent": "3"})).location == "/limits"
    assert limits(desk).concurrent == 3


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("concurrent", "", "Write a whole number from 0 to 1,000,000."),
        ("per_minute", "many", "or nothing for no limit."),
        ("call_s", "14401", "Write seconds"),
        ("spend_per_day", "1,5", "Write an amount such as 25.50"),
        ("refused_prefixes", "1900", "Write beginnings of numbers"),
        ("quiet_hours", "21-8", "Write two times that differ"),
        ("countries", "XX", "This is not a country."),
    ],
)
async def test_what_cannot_be_read_is_said_beside_it(
    desk: Desk, owner: Client, name: str, text: str, sentence: str
) -> None:
    reply = await owner.post("/limits", FIELDS | {"keys": "3", name: text})
    assert (reply.status, sentence in reply.text, 'value="3"' in reply.text) == (400, True, True)
    assert limits(desk) == AccountLimits()


async def test_a_preset_fills_in_the_form_and_changes_nothing(desk: Desk, owner: Client) -> None:
    reply = await owner.get("/limits/change?preset=careful")
    assert 'id="per_minute" name="per_minute" type="text" value="30"' in reply.text
    assert limits(desk) == AccountLimits()


async def test_an_account_is_suspended_and_resumed(desk: Desk, owner: Client, operator: Client) -> None:
    assert (await operator.post("/limits/suspend")).status == 403
    assert (await owner.post("/limits/suspend", {"ends_calls": "on"})).location == "/limits"
    (account, _) = desk.administration.accounts()
    assert (account.suspended, account.ends_calls) == (True, True)
    assert "nobody can call" in (await operator.get("/limits")).text
    assert (await owner.post("/limits/resume")).location == "/limits"
    assert [one.suspended for one in desk.administration.accounts()] == [False, False]


async def test_only_who_runs_the_server_lifts_a_suspension(desk: Desk, owner: Client) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, runs_server=False))
    assert (await owner.post("/limits/resume")).status == 403
    assert desk.stored(desk.users[Role.OWNER]).role is Role.OWNER
