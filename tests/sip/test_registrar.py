"""The registrar of an endpoint, met by phones whose every packet is written here."""

import pytest

from ringbridge.sip.contact import MAX_SECONDS, Contact
from ringbridge.sip.digest import Credentials, authorization, choose_challenge
from ringbridge.sip.endpoint import Endpoint, EndpointSettings, Packet
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.parse import parse_datagram
from ringbridge.sip.registrar import NONCE_SECONDS, device_digests
from ringbridge.sip.registration import ContactsChanged, RegistrationAsked
from ringbridge.sip.source import STRANGER_PACKETS
from tests.sip.network import CALLER, Counter

HOME = Hop("UDP", "203.0.113.5", 40_000)
LINE = "line-1"
SECRETS = {"alice": "open sesame", "bob": "let me in"}
LINES = {"alice": LINE, "bob": "line-2"}


def digests(username: str) -> dict[str, str]:
    return device_digests(username, SECRETS[username])


class Registered:
    """An endpoint that knows two lines, and whose owner looks names up at once unless told to wait."""

    def __init__(self) -> None:
        settings = EndpointSettings(local=CALLER, digest_algorithms=("SHA-256", "MD5"))
        self.endpoint = Endpoint(settings, Counter("registrar"))
        self.endpoint.registrar.set_lines(LINES.values(), 0.0)
        self.asked: list[RegistrationAsked] = []
        self.changes: list[ContactsChanged] = []
        self.packets: list[Packet] = []
        self.answers_at_once = True

    def receive(self, data: bytes, source: Hop, now: float) -> list[Response]:
        """Let a packet arrive, and return what is said to it."""
        self.endpoint.receive_packet(data, source, now)
        return self.pump(now)

    def pump(self, now: float) -> list[Response]:
        while events := self.endpoint.registrar.events():
            for event in events:
                if isinstance(event, ContactsChanged):
                    self.changes.append(event)
                    continue
                self.asked.append(event)
                if self.answers_at_once:
                    self.look_up(event, now)
        packets = self.endpoint.packets_to_send()
        self.packets += packets
        answers = [parse_datagram(packet.data) for packet in packets]
        return [answer for answer in answers if isinstance(answer, Response)]

    def look_up(self, event: RegistrationAsked, now: float) -> None:
        name = event.authorization.username
        known = digests(name) if name in SECRETS else {}
        self.endpoint.registrar.register(event, LINES.get(name), known, now)

    def contacts(self, now: float, line: str = LINE) -> list[str]:
        return [contact.uri for contact in self.endpoint.registrar.contacts(line, now)]


