"""The page of the audit log: what it shows, filters, whether the chain holds, and taking it along."""

import csv
import io
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from ringbridge.call.actor import Actor, ActorKind, acting_as
from ringbridge.call.audit import Action
from ringbridge.call.directory import AccountLimits
from ringbridge.portal.pages.audit.words import ACTIONS, ACTORS, KINDS
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.audit_tables import audit_entries
from ringbridge.store.database import writing
from ringbridge.store.rates import RateTable
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import ACCOUNT_ID, EXTENSION, OTHER_ACCOUNT_ID, Client, Desk

ANN = Actor(ActorKind.COMMAND_LINE, "ann", "192.0.2.99")


def test_every_entry_has_its_words() -> None:
    assert ACTIONS.keys() == set(Action)
    assert KINDS.keys() == {action.value.partition(".")[0] for action in Action}
    assert ACTORS.keys() == set(ActorKind)


async def test_a_change_is_shown_with_who_did_it_and_what_differs(
    desk: Desk, owner: Client, auditor: Client
) -> None:
    await owner.post("/users/id-operator/disable")
    text = (await auditor.get("/audit")).text
    for words in ("User disabled", "Olive owner", "127.0.0.1", "<del>false</del>", "<ins>true</ins>"):
        assert words in text, words


async def test_moments_money_and_much_are_shown_for_people(
    desk: Desk, owner: Client, auditor: Client
) -> None:
    desk.administration.set_limits(ACCOUNT_ID, replace(AccountLimits(), spend_per_day=50_000_000))
    await owner.post("/users/id-user/reset")
    text = (await auditor.get("/audit")).text
    assert "<ins>50.00</ins>" in text
    assert re.search(r"<dt>expires_at</dt><dd> <ins><time datetime=", text)
    assert "<summary>" in text


async def test_a_line_is_called_by_its_number_and_name(desk: Desk, auditor: Client) -> None:
    called = r'class="text-secondary small target">([^<]+)<'
    desk.administration.add_line(EXTENSION)
    desk.administration.change_line(ACCOUNT_ID, EXTENSION.number, lambda line: replace(line, name="Bob"))
    text = (await auditor.get("/audit?kind=line")).text
    assert re.findall(called, text)[:2] == ["200 · Bob"] * 2
    desk.administration.remove_line(ACCOUNT_ID, EXTENSION.number)
    text = (await auditor.get("/audit?kind=line")).text
    # Of one that is gone, what each entry has.
    assert re.findall(called, text)[:3] == ["200 · Bob", "Bob", "200"]


async def test_an_account_sees_its_own_and_no_administrators_name(desk: Desk, auditor: Client) -> None:
    with acting_as(ANN):
        desk.administration.set_limits(ACCOUNT_ID, replace(AccountLimits(), concurrent=4711))
        desk.administration.set_limits(OTHER_ACCOUNT_ID, replace(AccountLimits(), concurrent=815))
        RateTable(desk.database).replace({"+1": 1})
    text = (await auditor.get("/audit")).text
    assert ("4711" in text, "815" in text, "192.0.2.99" in text) == (True, False, False)
    assert "Whoever looks after the server" in text
    assert "Rates exchanged" not in text


async def test_who_runs_the_server_sees_what_concerns_all(desk: Desk, owner: Client) -> None:
    RateTable(desk.database).replace({"+1": 1})
    desk.administration.set_limits(OTHER_ACCOUNT_ID, replace(AccountLimits(), concurrent=8150))
    text = (await owner.get("/audit")).text
    assert ("Rates exchanged" in text, "8150" in text) == (True, False)
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, runs_server=False))
    assert "Rates exchanged" not in (await owner.get("/audit")).text


