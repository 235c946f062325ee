"""Whom we believe and what we show, over real TLS on loopback."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from ringbridge.engines.native.driver import StreamSettings
from ringbridge.engines.native.tls import TlsContexts, TlsPeer, UnusableCertificate, reason_of
from ringbridge.sip.event import Progressed, RefusalSource, Refused
from ringbridge.sip.hop import Hop
from tests.engines.native.opened import WAIT_SECONDS, opened_driver
from tests.engines.native.test_streams import options
from tests.peers.certificates import Authority, Files
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_port

NAME = "trunk.example.com"
PEER = TlsPeer(name=NAME)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def port() -> int:
    return free_port(socket.SOCK_STREAM)


def believing(authority: Authority, peer: TlsPeer = PEER) -> StreamSettings:
    """Settings that take every server for one of that name."""
    return StreamSettings(tls=TlsContexts(ca=str(authority.file)), tls_peer=lambda hop: peer)


async def outcome_of_call(
    settings: StreamSettings, port: int, context: ssl.SSLContext
) -> tuple[object, list[str]]:
    """What comes of a call over TLS to a phone that rings, and the reasons that were logged."""
    async with StreamPhone.listening_for_connections(port, tls=context) as phone:
        with capture_logs() as logs:
            async with opened_driver(settings) as opened:
                opened.invite(Hop("TLS", LOOPBACK, port))
                told = asyncio.ensure_future(opened.event())
                ringing = asyncio.ensure_future(phone.leg_to("x"))
                await asyncio.wait((told, ringing), return_when=asyncio.FIRST_COMPLETED)
                if ringing.done():
                    ringing.result().ring()
                ringing.cancel()
                event = await told
    return event, [str(entry.get("error")) for entry in logs if entry["event"].startswith("sip.connection")]


async def test_a_server_with_the_right_name_from_an_authority_that_we_know_is_called(
    authority: Authority, port: int
) -> None:
    context = authority.server_context(authority.issue(NAME))

    event, _ = await outcome_of_call(believing(authority), port, context)

    assert isinstance(event, Progressed)


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        (lambda authority: authority.issue("other.example.com"), "Hostname mismatch"),
        (lambda authority: authority.issue(LOOPBACK), "Hostname mismatch"),
        (lambda authority: authority.issue(NAME, days=-1.0), "certificate has expired"),
        (lambda authority: Authority(authority.folder / "other").issue(NAME), "unable to get local issuer"),
    ],
)
async def test_any_other_server_is_refused_and_the_reason_logged(
    authority: Authority, port: int, issue: Callable[[Authority], Files], reason: str
) -> None:
    (authority.folder / "other").mkdir()
    settings = believing(authority)
    context = authority.server_context(issue(authority))

    event, reasons = await outcome_of_call(settings, port, context)

    assert isinstance(event, Refused)
    assert event.source is RefusalSource.TRANSPORT
    assert [text for text in reasons if text.startswith(f"its certificate is refused: {reason}")] == reasons
    assert reasons


async def test_an_address_in_the_uri_must_be_in_the_certificate(authority: Authority, port: int) -> None:
    settings = StreamSettings(tls=TlsContexts(ca=str(authority.file)))
    context = authority.server_context(authority.issue(LOOPBACK))

    event, _ = await outcome_of_call(settings, port, context)

    assert isinstance(event, Progressed)


async def test_a_trunk_may_have_an_authority_of_its_own_and_then_no_other_counts(
    authority: Authority, port: int
) -> None:
    (authority.folder / "other").mkdir()
    other = Authority(authority.folder / "other")
    settings = believing(authority, TlsPeer(name=NAME, ca=str(other.file)))

    its_own, _ = await outcome_of_call(settings, port, other.server_context(other.issue(NAME)))
    ours, _ = await outcome_of_call(settings, port, authority.server_context(authority.issue(NAME)))

    assert isinstance(its_own, Progressed)
    assert isinstance(ours, Refused)


async def test_a_server_that_asks_is_shown_the_certificate_for_it(authority: Authority, port: int) -> None:
    own = authority.issue("us.example.com", as_="client")
    shown = TlsPeer(name=NAME, certificate=str(own.certificate), key=str(own.key))
    context = authority.server_context(authority.issue(NAME), asks_for_certificate=True)

    with_one, _ = await outcome_of_call(believing(authority, shown), port, context)
    without_one, _ = await outcome_of_call(believing(authority), port, context)

    assert isinstance(with_one, Progressed)
    assert isinstance(without_one, Refused)


async def test_nothing_is_said_in_plain_text_to_a_server_without_tls(authority: Authority, port: int) -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(4096))
        writer.write(b"SIP/2.0 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, port)
    async with server, opened_driver(believing(authority)) as opened:
        opened.invite(Hop("TLS", LOOPBACK, port))
        event = await opened.event()

    assert isinstance(event, Refused)
    # A TLS record of the kind "handshake" (RFC 8446 section 5.1).
    assert heard[:1] == b"\x16"
    assert b"INVITE" not in heard


async def test_who_connects_to_us_sees_our_certificate_and_a_renewed_one_at_once(
    authority: Authority, port: int
) -> None:
    files = authority.issue("old.example.com")
    tls = TlsContexts(certificate=str(files.certificate), key=str(files.key))
    async with opened_driver(StreamSettings(tls=tls, tls_port=port)) as opened:

        async def ask(name: str, number: int) -> bytes:
            reader, writer = await asyncio.open_connection(
                LOOPBACK, port, ssl=authority.client_context(), server_hostname=name
            )
            writer.write(options(opened, number))
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)
            writer.transport.abort()
            return answer

        first = await ask("old.example.com", 1)
        authority.issue("new.example.com")
        os.utime(files.certificate, (1.0, 1.0))
        second = await ask("new.example.com", 2)

    assert (first[:12], second[:12]) == (b"SIP/2.0 200 ", b"SIP/2.0 200 ")


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_files_that_hold_no_certificate_are_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.pem"
    file.write_text(text)

    with pytest.raises(UnusableCertificate, match=r"no certificate and key can be read from .*file\.pem"):
        TlsContexts(certificate=str(file)).for_clients()
    with pytest.raises(UnusableCertificate, match=r"no authorities can be read from .*file\.pem"):
        TlsContexts(ca=str(file)).for_server(PEER)
    with pytest.raises(UnusableCertificate, match=r"no authorities can be read from .*missing\.pem"):
        TlsContexts(ca=str(tmp_path / "missing.pem")).for_server(PEER)


def test_a_context_is_made_once_while_its_files_stay_the_same(authority: Authority) -> None:
    contexts = TlsContexts(ca=str(authority.file))
    first = contexts.for_server(TlsPeer(name="a"))

    assert contexts.for_server(TlsPeer(name="b")) is first
    trustme.CA().cert_pem.write_to_path(authority.folder / "ca.pem")
    os.utime(authority.folder / "ca.pem", (1.0, 1.0))
    assert contexts.for_server(TlsPeer(name="a")) is not first


def test_reasons_are_words() -> None:
    assert reason_of(TimeoutError()) == "no connection within the time allowed"
    assert reason_of(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert reason_of(ValueError("no name")) == "no name"
    assert reason_of(ValueError()) == "ValueError"
