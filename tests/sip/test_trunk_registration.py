"""Our own registration at a carrier: granted, renewed, refused, taken back."""

import pytest

from ringbridge.sip.digest import Credentials
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from ringbridge.sip.trunk_registration import RegistrationChanged, ServerAccount
from tests.sip.network import CALLED, CALLER, STRANGER, Network, assert_nothing_is_left, make_endpoint

SECOND = Hop("UDP", "192.0.2.3", 5060)
ACCOUNT = ServerAccount(
    registrar="sip:carrier.example",
    address="sip:1009683@carrier.example",
    user="1009683",
    credentials=Credentials(username="1009683", password="s3cret"),
)
OPEN_ACCOUNT = ServerAccount(
    registrar="sip:carrier.example",
    address="sip:office@carrier.example",
    user="office",
    credentials=None,
)
CONTACT = "<sip:1009683@192.0.2.1:5060>"
CHALLENGE = ("WWW-Authenticate", 'Digest realm="carrier", nonce="first", algorithm=MD5, qop="auth"')


class Trunk:
    """An endpoint that registers as `carrier`, and the carrier's side of it."""

    def __init__(self, account: ServerAccount = ACCOUNT, *hops: Hop, fraction: float = 0.0) -> None:
        self.endpoint = make_endpoint(CALLER, "caller", fraction=fraction)
        self.network = Network({CALLER: self.endpoint})
        self.register(account, *(hops or (CALLED,)))

    def register(self, account: ServerAccount, *hops: Hop) -> None:
        self.endpoint.servers.register("carrier", account, hops, self.network.now)
        self.network.pump()

    def unregister(self) -> None:
        self.endpoint.servers.unregister("carrier", self.network.now)
        self.network.pump()

    @property
    def requests(self) -> list[Request]:
        messages = [sent.message for sent in self.network.sent]
        return [message for message in messages if isinstance(message, Request)]

    def answer(self, status: int, *headers: tuple[str, str], source: Hop = CALLED) -> None:
        response = response_to(self.requests[-1], status, to_tag="server", headers=headers)
        self.endpoint.receive_packet(response.serialize(), source, self.network.now)
        self.network.pump()

    def grant(self, seconds: int) -> None:
        self.answer(200, ("Contact", f"{CONTACT};expires={seconds}"))

    def news(self) -> list[RegistrationChanged]:
        return [event for event in self.endpoint.servers.events() if isinstance(event, RegistrationChanged)]

    def run(self, until: float) -> None:
        self.network.run(until=until)


def changed(*, status: int, until: float | None = None, retry_at: float | None = None) -> RegistrationChanged:
    return RegistrationChanged(name="carrier", until=until, status=status, retry_at=retry_at)


def test_a_registration_says_who_is_where_and_for_how_long() -> None:
    [request] = Trunk().requests

    assert (request.method, request.uri) == ("REGISTER", "sip:carrier.example")
    assert request.headers.get("To") == "<sip:1009683@carrier.example>"
    assert request.from_.uri.user == "1009683"
    assert request.headers.get("Contact") == CONTACT
    assert request.headers.get("Expires") == "3600"
    assert "Authorization" not in request.headers


def test_a_challenge_is_answered_and_the_answer_is_kept_for_the_next_time() -> None:
    trunk = Trunk()
    trunk.answer(401, CHALLENGE)
    trunk.answer(100)
    trunk.grant(100)
    assert trunk.news() == [changed(status=200, until=100.0)]
    trunk.run(until=70.0)

    first, second, third = trunk.requests
    assert [request.cseq.number for request in (first, second, third)] == [1, 2, 3]
    assert len({request.call_id for request in trunk.requests}) == 1
    assert "nc=00000001" in (second.headers.get("Authorization") or "")
    assert "nc=00000002" in (third.headers.get("Authorization") or "")


@pytest.mark.parametrize(("fraction", "due_at"), [(0.0, 70.0), (0.5, 75.0)])
def test_it_is_renewed_in_good_time(fraction: float, due_at: float) -> None:
    trunk = Trunk(OPEN_ACCOUNT, fraction=fraction)
    trunk.answer(200, ("Contact", "<sip:office@192.0.2.1:5060>;expires=100"))
    trunk.run(until=due_at - 0.1)
    assert len(trunk.requests) == 1
    trunk.run(until=due_at)

    assert len(trunk.requests) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Contact", f"{CONTACT};expires=90"), ("Expires", "60")], 90),
        # Others may be registered there as well, and one of them written as nobody can read it.
        ([("Contact", f"<sip:x@192.0.2.9>;expires=7, {CONTACT};expires=90")], 90),
        ([("Contact", CONTACT), ("Expires", "60")], 60),
        ([("Contact", f"{CONTACT};expires=soon"), ("Expires", "60")], 60),
        ([("Contact", "*"), ("Expires", "60 (a comment)")], 60),
        ([], 3600),
    ],
)
def test_how_long_it_lasts_is_for_the_server_to_say(headers: list[tuple[str, str]], seconds: int) -> None:
    trunk = Trunk()
    trunk.answer(200, *headers)

    assert trunk.news() == [changed(status=200, until=float(seconds))]


def test_a_server_that_wants_longer_registrations_is_asked_for_one() -> None:
    trunk = Trunk()
    trunk.answer(423, ("Min-Expires", "7200"))

    assert trunk.requests[-1].headers.get("Expires") == "7200"
    trunk.grant(7200)
    assert trunk.news() == [changed(status=200, until=7200.0)]


@pytest.mark.parametrize("headers", [[], [("Min-Expires", "60")], [("Min-Expires", "99999999")]])
def test_a_server_that_wants_what_cannot_be_is_left_alone_for_a_while(
    headers: list[tuple[str, str]],
) -> None:
    trunk = Trunk()
    trunk.answer(423, *headers)

    assert trunk.news() == [changed(status=423, retry_at=22.5)]
    assert len(trunk.requests) == 1