class DeskPhone:
    """A phone that registers as `name`."""

    def __init__(
        self,
        name: str = "alice",
        *,
        hop: Hop = HOME,
        password: str = "",
        algorithm: str = "SHA-256",
        to: str = "",
    ) -> None:
        self.name = name
        self.hop = hop
        self.password = password or SECRETS.get(name, "wrong")
        self.algorithm = algorithm
        self.to = to or name
        self.sequence = 0
        self.uses = 0
        self.challenge = ""

    def request(
        self,
        *contacts: str,
        method: str = "REGISTER",
        more: tuple[tuple[str, str], ...] = (),
        rport: str = ";rport",
    ) -> bytes:
        """The next request; signed once there was a challenge."""
        self.sequence += 1
        fields = [
            (
                "Via",
                f"SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK{self.name}{self.hop.port}x{self.sequence}{rport}",
            ),
            ("From", f"<sip:{self.to}@192.0.2.1>;tag=1"),
            ("To", f"<sip:{self.to}@192.0.2.1>"),
            ("Call-ID", f"{self.name}{self.hop.port}"),
            ("CSeq", f"{self.sequence} {method}"),
            *[("Contact", contact) for contact in contacts],
            *more,
        ]
        if self.challenge:
            self.uses += 1
            value = authorization(
                choose_challenge([self.challenge]),
                Credentials(username=self.name, password=self.password),
                method=method,
                uri="sip:192.0.2.1",
                body=b"",
                client_nonce="c",
                nonce_count=self.uses,
            )
            fields.append(("Authorization", value))
        return Request(method=method, uri="sip:192.0.2.1", headers=Headers.of(fields)).serialize()

    def learn(self, answer: Response) -> None:
        assert answer.status == 401
        values = answer.headers.all("WWW-Authenticate")
        (self.challenge,) = [value for value in values if f"algorithm={self.algorithm}," in value]
        self.uses = 0

    def register(
        self, server: Registered, *contacts: str, now: float = 0.0, more: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """Register with a fresh challenge, and return the last answer."""
        self.challenge = ""
        (challenged,) = server.receive(self.request(), self.hop, now)
        self.learn(challenged)
        (answer,) = server.receive(self.request(*contacts, more=more), self.hop, now)
        return answer


# Registering


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_phone_that_knows_its_password_is_registered(algorithm: str) -> None:
    server, phone = Registered(), DeskPhone(algorithm=algorithm)

    answer = phone.register(
        server, "<sip:alice@10.0.0.7>;expires=600", more=(("Path", "<sip:edge.example;lr>"),)
    )

    assert answer.status == 200
    assert answer.headers.all("Contact") == ("<sip:alice@10.0.0.7>;expires=600",)
    assert answer.headers.all("Path") == ("<sip:edge.example;lr>",)
    (contact,) = server.endpoint.registrar.contacts(LINE, 1.0)
    assert (contact.uri, contact.hop, contact.path) == (
        "sip:alice@10.0.0.7",
        HOME,
        ("<sip:edge.example;lr>",),
    )
    assert server.changes == [ContactsChanged(line=LINE, contacts=(contact,))]
    assert server.endpoint.registrar.count == 1


def test_answers_go_where_the_phone_asked_them_to() -> None:
    server = Registered()

    server.receive(DeskPhone().request(), HOME, 0.0)
    server.receive(DeskPhone().request(rport=""), HOME, 0.0)

    assert [packet.hop for packet in server.packets] == [HOME, HOME._replace(port=5060)]


def test_a_phone_may_ask_who_is_registered_without_changing_it() -> None:
    server = Registered()
    DeskPhone().register(server, "<sip:alice@10.0.0.7>;expires=600")
    server.changes.clear()

    answer = DeskPhone(hop=HOME._replace(port=40_001)).register(server, now=100.0)

    assert (answer.status, answer.headers.all("Contact")) == (200, ("<sip:alice@10.0.0.7>;expires=500",))
    assert server.changes == []


def test_a_phone_may_go() -> None:
    server, phone = Registered(), DeskPhone()
    phone.register(server, "<sip:alice@10.0.0.7>")

    answer = phone.register(server, "*", more=(("Expires", "0"),))

    assert (answer.status, answer.headers.all("Contact")) == (200, ())
    assert server.contacts(0.0) == []
    assert server.changes[-1] == ContactsChanged(line=LINE, contacts=())


def test_what_is_wrong_with_a_registration_is_told() -> None:
    server, phone = Registered(), DeskPhone()

    answer = phone.register(server, "<sip:alice@10.0.0.7>;expires=1")

    assert (answer.status, answer.headers.get("Min-Expires")) == (423, "60")
    assert server.changes == []


def test_nobody_registers_for_another() -> None:
    server = Registered()

    answer = DeskPhone(to="bob").register(server, "<sip:alice@10.0.0.7>")

    assert answer.status == 403
    assert (server.contacts(0.0), server.contacts(0.0, "line-2")) == ([], [])


def test_a_repeated_request_gets_the_same_answer_and_changes_nothing() -> None:
    server, phone = Registered(), DeskPhone()
    (challenged,) = server.receive(phone.request(), HOME, 0.0)
    phone.learn(challenged)
    request = phone.request("<sip:alice@10.0.0.7>")

    first = server.receive(request, HOME, 0.0)
    again = server.receive(request, HOME, 0.5)

    assert [answer.status for answer in (*first, *again)] == [200, 200]
    assert len(server.asked) == len(server.changes) == 1


def test_a_request_that_is_repeated_while_its_name_is_looked_up_is_answered_once() -> None:
    server, phone = Registered(), DeskPhone()
    (challenged,) = server.receive(phone.request(), HOME, 0.0)
    phone.learn(challenged)
    request = phone.request("<sip:alice@10.0.0.7>")
    server.answers_at_once = False
    server.receive(request, HOME, 0.0)
    server.receive(request, HOME, 0.5)

    for event in server.asked:
        server.look_up(event, 0.6)

    assert [answer.status for answer in server.pump(0.6)] == [200, 200]
    assert len(server.changes) == 1


# Passwords


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("nobody", "wrong"), ("nobody", "open sesame")]
)
def test_an_unknown_name_is_answered_like_a_wrong_password(name: str, password: str) -> None:
    server, phone = Registered(), DeskPhone(name, password=password)

    answer = phone.register(server, "<sip:alice@10.0.0.7>")

    assert answer.status == 401
    assert [name for name, _ in answer.headers] == [
        *("Via", "From", "To", "Call-ID", "CSeq", "WWW-Authenticate", "WWW-Authenticate", "Content-Length")
    ]
    assert "stale" not in str(answer.headers.all("WWW-Authenticate"))
    assert server.endpoint.counts.server_transactions == 0
    assert server.changes == []


