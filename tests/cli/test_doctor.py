"""What the doctor says of good and bad surroundings."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from ringbridge.store.database import open_database, writing
from ringbridge.store.tables import api_key_uses
from tests.cli.conftest import Ringbridge
from tests.cli.server import Server


@pytest.fixture(autouse=True)
def _ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_MEDIA_PORTS", "37000-37099")


def findings(ringbridge: Ringbridge) -> tuple[int, dict[str, dict[str, Any]]]:
    status, out, _ = ringbridge("doctor", "--json")
    return status, {finding["subject"]: finding for finding in json.loads(out)}


def test_a_fresh_machine_is_told_what_to_do_next(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_HTTP_PORT", "0")
    monkeypatch.setenv("RINGBRIDGE_SIP_PORT", "0")

    status, out, _ = ringbridge("doctor")

    assert status == 0
    assert "warn  accounts             there is none\n" in out
    assert '-> ringbridge account add --name "Blue Bottle"\n' in out


def test_beside_its_server_all_ports_are_well(
    ringbridge: Ringbridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(tmp_path / "data") as server:
        monkeypatch.setenv("RINGBRIDGE_HTTP_PORT", str(server.http_port))
        monkeypatch.setenv("RINGBRIDGE_SIP_PORT", str(server.sip_port))

        status, found = findings(ringbridge)

    assert status == 0
    assert found["HTTP port"]["found"] == f"ringbridge answers at {server.url}"
    assert (
        found["SIP port"]["found"] == f"127.0.0.1 UDP port {server.sip_port} is in use, and the server runs"
    )


def test_a_wrong_setting_is_all_there_is_to_say(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_DRAIN_SECONDS", "soon")

    status, found = findings(ringbridge)

    assert status == 1
    assert [finding["level"] for finding in found.values()] == ["fail"]
    assert found["settings"]["found"] == (
        "RINGBRIDGE_DRAIN_SECONDS is 'soon', but takes seconds from 0 to 3600"
    )


def test_a_database_that_does_not_answer_is_a_fault(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:9/calls")

    status, found = findings(ringbridge)

    assert status == 1
    assert found["database"]["level"] == "fail"
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("relay", "told_of"), [("rtpio", {"trunk carrier SRTP", "line 100 SRTP"}), ("rtpengine", set())]
)
def test_who_requires_srtp_and_cannot_have_it_is_told_of(
    ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch, relay: str, told_of: set[str]
) -> None:
    monkeypatch.setenv("RINGBRIDGE_MEDIA_RELAY", relay)
    monkeypatch.setenv("RINGBRIDGE_RTPENGINE", "127.0.0.1:9")
    secure = "sip:127.0.0.1:9;transport=tls"
    ringbridge("trunk", "add", "--name", "carrier", "--uri", secure, "--srtp", "required")
    ringbridge("trunk", "add", "--name", "plain", "--uri", "sip:127.0.0.1:9", "--srtp", "off")
    line = (
        "line",
        "add",
        "--account",
        account,
        "--number",
        "100",
        "--uri",
        "sip:100@127.0.0.1:9;transport=tls",
    )
    ringbridge(*line, "--srtp", "required")

    status, found = findings(ringbridge)

    assert status == 1
    assert found["media relay"]["level"] == ("ok" if told_of else "fail")
    about = {subject: finding for subject, finding in found.items() if subject.endswith("SRTP")}
    assert about.keys() == told_of
    for finding in about.values():
        assert (finding["level"], finding["mend"]) == ("fail", "set RINGBRIDGE_MEDIA_RELAY=rtpengine")


def test_a_key_that_is_in_use_and_ends_soon_is_told_of(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    _, out, _ = ringbridge("key", "create", "--account", account, "--days", "7")
    key_id = out.partition("API key ")[2][:10]
    database = open_database(f"sqlite:///{tmp_path}/data/ringbridge.db")
    with writing(database) as connection:
        use = {"key_id": key_id, "used_at": time.time(), "address": "192.0.2.1"}
        connection.execute(insert(api_key_uses), use)
    database.dispose()

    status, found = findings(ringbridge)

    assert (status, found[f"key {key_id}"]["level"]) == (0, "warn")
    assert found[f"key {key_id}"]["mend"].endswith(f"ringbridge key rotate {key_id}")


def test_a_certificate_that_cannot_be_read_is_a_fault(
    ringbridge: Ringbridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_SIP_TLS_CERTIFICATE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("RINGBRIDGE_SIP_TLS_PORT", "0")
    monkeypatch.setenv("RINGBRIDGE_SIP_WSS_PORT", "0")

    status, found = findings(ringbridge)

    assert status == 1
    assert found["TLS files"]["level"] == "fail"
    assert found["SIP port over TLS"]["level"] == found["SIP port over WSS"]["level"] == "ok"


def test_who_cannot_hang_up_over_a_new_connection_is_told_of(
    ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ringbridge("trunk", "add", "--name", "plain", "--uri", "sip:127.0.0.1:9")
    assert "way back over TLS" not in findings(ringbridge)[1]

    ringbridge("trunk", "add", "--name", "carrier", "--uri", "sip:127.0.0.1:9;transport=tls")
    found = findings(ringbridge)[1]["way back over TLS"]
    assert (found["level"], "trunk carrier" in found["found"]) == ("warn", True)

    monkeypatch.setenv("RINGBRIDGE_SIP_TLS_CERTIFICATE", str(tmp_path / "certificate.pem"))
    assert "way back over TLS" not in findings(ringbridge)[1]
