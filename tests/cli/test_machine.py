"""What the doctor sees on this machine."""

import http.server
import json
import socket
import threading
from pathlib import Path

import pytest

from ringbridge.cli import machine
from ringbridge.cli.finding import Level
from ringbridge.config import PortRange
from ringbridge.engines.native.tls import TlsContexts
from tests.engines.native.media_peers import PORTS, daemon
from tests.peers.certificates import Authority

HOST = "127.0.0.1"


@pytest.mark.parametrize(
    ("prefix", "configured_with", "level"),
    [
        ("/home/ada/.pyenv/versions/3.13.0", "'--enable-shared' 'LDFLAGS=-Wl'", Level.WARN),
        ("/usr/local", "'--build=x86_64-linux-gnu' '--enable-optimizations' '--with-lto'", Level.OK),
        ("/usr", "'--enable-shared' '--prefix=/usr'", Level.OK),
        ("/opt/python", None, Level.OK),
    ],
)
def test_a_python_that_nobody_optimised_is_told(
    prefix: str, configured_with: str | None, level: Level
) -> None:
    assert machine.python_build(prefix, configured_with).level is level


def test_the_clock_of_this_machine_is_possible() -> None:
    assert machine.clock().level is Level.OK


def test_a_free_http_port_is_well() -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]

    is_running, finding = machine.http_port(HOST, port)

    assert (is_running, finding.level) == (False, Level.OK)


def test_an_http_port_that_another_program_has_is_a_fault() -> None:
    server = http.server.HTTPServer((HOST, 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        is_running, finding = machine.http_port(HOST, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (is_running, finding.level) == (False, Level.FAIL)
    assert finding.found == f"{HOST} port {server.server_port}: the port is in use"
    assert finding.mend == (
        f"`ss -ltnp 'sport = :{server.server_port}'` names the program: stop it, or set RINGBRIDGE_HTTP_PORT "
        "to a free one"
    )


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("192.0.2.1", "192.0.2.1 port 8080: this machine has no such address"),
        ("calls.invalid", "calls.invalid port 8080: the name cannot be looked up"),
    ],
)
def test_an_http_host_that_is_not_ours_is_a_fault(host: str, found: str) -> None:
    _, finding = machine.http_port(host, 8080)

    assert (finding.level, finding.found, finding.mend) == (
        Level.FAIL,
        found,
        "set RINGBRIDGE_HTTP_HOST to an address of this machine",
    )


@pytest.mark.parametrize(("is_running", "level"), [(False, Level.FAIL), (True, Level.OK)])
def test_a_sip_port_may_be_taken_by_the_server_only(is_running: bool, level: Level) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))

        assert machine.sip_port(HOST, taken.getsockname()[1], "UDP", is_running=is_running).level is level


def test_a_sip_host_of_another_machine_is_one_fault_though_a_server_runs() -> None:
    [finding] = machine.sip_ports("192.0.2.1", {"UDP": 5060, "TCP": 5060}, is_running=True)

    assert (finding.level, finding.mend) == (
        Level.FAIL,
        "set RINGBRIDGE_SIP_HOST to an address of this machine",
    )


def test_a_server_that_does_not_have_the_sip_port_has_other_settings() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]

    assert machine.sip_port(HOST, port, "UDP", is_running=True).level is Level.WARN
    assert machine.sip_port(HOST, port, "UDP", is_running=False).level is Level.OK


def test_the_media_relay_is_installed_here() -> None:
    assert machine.rtpio().level is Level.OK


@pytest.mark.parametrize(
    ("transport", "subject", "setting"),
    [
        ("TCP", "SIP port over TCP", "RINGBRIDGE_SIP_PORT"),
        ("TLS", "SIP port over TLS", "RINGBRIDGE_SIP_TLS_PORT"),
        ("WSS", "SIP port over WSS", "RINGBRIDGE_SIP_WSS_PORT"),
    ],
)
def test_a_port_for_connections_that_another_program_has_is_a_fault(
    transport: str, subject: str, setting: str
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        finding = machine.sip_port(HOST, port, transport, is_running=False)

    assert (finding.level, finding.subject) == (Level.FAIL, subject)
    assert finding.mend == (
        f"`ss -ltnp 'sport = :{port}'` names the program: stop it, or set {setting} to a free one"
    )


def test_each_transport_has_its_finding() -> None:
    findings = machine.sip_ports(HOST, {"UDP": 0, "TLS": 0}, is_running=False)

    assert [finding.subject for finding in findings] == ["SIP port", "SIP port over TLS"]


def test_a_tls_port_at_an_address_of_another_machine_names_a_setting_that_there_is() -> None:
    assert machine.sip_port("192.0.2.1", 5061, "TLS", is_running=False).mend == (
        "set RINGBRIDGE_SIP_HOST to an address of this machine"
    )


async def test_an_rtpengine_that_is_not_there_is_a_fault() -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]

    finding = await machine.rtpengine(HOST, port)

    assert (finding.level, finding.mend) == (
        Level.FAIL,
        f"start it with --listen-tcp-ng={HOST}:{port}, or correct RINGBRIDGE_RTPENGINE",
    )


@pytest.mark.peer
async def test_an_rtpengine_that_answers_is_well() -> None:
    with daemon(range(PORTS, PORTS + 1000)) as running:
        await running.until_it_listens()

        assert (await machine.rtpengine(HOST, running.control_port)).level is Level.OK


def test_files_for_tls_are_read_as_the_server_reads_them(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("192.0.2.1")
    other = Authority(tmp_path).issue("192.0.2.1", as_="other")

    def found(certificate: Path, key: Path) -> list[Level]:
        tls = TlsContexts(certificate=str(certificate), key=str(key))
        return [finding.level for finding in machine.tls_files(tls)]

    assert found(files.certificate, files.key) == []
    assert found(files.certificate, other.key) == [Level.FAIL]
    assert found(tmp_path / "missing.pem", files.key) == [Level.FAIL]
    assert machine.tls_files(TlsContexts(ca=str(files.key)))[0].level is Level.FAIL


@pytest.mark.parametrize(
    ("missed", "found"),
    [
        (None, []),
        ("accepting", ["draining: it takes no new calls and stops when the running ones end"]),
        ("trunk", []),
        ("media", ["its media relay is gone"]),
    ],
)
def test_what_a_running_server_misses_is_told(missed: str | None, found: list[str]) -> None:
    checks = {name: name != missed for name in ("database", "media", "trunk", "accepting")}

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if missed else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "whatever", "checks": checks}).encode())

    server = http.server.HTTPServer((HOST, 0), Ready)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        findings = machine.server_state(f"http://{HOST}:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert [finding.found for finding in findings] == found


@pytest.mark.parametrize("is_running", [False, True])
def test_ports_of_another_machine_carry_no_call(is_running: bool) -> None:
    finding = machine.media_ports("192.0.2.1", PortRange(38000, 38007), is_running=is_running)

    assert (finding.level, finding.found) == (Level.FAIL, "192.0.2.1: this machine has no such address")
    assert finding.mend.startswith("set RINGBRIDGE_MEDIA_HOST to an address of this machine")


def test_a_folder_below_a_file_is_a_fault_and_one_yet_to_be_made_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert machine.data_folder(tmp_path / "file" / "data").level is Level.FAIL
    assert machine.data_folder(tmp_path / "new" / "data").found == f"{tmp_path}/new/data (not made yet)"