def test_an_answer_can_be_used_once() -> None:
    server, phone = Registered(), DeskPhone()
    phone.register(server, "<sip:alice@10.0.0.7>")
    phone.uses -= 1

    (answer,) = server.receive(phone.request("<sip:thief@10.0.0.7>"), HOME, 1.0)

    assert answer.status == 401
    assert all("stale=true" in value for value in answer.headers.all("WWW-Authenticate"))
    assert server.contacts(1.0) == ["sip:alice@10.0.0.7"]


def test_a_nonce_serves_for_more_than_one_request_until_it_is_too_old() -> None:
    server, phone = Registered(), DeskPhone()
    phone.register(server, "<sip:alice@10.0.0.7>")

    (soon,) = server.receive(phone.request("<sip:alice@10.0.0.7>"), HOME, NONCE_SECONDS - 1)
    (late,) = server.receive(phone.request("<sip:alice@10.0.0.7>"), HOME, NONCE_SECONDS + 1)
    phone.learn(late)
    (again,) = server.receive(phone.request("<sip:alice@10.0.0.7>"), HOME, NONCE_SECONDS + 1)

    assert (soon.status, late.status, again.status) == (200, 401, 200)


# Who is heard


def test_a_stranger_may_say_a_few_times_register_and_nothing_else() -> None:
    server = Registered()

    for method in ("INVITE", "OPTIONS", "BYE", "MESSAGE"):
        assert server.receive(DeskPhone().request(method=method), HOME, 0.0) == []
    assert server.receive(b"\r\n\r\nREGISTER sip:x SIP/2.0\r\n\r\n", HOME, 0.0) == []
    assert server.receive(b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n\r\n", HOME, 0.0) == []
    answers = [server.receive(DeskPhone().request(), HOME, 0.0) for _ in range(STRANGER_PACKETS)]

    assert [len(answer) for answer in answers] == [1] * (STRANGER_PACKETS - 1) + [0]
    assert server.endpoint.counts.dropped_unknown_source == 6
    assert server.endpoint.counts.dropped_malformed == 1


def test_many_phones_behind_one_nat_can_register() -> None:
    server = Registered()

    for number in range(3 * STRANGER_PACKETS):
        phone = DeskPhone(hop=HOME._replace(port=40_000 + number))
        assert phone.register(server, f"<sip:alice@10.0.0.{number}>").status == 200


def test_without_lines_for_phones_nobody_is_heard() -> None:
    server = Registered()
    server.endpoint.registrar.set_lines((), 0.0)

    assert server.receive(DeskPhone().request(), HOME, 0.0) == []
    assert server.endpoint.counts.dropped_unknown_source == 1


def test_without_lines_for_phones_a_peer_is_told_that_there_is_no_registrar() -> None:
    server = Registered()
    server.endpoint.registrar.set_lines((), 0.0)
    server.endpoint.set_known_peers([(HOME.host, HOME.port)])

    (answer,) = server.receive(DeskPhone().request(), HOME, 0.0)

    assert answer.status == 405


def test_a_registered_phone_is_heard_but_cannot_call() -> None:
    server, phone = Registered(), DeskPhone()
    phone.register(server, "<sip:alice@10.0.0.7>")

    (options,) = server.receive(phone.request(method="OPTIONS"), HOME, 100.0)
    (invite,) = [
        one for one in server.receive(phone.request(method="INVITE"), HOME, 100.0) if one.status != 100
    ]

    assert (options.status, invite.status) == (200, 403)


# Forgetting


def test_a_phone_that_is_not_heard_of_in_time_is_forgotten() -> None:
    server = Registered()
    DeskPhone().register(server, "<sip:alice@10.0.0.7>;expires=600")
    other = DeskPhone(hop=HOME._replace(port=40_001))
    other.register(server, "<sip:alice@10.0.0.8>;expires=900")

    server.endpoint.handle_deadline(599.0)
    assert server.contacts(599.0) == ["sip:alice@10.0.0.7", "sip:alice@10.0.0.8"]
    assert server.contacts(600.0) == ["sip:alice@10.0.0.8"]
    server.endpoint.handle_deadline(600.0)
    server.pump(600.0)

    assert [contact.uri for contact in server.changes[-1].contacts] == ["sip:alice@10.0.0.8"]
    assert server.receive(DeskPhone().request(method="OPTIONS"), HOME, 600.0) == []
    assert len(server.receive(other.request(method="OPTIONS"), other.hop, 600.0)) == 1
    server.endpoint.handle_deadline(1000.0)
    assert server.endpoint.registrar.count == 0
    assert server.endpoint.counts.alarms == 0


def test_a_refresh_puts_the_end_off() -> None:
    server, phone = Registered(), DeskPhone()
    phone.register(server, "<sip:alice@10.0.0.7>;expires=600")
    phone.register(server, "<sip:alice@10.0.0.7>;expires=600", now=500.0)

    server.endpoint.handle_deadline(1099.0)

    assert server.contacts(1099.0) == ["sip:alice@10.0.0.7"]


def test_the_phones_of_a_line_that_is_no_more_are_forgotten() -> None:
    server = Registered()
    DeskPhone().register(server, "<sip:alice@10.0.0.7>")
    DeskPhone("bob", hop=HOME._replace(port=40_001)).register(server, "<sip:bob@10.0.0.8>")

    server.endpoint.registrar.set_lines(["line-2"], 1.0)
    server.pump(1.0)

    assert (server.contacts(1.0), server.contacts(1.0, "line-2")) == ([], ["sip:bob@10.0.0.8"])
    assert server.changes[-1] == ContactsChanged(line=LINE, contacts=())


def test_the_phones_on_a_connection_go_with_it() -> None:
    server = Registered()
    connection = Hop("TCP", HOME.host, 50_000)
    # One phone with two accounts, and another phone of the first one.
    DeskPhone(hop=connection).register(server, "<sip:alice@10.0.0.7;transport=tcp>")
    DeskPhone("bob", hop=connection).register(server, "<sip:bob@10.0.0.7;transport=tcp>")
    DeskPhone(hop=HOME._replace(port=40_001)).register(server, "<sip:alice@10.0.0.8>")

    server.endpoint.receive_connection_loss(connection, 1.0)
    server.endpoint.receive_connection_loss(connection, 1.0)

    assert (server.contacts(1.0), server.contacts(1.0, "line-2")) == (["sip:alice@10.0.0.8"], [])
    assert server.receive(DeskPhone().request(method="OPTIONS"), connection, 1.0) == []


def test_an_address_with_two_lines_is_heard_until_both_are_gone() -> None:
    server = Registered()
    alice, bob = DeskPhone(), DeskPhone("bob")
    alice.register(server, "<sip:alice@10.0.0.7>")
    bob.register(server, "<sip:bob@10.0.0.7>")

    alice.register(server, "*", more=(("Expires", "0"),), now=1.0)
    assert len(server.receive(bob.request(method="OPTIONS"), HOME, 1.0)) == 1
    bob.register(server, "*", more=(("Expires", "0"),), now=1.0)

    assert server.receive(bob.request(method="OPTIONS"), HOME, 100.0) == []


# After a restart


def test_what_an_earlier_process_knew_is_taken_up_without_news() -> None:
    server = Registered()
    contact = Contact(uri="sip:alice@10.0.0.7", hop=HOME, call_id="c", sequence=7, expires_at=90.0)

    server.endpoint.registrar.restore(LINE, [contact], 10.0)

    assert server.contacts(10.0) == ["sip:alice@10.0.0.7"]
    assert len(server.receive(DeskPhone().request(method="OPTIONS"), HOME, 10.0)) == 1
    assert server.changes == []
    server.endpoint.handle_deadline(90.0)
    server.pump(90.0)
    assert server.changes == [ContactsChanged(line=LINE, contacts=())]


def test_a_phone_whose_nonce_an_earlier_process_made_is_asked_anew_and_comes_back() -> None:
    before, after, phone = Registered(), Registered(), DeskPhone()
    phone.register(before, "<sip:alice@10.0.0.7>")
    # Another key: the first process drew other random numbers.
    after.endpoint.registrar.set_lines((), 0.0)
    after.endpoint.registrar.set_lines(LINES.values(), 0.0)

    (stale,) = after.receive(phone.request("<sip:alice@10.0.0.7>"), HOME, 1.0)
    phone.learn(stale)
    (answer,) = after.receive(phone.request("<sip:alice@10.0.0.7>"), HOME, 1.0)

    assert "stale=true" in stale.headers.all("WWW-Authenticate")[0]
    assert answer.status == 200
    assert after.endpoint.registrar.contacts(LINE, 1.0)[0].expires_at == 1.0 + MAX_SECONDS
