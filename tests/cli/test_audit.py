"""The audit log on the command line."""

import csv
import json
import os
import pwd
from pathlib import Path

import pytest

from ringbridge.call.actor import SERVER, acting
from ringbridge.cli.operator import operator
from tests.cli.conftest import Ringbridge


@pytest.fixture
def by_ann(monkeypatch: pytest.MonkeyPatch) -> str:
    """Who types the commands: somebody who came over SSH."""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 51000 192.0.2.1 22")
    monkeypatch.setenv("SUDO_USER", "ann")
    return f"{pwd.getpwuid(os.getuid()).pw_name} (sudo by ann)"


def test_what_commands_change_is_listed_with_who_did_it_and_from_where(
    ringbridge: Ringbridge, by_ann: str, account: str
) -> None:
    ringbridge("account", "suspend", account)
    newest, oldest = json.loads(ringbridge("audit", "list", "--account", account, "--json").out)

    assert (newest["action"], newest["before"], newest["after"]) == (
        "account.suspended",
        {"suspended": False},
        {"suspended": True},
    )
    assert (oldest["action"], oldest["account_id"], oldest["target_id"]) == (
        "account.created",
        account,
        account,
    )
    assert (oldest["actor_kind"], oldest["actor_id"], oldest["actor_address"]) == (
        "command_line",
        by_ann,
        "192.0.2.7",
    )
    listed = ringbridge("audit", "list", "--last", "1").out.splitlines()
    assert [line.split()[-1] for line in listed] == ["after", '{"suspended":true}']
    assert acting() == SERVER


def test_nobody_changed_anything_yet(ringbridge: Ringbridge) -> None:
    assert ringbridge("audit", "list") == (0, "", "nothing was changed yet\n")


def test_the_whole_log_leaves_as_a_table_that_no_spreadsheet_runs(
    ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUDO_USER", "")
    monkeypatch.setenv("SSH_CONNECTION", "=cmd|x")
    ringbridge("account", "suspend", account)
    table = list(csv.DictReader(ringbridge("audit", "export").out.splitlines()))

    assert [row["action"] for row in table] == ["account.created", "account.suspended"]
    assert table[1]["actor_address"] == "'=cmd|x"
    file = tmp_path / "log.jsonl"
    assert ringbridge("audit", "export", "--format", "json", "--out", str(file)) == (0, "", "")
    documents = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["sequence"], one["hash"]) for one in documents] == [
        (int(row["sequence"]), row["hash"]) for row in table
    ]
    assert ringbridge("audit", "export", "--out", str(file)).status == 2


def test_a_log_as_it_was_written_is_told_from_another(ringbridge: Ringbridge, account: str) -> None:
    status, out, _ = ringbridge("audit", "verify")
    last = out.split()[-1]

    assert (status, out) == (0, f"1 entry, as written; the last has the hash {last}\n")
    ringbridge("account", "suspend", account)
    assert ringbridge("audit", "verify", "--known", last).out.startswith("2 entries, as written")
    assert ringbridge("audit", "verify", "--known", "0" * 64) == (
        1,
        "No entry of the audit log has that hash: it was written anew, or is another one.\n",
        "",
    )


def test_a_user_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    assert (operator().id, operator().address) == ("54321", None)
