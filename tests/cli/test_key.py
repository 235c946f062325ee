"""API keys on the command line."""

import json
import re
import stat
import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringbridge.call.key import Scope
from ringbridge.config import load_pepper
from ringbridge.service.credential import digest, parse_key
from tests.cli.conftest import Ringbridge
from tests.cli.server import failed_start

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_a_new_key_is_printed_once_with_header_and_command(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    out = ringbridge("key", "create", "--account", account, "--name", "CRM").out

    key = re.search(r"^API key: (c2c_live_\S+)$", out, re.MULTILINE)
    header = re.search(r"^Authorization: Basic (\S+)$", out, re.MULTILINE)
    assert key is not None
    assert header is not None
    assert b64decode(header[1]).decode() == f"{account}:{key[1]}"
    assert f"-H 'Authorization: Basic {header[1]}'" in out
    parts = parse_key(key[1])
    assert parts is not None
    database = (tmp_path / "data" / "ringbridge.db").read_bytes()
    database += (
        (tmp_path / "data" / "ringbridge.db-wal").read_bytes()
        if (tmp_path / "data" / "ringbridge.db-wal").exists()
        else b""
    )
    assert parts.secret.encode() not in database
    assert digest(load_pepper(tmp_path / "data", has_keys=True), parts.secret).encode() in database
    assert stat.S_IMODE((tmp_path / "data" / "pepper").stat().st_mode) == 0o600


def test_the_command_names_a_line_of_the_account(ringbridge: Ringbridge, account: str) -> None:
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:201@127.0.0.1")

    assert '"user_line": "201",' in ringbridge("key", "create", "--account", account).out


@pytest.mark.parametrize("scope", Scope)
def test_the_help_and_the_page_about_keys_name_every_scope(ringbridge: Ringbridge, scope: Scope) -> None:
    assert scope.value in ringbridge("key", "create", "--help").out
    assert f"`{scope.value}`" in PAGE.read_text()


def test_a_key_of_some_lines_has_nothing_that_concerns_them_all(ringbridge: Ringbridge, account: str) -> None:
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:201@127.0.0.1")
    words = ("--line", "201", "--scope", "calls:create", "--scope", "webhooks:write", "--scope", "keys:read")
    refused = ringbridge("key", "create", "--account", account, *words)
    assert (refused.status, "keys:read, webhooks:write" in refused.err) == (2, True)
    assert json.loads(ringbridge("key", "list", "--account", account, "--json").out or "[]") == []


def created(ringbridge: Ringbridge, *words: str) -> str:
    """The text of a key that is made with these words."""
    out = ringbridge("key", "create", "--account", "1009683", *words).out
    return next(word for word in out.split() if word.startswith("c2c_"))


def test_a_key_is_bound_to_what_it_may_do(ringbridge: Ringbridge, account: str) -> None:
    first_day = datetime.fromtimestamp(time.time(), UTC).date() + timedelta(days=30)
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:201@127.0.0.1")
    ringbridge("line", "add", "--account", account, "--number", "8175629656", "--uri", "sip:ann@127.0.0.1")
    words = [
        "--scope",
        "calls:create",
        "--scope",
        "calls:read",
        "--line",
        "201",
        "--line",
        "817-562-9656",
        "--days",
        "7",
        "--test",
    ]
    words += ["--network", "203.0.113.9/24", "--network", "2001:db8::1", "--from", first_day.isoformat()]
    assert created(ringbridge, *words).startswith("c2c_test_")
    [row] = json.loads(ringbridge("key", "list", "--account", account, "--json").out)
    assert {
        name: row[name] for name in ("test", "scopes", "lines", "networks", "not_before", "expires_at")
    } == {
        "test": True,
        "scopes": "calls:create,calls:read",
        "lines": "+18175629656,201",
        "networks": "2001:db8::1/128,203.0.113.0/24",
        "not_before": f"{first_day}T00:00:00Z",
        "expires_at": f"{first_day + timedelta(days=7)}T00:00:00Z",
    }
    assert (row["last_used_at"], row["last_used_from"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scope", "calls"), "'calls' is not a scope. Scopes are: calls:create, "),
        (("--line", "201"), "Account 1009683 has no line 201. Add it first."),
        (("--network", "office"), "'office' does not appear to be an IPv4 or IPv6 network: write "),
        (("--from", "9999-12-31"), "--from takes a time within two years from now"),
        (("--from", "soon"), "'soon' is no time: write it as 2027-01-31 or 2027-01-31T08:00+01:00"),
    ],
)
def test_what_binds_nothing_is_refused(
    ringbridge: Ringbridge, account: str, words: tuple[str, ...], sentence: str
) -> None:
    result = ringbridge("key", "create", "--account", account, *words)
    assert (result.status, result.err.startswith(f"ringbridge: {sentence}")) == (2, True)
    assert json.loads(ringbridge("key", "list", "--account", account, "--json").out) == []


def test_a_key_more_than_the_limit_is_refused_until_one_is_revoked(
    ringbridge: Ringbridge, account: str
) -> None:
    ringbridge("limits", "set", "--account", account, "keys=5")
    keys = [created(ringbridge, "--name", str(number)) for number in range(5)]
    refused = ringbridge("key", "create", "--account", account)
    assert refused.err == (
        "ringbridge: Account 1009683 has 5 keys that are valid. Revoke one first, or have its limit `keys` raised.\n"
    )
    ringbridge("key", "revoke", keys[0])
    created(ringbridge)


def test_a_key_is_exchanged_for_a_new_one_that_may_the_same(ringbridge: Ringbridge, account: str) -> None:
    old = created(ringbridge, "--scope", "records:read", "--name", "reports")
    out = ringbridge("key", "rotate", old, "--overlap-hours", "1").out
    new = next(word for word in out.split() if word.startswith("c2c_live_"))
    rows = {
        row["id"]: row for row in json.loads(ringbridge("key", "list", "--account", account, "--json").out)
    }
    old_row, new_row = (rows[text[9:19]] for text in (old, new))
    assert (new_row["name"], new_row["scopes"]) == ("reports", "records:read")
    assert old_row["expires_at"] < new_row["created_at"][:11] + "99"
    assert new_row["expires_at"] > old_row["expires_at"]
    assert ringbridge("key", "rotate", "0000000000").err == "ringbridge: There is no key 0000000000.\n"


def test_a_revoked_key_stays_in_the_list(ringbridge: Ringbridge, account: str) -> None:
    out = ringbridge("key", "create", "--account", account).out
    key = next(word for word in out.split() if word.startswith("c2c_live_"))

    assert ringbridge("key", "revoke", key) == (0, "", "")

    [row] = json.loads(ringbridge("key", "list", "--account", account, "--json").out)
    assert row["revoked_at"].endswith("Z")
    assert ringbridge("key", "revoke", "0000000000").err == "ringbridge: There is no key 0000000000.\n"


def test_a_lost_pepper_stops_server_and_new_keys_until_the_old_ones_are_given_up(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    ringbridge("key", "create", "--account", account)
    pepper = tmp_path / "data" / "pepper"
    pepper.unlink()

    refused = (
        2,
        "",
        (
            f"ringbridge: {pepper} is missing, and no API key can be checked without it: "
            "restore it from a backup, or give up all keys with `ringbridge key revoke --all`\n"
        ),
    )
    assert ringbridge("key", "create", "--account", account) == refused
    assert failed_start(tmp_path / "data") == (refused[0], refused[2])
    found = {row["subject"]: row for row in json.loads(ringbridge("doctor", "--json").out)}
    assert (found["pepper"]["level"], found["pepper"]["mend"]) == (
        "fail",
        "restore it from a backup, or give up all keys with `ringbridge key revoke --all`",
    )
    assert not pepper.exists()

    assert ringbridge("key", "revoke", "--all") == (0, "1 key revoked\n", "")
    assert ringbridge("key", "create", "--account", account).status == 0
    assert pepper.exists()


@pytest.mark.parametrize("words", [(), ("0G3kZr81Qa", "--all")])
def test_either_one_key_is_revoked_or_all(ringbridge: Ringbridge, words: tuple[str, ...]) -> None:
    assert ringbridge("key", "revoke", *words) == (2, "", "ringbridge: name one key, or --all\n")