async def test_wrong_passwords_are_there_however_many_in_few_entries(
    desk: Desk, auditor: Client, owner: Client, visitor: Client
) -> None:
    for _ in range(14):
        await visitor.post("/login", {"login": "operator", "password": "wrong"})
    await visitor.post("/login", {"login": "nobody", "password": "wrong"})
    await desk.portal.failed_sign_ins.finish()
    failed = [entry for entry in SqlAuditLog(desk.database).last(9) if entry.action == "user.sign_in_failed"]
    told = {entry.target_id: json.loads(entry.after or "") for entry in failed}
    assert len(failed) == 3
    assert sum(json.loads(entry.after or "")["times"] for entry in failed) == 15
    # The newest first, so that this is what was summed up first.
    assert told["id-operator"] == {"times": 1, "reasons": ["wrong password"], "addresses": ["127.0.0.1"]}
    assert told[None]["reasons"] == ["unknown user"]
    text = (await auditor.get("/audit?kind=user")).text
    for words in ("Sign-in failed", "Olive operator", "wrong password, too many guesses", "127.0.0.1"):
        assert words in text, words
    # Of names that nobody has, those hear who look after the server.
    assert "unknown user" not in text
    assert "unknown user" in (await owner.get("/audit")).text


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("kind=limits", True),
        ("kind=user", False),
        ("actor=command_line", True),
        ("actor=user", False),
        ("since=2020-01-01", True),
        ("since=2100-01-01", False),
        ("until=2020-01-01", False),
        ("until=2020-01-01&until=2100-01-01&after=hello", True),
        ("after=1", False),
    ],
)
async def test_entries_are_filtered(desk: Desk, auditor: Client, query: str, is_there: bool) -> None:
    with acting_as(ANN):
        desk.administration.set_limits(ACCOUNT_ID, replace(AccountLimits(), concurrent=4711))
    assert ("4711" in (await auditor.get(f"/audit?{query}")).text) is is_there


async def test_days_are_those_of_the_readers_time_zone(desk: Desk, auditor: Client) -> None:
    desk.administration.set_limits(ACCOUNT_ID, replace(AccountLimits(), concurrent=4711))
    # There it is always another day than here at the same moment.
    for zone, offset_seconds in (("Pacific/Kiritimati", 14 * 3600), ("Etc/GMT%2B12", -12 * 3600)):
        today = f"{datetime.fromtimestamp(time.time() + offset_seconds, UTC):%Y-%m-%d}"
        reply = await auditor.get(f"/audit?since={today}&until={today}&zone={zone}")
        assert "4711" in reply.text, zone


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("kind=zzz", "This is none of the choices."),
        ("actor=' or 1", "This is none of the choices."),
        ("since=hello", "This is not a date."),
        ("until=9999-12-31", "This is not a date."),
    ],
)
async def test_what_cannot_be_asked_for_is_said(auditor: Client, query: str, sentence: str) -> None:
    reply = await auditor.get(f"/audit?{query}")
    assert (reply.status, sentence in reply.text) == (400, True)
    assert "<del>" not in reply.text
    assert (await auditor.get(f"/audit/export.csv?{query}")).location.startswith("/audit?")


async def test_pages_follow_one_another_and_keep_the_filter(desk: Desk, auditor: Client) -> None:
    for most in range(1001, 1061):
        desk.administration.set_limits(ACCOUNT_ID, replace(AccountLimits(), concurrent=most))
    first = await auditor.get("/audit?kind=limits")
    path = first.value(r'rel="next" href="([^"]+)"').replace("&amp;", "&")
    assert path.startswith("/audit?kind=limits&after=")
    second = await auditor.get(path)
    assert ("<ins>1060</ins>" in first.text, "<ins>1060</ins>" in second.text) == (True, False)
    assert "<ins>1002</ins>" in second.text


async def test_a_log_that_was_changed_is_told(desk: Desk, auditor: Client) -> None:
    end = SqlAuditLog(desk.database).verify()
    assert end.hash in (await auditor.get("/audit/verified")).text
    with writing(desk.database) as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.sequence == 2).values(at=1.0))
    # It is looked at once a minute at the most.
    assert end.hash in (await auditor.get("/audit/verified")).text
    desk.clock.skipped_seconds = 61.0
    reply = (await auditor.get("/audit/verified")).text
    assert "Entry 2 of the audit log, or what it follows, was changed." in reply


async def test_the_log_is_taken_along(desk: Desk, owner: Client) -> None:
    await owner.post("/users/id-operator/disable")
    reply = await owner.get("/audit/export.csv?kind=user")
    assert reply.headers["content-disposition"] == 'attachment; filename="audit-1009683.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert (rows[0]["action"], rows[0]["actor_id"]) == ("user.disabled", "id-owner")
    assert {row["action"].partition(".")[0] for row in rows} == {"user"}
    lines = (await owner.get("/audit/export.json")).text.splitlines()
    assert json.loads(lines[0])["action"] == "user.disabled"
    assert len(lines) > len(rows)
    assert (await owner.get("/audit/export.xml")).status == 404


@pytest.mark.parametrize("path", ["/audit", "/audit/verified", "/audit/export.csv"])
async def test_others_see_nothing_of_it(operator: Client, user: Client, path: str) -> None:
    assert (await operator.get(path)).status == 403
    assert (await user.get(path)).status == 403
