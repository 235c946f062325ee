"""Whether an answer to our challenge is right. The answers are made by the client's side of this package, and by hand."""

import hashlib

import pytest

from ringbridge.sip.authorization import ALGORITHMS, Authorization, challenges
from ringbridge.sip.digest import Challenge, Credentials, authorization
from ringbridge.sip.headers import Headers
from ringbridge.sip.message import Request

REALM = "ringbridge"
SECRET = f"alice:{REALM}:open sesame".encode()
DIGESTS = {
    "MD5": hashlib.md5(SECRET).hexdigest(),
    "SHA-256": hashlib.sha256(SECRET).hexdigest(),
}


def asked(*values: str) -> Request:
    return Request(
        method="REGISTER",
        uri="sip:192.0.2.1",
        headers=Headers(tuple([("Authorization", value) for value in values])),
    )


def answered(algorithm: str, *, password: str = "open sesame", qop: str = "auth", realm: str = REALM) -> str:
    challenge = Challenge(
        realm=realm,
        nonce="n",
        algorithm=algorithm,
        qop=(qop,) if qop else (),
        opaque=None,
        stale=False,
    )
    return authorization(
        challenge,
        Credentials(username="alice", password=password),
        method="REGISTER",
        uri="sip:192.0.2.1",
        body=b"",
        client_nonce="c",
        nonce_count=10,
    )


@pytest.mark.parametrize("qop", ["auth", ""])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_right_password_is_right(algorithm: str, qop: str) -> None:
    found = Authorization.of(asked(answered(algorithm, qop=qop)), REALM)

    assert found is not None
    assert (found.username, found.nonce, found.algorithm) == ("alice", "n", algorithm)
    assert found.number == (10 if qop else 1)
    assert found.is_right("REGISTER", DIGESTS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_anything_else_is_wrong(algorithm: str) -> None:
    wrong = Authorization.of(asked(answered(algorithm, password="close sesame")), REALM)
    right = Authorization.of(asked(answered(algorithm)), REALM)

    assert wrong is not None
    assert right is not None
    assert not wrong.is_right("REGISTER", DIGESTS)
    assert not right.is_right("INVITE", DIGESTS)
    assert not right.is_right("REGISTER", dict.fromkeys(DIGESTS, "0" * 32))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_is_right_for_whom_nobody_knows(algorithm: str) -> None:
    # As if a stranger knew how unknown names are checked: with no secret at all.
    hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
    request = hashed(b"REGISTER:sip:192.0.2.1").hexdigest()
    response = hashed(f":n:{request}".encode()).hexdigest()
    value = (
        f'Digest username="x", realm="{REALM}", nonce="n", uri="sip:192.0.2.1", response="{response}",'
        f" algorithm={algorithm}"
    )
    found = Authorization.of(asked(value), REALM)

    assert found is not None
    assert not found.is_right("REGISTER", {})


def test_the_answer_for_another_realm_or_scheme_is_passed_over() -> None:
    ours = answered("MD5")

    found = Authorization.of(
        asked("Basic YTpi", "Digest ???", answered("MD5", realm="elsewhere"), ours), REALM
    )

    assert found is not None
    assert found.is_right("REGISTER", DIGESTS)


@pytest.mark.parametrize(
    "value",
    [
        answered("SHA-512-256"),
        answered("MD5-sess"),
        answered("MD5", qop="auth-int"),
        answered("MD5").replace("nc=0000000a", "nc=a"),
        answered("MD5").replace("nc=0000000a", "nc=-000000a"),
        answered("MD5").replace("nc=0000000a, ", ""),
        answered("MD5").replace('uri="sip:192.0.2.1", ', ""),
        f'Digest realm="{REALM}"',
    ],
)
def test_what_was_not_asked_for_is_no_answer(value: str) -> None:
    assert Authorization.of(asked(value), REALM) is None


def test_there_is_a_challenge_for_each_algorithm_the_preferred_one_first() -> None:
    read = [Challenge.parse(value) for _, value in challenges(REALM, "n1", ALGORITHMS, is_stale=False)]

    assert [challenge.algorithm for challenge in read] == ["SHA-256", "MD5"]
    assert {(challenge.realm, challenge.nonce, challenge.qop) for challenge in read} == {
        (REALM, "n1", ("auth",))
    }
    assert not any(challenge.stale for challenge in read)


def test_a_challenge_says_when_only_the_nonce_was_wrong() -> None:
    assert all(
        Challenge.parse(value).stale for _, value in challenges(REALM, "n1", ALGORITHMS, is_stale=True)
    )
