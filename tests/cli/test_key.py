"""API keys on the command line."""

import json
import re
import stat
from base64 import b64decode
from pathlib import Path

import pytest

from ringbridge.config import load_pepper
from ringbridge.service.credential import digest, parse_key
from tests.cli.conftest import Ringbridge
from tests.cli.server import failed_start


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
