from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.digest import Challenge, Credentials, authorization, choose_challenge
from ringbridge.sip.errors import DigestUnsupported, MalformedField

MUFASA = Credentials(username="Mufasa", password="Circle of Life")


def answer(
    value: str, *, credentials: Credentials = MUFASA, body: bytes = b"", nonce_count: int = 1
) -> dict[str, str]:
    """Return the directives that answer a challenge to `GET /dir/index.html`."""
    text = authorization(
        choose_challenge([value]),
        credentials,
        method="GET",
        uri="/dir/index.html",
        body=body,
        client_nonce="0a4f113b",
        nonce_count=nonce_count,
    )
    assert text.startswith("Digest ")
    pairs = [item.partition("=") for item in text.removeprefix("Digest ").split(", ")]
    return {name: value for name, _, value in pairs}


def test_a_challenge_is_taken_apart() -> None:
    assert Challenge.parse(
        'dIGEST  realm="a, b",nonce = "n=1" ,algorithm=sha-256, qop="Auth, auth-int", opaque="o\\"o",stale=TRUE, new=thing'
    ) == Challenge(
        realm="a, b",
        nonce="n=1",
        algorithm="SHA-256",
        qop=("auth", "auth-int"),
        opaque='o\\"o',
        stale=True,
    )


def test_a_challenge_may_say_no_more_than_realm_and_nonce() -> None:
    assert Challenge.parse('Digest realm="r", nonce="n"') == Challenge(
        realm="r", nonce="n", algorithm="MD5", qop=(), opaque=None, stale=False
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Digest", "a challenge lacks its realm or nonce"),
        ('Digest realm="r"', "a challenge lacks its realm or nonce"),
        ('Digest nonce="n"', "a challenge lacks its realm or nonce"),
        ('Digest realm="r", nonce="n', "no challenge can be read from"),
        ('Digest realm="r" nonce="n"', "no challenge can be read from"),
        ('Digest realm, nonce="n"', "no challenge can be read from"),
    ],
)
def test_what_breaks_the_grammar_is_no_challenge(value: str, message: str) -> None:
    with pytest.raises(MalformedField, match=message):
        Challenge.parse(value)


def test_other_schemes_are_no_digest() -> None:
    with pytest.raises(DigestUnsupported, match=r"^'Basic' is no authentication scheme known here$"):
        Challenge.parse('Basic realm="r"')


def test_the_best_hash_is_chosen_and_of_equals_the_topmost() -> None:
    values = [
        'Digest realm="r", nonce="1", algorithm=MD5',
        'Digest realm="r", nonce="2", algorithm=SHA-512-256, qop="auth"',
        'Digest realm="r", nonce="3", algorithm=SHA-256-sess, qop="auth"',
        'Digest realm="r", nonce="4", algorithm=SHA-256, qop="auth"',
    ]

    assert [choose_challenge(values[:count]).nonce for count in (1, 2, 3, 4)] == ["1", "2", "3", "3"]


def test_challenges_that_cannot_be_answered_are_passed_over() -> None:
    values = [
        'Basic realm="r"',
        "Digest nonsense",
        'Digest realm="r", nonce="1", algorithm=SHA-1',
        'Digest realm="r", nonce="2"',
    ]

    assert choose_challenge(values).nonce == "2"


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="r", nonce="1", algorithm=SHA-1',
        'Digest realm="r", nonce="1", qop="auth-conf"',
        'Digest realm="r", nonce="1", algorithm=MD5-sess',
        'Basic realm="r"',
    ],
)
def test_it_is_said_if_no_challenge_can_be_answered(value: str) -> None:
    with pytest.raises(DigestUnsupported, match=r"^none of 1 challenges can be answered$"):
        choose_challenge([value])


def test_a_server_of_rfc_2617_gets_the_answer_printed_there() -> None:
    """RFC 2617 section 3.5."""
    directives = answer(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        credentials=Credentials(username="Mufasa", password="Circle Of Life"),
    )

    assert directives == {
        "username": '"Mufasa"',
        "realm": '"testrealm@host.com"',
        "nonce": '"dcd98b7102dd2f0e8b11d0f600bfb0c093"',
        "uri": '"/dir/index.html"',
        "response": '"6629fae49393a05397450978507c4ef1"',
        "algorithm": "MD5",
        "opaque": '"5ccc069c403ebaf9f0171e9517f40e41"',
        "qop": "auth",
        "nc": "00000001",
        "cnonce": '"0a4f113b"',
    }


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_a_server_of_rfc_7616_gets_the_answer_printed_there(algorithm: str, response: str) -> None:
    """RFC 7616 section 3.9.1."""
    challenge = Challenge.parse(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )

    text = authorization(
        challenge,
        MUFASA,
        method="GET",
        uri="/dir/index.html",
        body=b"",
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nonce_count=1,
    )

    assert f'response="{response}"' in text


def test_a_server_of_rfc_2069_is_not_sent_what_it_does_not_know() -> None:
    directives = answer('Digest realm="r", nonce="n"')

    assert sorted(directives) == ["algorithm", "nonce", "realm", "response", "uri", "username"]


@pytest.mark.parametrize(
    ("directives", "response"),
    [
        # Worked out step by step with Python's hashlib, from RFC 7616 section 3.4.
        ("", "0bab5c24c08a1ef94a6cc3d446ce558a"),
        (
            'algorithm=SHA-512-256, qop="auth"',
            "969da73a2838f6ba4982203ceaf95ad708002843e6fdf847a175cd2c8978a570",
        ),
        (
            'algorithm=SHA-256-sess, qop="auth"',
            "a215ae6018ca79b2f6c6b297beec9c5877a82b9c67310948140ec0a1560ba88b",
        ),
        ('algorithm=MD5-sess, qop="auth-int"', "33e3f49b11367eac4d6f38b243bb89e2"),
        ('qop="auth-int"', "afa5c0ac10521727a92b1229e0b7ba41"),
    ],
)
def test_every_algorithm_and_quality_of_protection_is_answered(directives: str, response: str) -> None:
    value = f'Digest realm="r", nonce="n", {directives}'.rstrip(", ")

    assert answer(value, body=b"body", nonce_count=2)["response"] == f'"{response}"'


def test_a_user_name_with_quotes_does_not_end_early() -> None:
    directives = answer(
        'Digest realm="r", nonce="n"', credentials=Credentials(username='a"b\\c', password="x")
    )

    assert directives["username"] == '"a\\"b\\\\c"'


def test_a_password_is_shown_to_nobody() -> None:
    assert "Circle" not in repr(MUFASA)


@given(st.text())
def test_any_text_can_be_offered_as_a_challenge(text: str) -> None:
    with suppress(DigestUnsupported):
        choose_challenge([f"Digest {text}", text])