@pytest.mark.parametrize(("fraction", "first_wait"), [(0.0, 22.5), (0.5, 30.0)])
def test_after_failures_it_waits_for_longer_and_longer(fraction: float, first_wait: float) -> None:
    trunk = Trunk(fraction=fraction)
    waits = []
    for _ in range(7):
        trunk.answer(403)
        [news] = trunk.news()
        assert news.retry_at is not None
        waits.append(news.retry_at - trunk.network.now)
        trunk.run(until=news.retry_at)

    longest = 600.0 * first_wait / 30.0
    assert waits == pytest.approx([min(first_wait * 2**number, longest) for number in range(7)])
    assert len(trunk.requests) == 8
    trunk.grant(100)
    trunk.run(until=trunk.network.now + 80.0)
    trunk.answer(403)
    granted, failed = trunk.news()
    assert failed.until == granted.until
    assert failed.retry_at == pytest.approx(trunk.network.now + first_wait)


def test_a_wrong_password_costs_three_requests_each_time() -> None:
    trunk = Trunk()
    for _ in range(3):
        trunk.answer(401, CHALLENGE)

    assert len(trunk.requests) == 3
    assert trunk.news() == [changed(status=401, retry_at=22.5)]


def test_a_server_that_says_when_to_come_back_is_believed() -> None:
    trunk = Trunk()
    trunk.answer(503, ("Retry-After", "120;duration=60"))

    assert trunk.news() == [changed(status=503, retry_at=120.0)]


def test_silence_is_a_failure_and_a_lapsed_registration_is_none() -> None:
    trunk = Trunk()
    trunk.grant(100)
    assert trunk.news() == [changed(status=200, until=100.0)]
    trunk.run(until=102.0)

    assert trunk.news() == [changed(status=408, retry_at=124.5)]


def test_a_server_that_grants_nothing_has_refused() -> None:
    trunk = Trunk()
    trunk.grant(0)

    assert trunk.news() == [changed(status=200, retry_at=22.5)]


def test_after_a_failure_the_next_server_is_asked_and_then_the_first_again() -> None:
    trunk = Trunk(ACCOUNT, CALLED, SECOND)
    for number in range(3):
        trunk.endpoint.receive_send_failure((CALLED, SECOND)[number % 2], trunk.network.now)
        [news] = trunk.news()
        assert news.status == 503
        assert news.retry_at is not None
        trunk.run(until=news.retry_at)

    asked = [sent.packet.hop for sent in trunk.network.sent]
    assert list(dict.fromkeys(asked)) == [CALLED, SECOND]
    assert asked[-1] == SECOND


def test_a_server_that_has_moved_is_asked_at_its_new_place() -> None:
    trunk = Trunk()
    trunk.grant(100)
    trunk.register(ACCOUNT, CALLED, SECOND)
    assert len(trunk.requests) == 1
    trunk.register(ACCOUNT, SECOND)

    assert [sent.packet.hop for sent in trunk.network.sent] == [CALLED, SECOND]
    assert trunk.requests[-1].cseq.number == 2


def test_a_server_that_moves_and_fails_at_once_is_asked_where_it_is_now() -> None:
    trunk = Trunk(ACCOUNT, CALLED, SECOND)
    trunk.answer(500)
    trunk.register(ACCOUNT, STRANGER)
    trunk.news()

    assert trunk.network.sent[-1].packet.hop == STRANGER
    trunk.answer(500, source=STRANGER)
    assert trunk.news()[0].status == 500


def test_the_password_is_shown_to_the_server_that_was_asked_and_to_nobody_else() -> None:
    trunk = Trunk()
    trunk.answer(401, CHALLENGE, source=CALLED._replace(port=5099))

    assert [("Authorization" in request.headers) for request in trunk.requests] == [False]
    assert trunk.news()[0].status == 401


def test_a_registration_is_taken_back() -> None:
    trunk = Trunk()
    trunk.grant(100)
    trunk.news()
    trunk.unregister()

    assert trunk.requests[-1].headers.get("Expires") == "0"
    assert trunk.requests[-1].headers.get("Contact") == CONTACT
    trunk.answer(401, CHALLENGE)
    assert "Authorization" in trunk.requests[-1].headers
    trunk.answer(200)
    trunk.run(until=200.0)
    assert trunk.news() == []
    assert len(trunk.requests) == 3
    assert_nothing_is_left(trunk.endpoint)


def test_a_registration_that_is_asked_for_is_taken_back_too_and_its_answer_is_late() -> None:
    trunk = Trunk()
    [asked] = trunk.requests
    trunk.unregister()
    response = response_to(asked, 200, to_tag="server")
    trunk.endpoint.receive_packet(response.serialize(), CALLED, trunk.network.now)

    assert trunk.news() == []
    assert trunk.requests[-1].headers.get("Expires") == "0"


def test_what_was_never_granted_need_not_be_taken_back() -> None:
    trunk = Trunk()
    trunk.answer(403)
    trunk.news()
    trunk.unregister()
    trunk.unregister()

    trunk.run(until=200.0)
    assert len(trunk.requests) == 1
    assert_nothing_is_left(trunk.endpoint)


def test_another_account_at_the_same_trunk_takes_the_place_of_the_first() -> None:
    trunk = Trunk()
    trunk.grant(100)
    trunk.register(OPEN_ACCOUNT, CALLED)

    first, taken_back, second = trunk.requests
    assert taken_back.headers.get("Expires") == "0"
    assert taken_back.call_id == first.call_id != second.call_id
    assert second.headers.get("To") == "<sip:office@carrier.example>"
