"""Whom credentials are shown to."""

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.digest import Credentials
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from tests.sip.network import Counter

HOP = Hop("UDP", "192.0.2.2", 5060)
ELSEWHERE = Hop("UDP", "192.0.2.3", 5060)
REQUEST = Request(method="BYE", uri="sip:bob@192.0.2.2", headers=Headers.of([("Call-ID", "one")]))


def make_authentication() -> Authentication:
    return Authentication(Credentials(username="alice", password="secret"), HOP, Counter("cnonce"))


def challenge(*values: str, status: int = 407) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status=status, reason="", headers=Headers.of([(name, value) for value in values]))


def test_nothing_is_signed_before_a_challenge() -> None:
    assert make_authentication().sign(REQUEST, HOP) is REQUEST


def test_a_challenge_from_the_hop_is_learnt_and_answered_to_the_hop_only() -> None:
    authentication = make_authentication()

    learnt = authentication.learn(challenge('Digest realm="r", nonce="n", stale=true'), HOP)

    assert learnt is not None
    assert learnt.stale
    assert "Proxy-Authorization" in authentication.sign(REQUEST, HOP).headers
    assert authentication.sign(REQUEST, ELSEWHERE) is REQUEST


def test_a_challenge_from_elsewhere_is_not_learnt() -> None:
    authentication = make_authentication()

    assert authentication.learn(challenge('Digest realm="r", nonce="n"'), ELSEWHERE) is None
    assert authentication.sign(REQUEST, HOP) is REQUEST


def test_each_use_of_a_nonce_is_counted_and_a_new_nonce_counts_from_one() -> None:
    authentication = make_authentication()
    authentication.learn(challenge('Digest realm="r", nonce="n", qop="auth"'), HOP)

    def signature() -> str:
        return authentication.sign(REQUEST, HOP).headers.get("Proxy-Authorization") or ""

    assert 'nc=00000001, cnonce="cnonce1"' in signature()
    assert 'nc=00000002, cnonce="cnonce2"' in signature()
    authentication.learn(challenge('Digest realm="r", nonce="m", qop="auth"'), HOP)
    assert "nc=00000001" in signature()


def test_proxy_and_server_are_answered_each_in_its_field() -> None:
    authentication = make_authentication()
    authentication.learn(challenge('Digest realm="r", nonce="proxy"'), HOP)
    authentication.learn(challenge('Digest realm="r", nonce="server"', status=401), HOP)

    headers = authentication.sign(REQUEST, HOP).headers

    assert 'nonce="proxy"' in (headers.get("Proxy-Authorization") or "")
    assert 'nonce="server"' in (headers.get("Authorization") or "")


def test_the_first_realm_that_was_answered_is_the_only_one() -> None:
    authentication = make_authentication()
    authentication.learn(challenge('Digest realm="r", nonce="n"'), HOP)

    assert authentication.learn(challenge('Digest realm="other", nonce="n"'), HOP) is None


def test_a_challenge_that_cannot_be_answered_is_not_learnt() -> None:
    assert make_authentication().learn(challenge("Basic realm=r"), HOP) is None
