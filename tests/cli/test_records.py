"""Records on the command line: written out, kept for so long, and forgotten."""

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import insert

from ringbridge.store.database import open_database, writing
from ringbridge.store.tables import calls, records
from tests.cli.conftest import Ringbridge
from tests.store.samples import a_record

FIRST_END = 1_700_000_000.0  # 2023-11-14T22:13:20Z
DAY_SECONDS = 86_400.0


@pytest.fixture
def recorded(tmp_path: Path, account: str) -> None:
    """Three calls of the account that are over, a day between them, and one that still rings."""
    rows = [a_record(f"call-{index}", account, FIRST_END + index * DAY_SECONDS) for index in range(3)]
    running = {
        "id": "running",
        "state": "ringing_user",
        "user_state": "ringing",
        "destination_state": "none",
    }
    kept = calls.columns.keys()
    engine = open_database(f"sqlite:///{tmp_path}/data/ringbridge.db")
    with writing(engine) as connection:
        connection.execute(insert(records), rows)
        values = {name: value for name, value in rows[0].items() if name in kept} | running
        connection.execute(insert(calls), values)
    engine.dispose()


@pytest.mark.usefixtures("recorded")
def test_the_table_goes_to_standard_output_and_holds_what_was_asked_for(
    ringbridge: Ringbridge, account: str
) -> None:
    words = ("--from", "2023-11-15", "--until", "2023-11-16T22:13:20Z")
    status, out, err = ringbridge("records", "export", "--account", account, *words)
    assert (status, err) == (0, "")
    (row,) = csv.DictReader(out.splitlines())
    assert (row["call_id"], row["destination_number"]) == ("call-1", "'+13053452300")


@pytest.mark.usefixtures("recorded")
def test_the_list_goes_to_a_new_file(ringbridge: Ringbridge, account: str, tmp_path: Path) -> None:
    words = ("records", "export", "--account", account, "--format", "json", "--out", "calls.json")
    assert ringbridge(*words) == (0, "", "")
    found = json.loads((tmp_path / "calls.json").read_text())
    assert [record["call_id"] for record in found] == ["call-2", "call-1", "call-0"]
    # What is there already is not written over.
    assert ringbridge(*words) == (2, "", "ringbridge: cannot write calls.json: File exists\n")


@pytest.mark.usefixtures("recorded")
def test_more_records_than_one_batch_are_one_list(
    ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.cli.records._BATCH", 2)
    out = ringbridge("records", "export", "--account", account, "--format", "json").out
    assert len(json.loads(out)) == 3


def test_what_cannot_be_asked_for_is_one_sentence(ringbridge: Ringbridge, account: str) -> None:
    export = ("records", "export", "--account")
    assert ringbridge(*export, "7") == (2, "", "ringbridge: There is no account 7.\n")
    status, _, err = ringbridge(*export, account, "--from", "yesterday")
    assert (status, err.startswith("ringbridge: 'yesterday' is no time: write it as")) == (2, True)


def test_calls_are_kept_as_long_as_was_said(ringbridge: Ringbridge, account: str) -> None:
    words = ("records", "retain", "--account", account)
    assert ringbridge(*words) == (0, "kept for good\n", "")
    assert ringbridge(*words, "--days", "90") == (0, "kept for 90 days\n", "")
    assert ringbridge(*words) == (0, "kept for 90 days\n", "")
    assert ringbridge(*words, "--for-good") == (0, "kept for good\n", "")
    both = ringbridge(*words, "--days", "90", "--for-good")
    assert both == (2, "", "ringbridge: --days and --for-good exclude each other\n")


@pytest.mark.usefixtures("recorded")
def test_a_number_is_forgotten_and_who_is_still_called_is_told(ringbridge: Ringbridge, account: str) -> None:
    words = ("records", "erase", "--account", account, "--number")
    assert ringbridge(*words, "(305) 345-2300") == (
        0,
        "erased in 3 calls\n",
        "ringbridge: warning: 1 call with it still running: run this again when they are over\n",
    )
    assert "3053452300" not in ringbridge("records", "export", "--account", account).out
    assert ringbridge(*words, "+15125292329").out == "erased in 0 calls\n"
