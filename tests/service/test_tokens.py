"""Tokens for browsers: what one opens, and what ends it."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ringbridge.call.errors import InvalidCredentials, InvalidOption, InvalidUserLine
from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.origin import AllowedOrigin
from ringbridge.service.authentication import Caller
from ringbridge.service.keys import BeyondOwnRights
from ringbridge.service.tokens import PREFIX, Token, Tokens
from tests.service.double import ACCOUNT, KEY, PHONE, MemoryDirectory
from tests.service.test_authentication import PEPPER, HandMovedClock

MAKER = replace(
    KEY,
    scopes=frozenset({Scope.TOKENS_CREATE, Scope.CALLS_CREATE, Scope.CALLS_READ}),
    networks=("192.0.2.0/24",),
    is_test=True,
)
CALLER = Caller(ACCOUNT, MAKER)
ORIGIN = "https://crm.example.com"


class MemoryOrigins:
    """The origins of every account."""

    def __init__(self) -> None:
        self.allowed: list[AllowedOrigin] = []

    def origins(self, account_id: str) -> list[AllowedOrigin]:
        return self.allowed

    def allow_origin(self, account_id: str, allowed: AllowedOrigin) -> None:
        self.allowed.append(allowed)

    def forbid_origin(self, account_id: str, origin: str) -> bool:
        kept = [each for each in self.allowed if each.origin != origin]
        is_there = kept != self.allowed
        self.allowed = kept
        return is_there


class Mint:
    """Tokens with what they stand on."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()
        self.directory.keys = {MAKER.id: MAKER}
        self.clock = HandMovedClock()
        self.origins = MemoryOrigins()
        self.tokens = Tokens(self.directory, self.origins, PEPPER, self.clock)


@pytest.fixture
def mint() -> Mint:
    return Mint()


async def test_a_token_says_what_it_is_for_and_opens_that_and_nothing_else(mint: Mint) -> None:
    text, token = await mint.tokens.create(CALLER, "(817) 562-9657", ORIGIN, 600.0)
    assert token == Token(MAKER.id, PHONE.number, ORIGIN, 1600.0)
    assert mint.tokens.read(text) == token
    caller = await mint.tokens.caller(token, "198.51.100.7")
    assert (caller.account, caller.from_page) == (ACCOUNT, True)
    assert [scope for scope in Scope if caller.key.may(scope)] == [Scope.CALLS_CREATE]
    assert (caller.key.lines, caller.key.id, caller.key.is_test) == ((PHONE.number,), MAKER.id, True)
    # A request that goes on for longer, such as a wait for the call's end, ends with it.
    assert caller.key.expires_at == token.expires_at


async def test_a_token_does_not_outlive_its_key(mint: Mint) -> None:
    dying = Caller(ACCOUNT, replace(MAKER, expires_at=1100.0))
    assert (await mint.tokens.create(dying, "204", ORIGIN, 600.0))[1].expires_at == 1100.0


async def test_what_was_not_signed_here_is_no_token(mint: Mint) -> None:
    text, token = await mint.tokens.create(CALLER, "204", ORIGIN, 600.0)
    said, _, signature = text.removeprefix(PREFIX).partition(".")
    forged = urlsafe_b64encode(b'["k","+18175629657","https://evil.example",9e9]').decode().rstrip("=")
    others = (
        "",
        PREFIX,
        text[:-1],
        text[1:],
        f"{PREFIX}{forged}.{signature}",
        f"{PREFIX}{said}.",
        f"{text}é",
        text + "A" * 1024,
        (
            await Tokens(mint.directory, mint.origins, b"another pepper", mint.clock).create(
                CALLER, "204", ORIGIN, 600.0
            )
        )[0],
    )
    assert [mint.tokens.read(other) for other in others] == [None] * len(others)
    assert mint.tokens.read(text) == token


Change = Callable[[Mint], None]


def _key(**changes: object) -> Change:
    def change(mint: Mint) -> None:
        key: ApiKey = replace(MAKER, **changes)  # type: ignore[arg-type]
        mint.directory.keys = {key.id: key}

    return change


def _suspend(mint: Mint) -> None:
    mint.directory.accounts = {ACCOUNT.id: replace(ACCOUNT, suspended=True)}


def _forget_the_key(mint: Mint) -> None:
    mint.directory.keys = {}


def _wait(mint: Mint) -> None:
    mint.clock.at = 1600.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_wait, "expired token"),
        (_key(revoked_at=999.0), "revoked"),
        (_key(expires_at=1000.0), "expired"),
        (_key(scopes=frozenset({Scope.CALLS_READ})), "key may do less"),
        (_key(lines=("204",)), "key may do less"),
        (_forget_the_key, "unknown key"),
        (_suspend, "suspended"),
    ],
)
async def test_a_token_ends_with_its_time_and_with_its_key(mint: Mint, change: Change, reason: str) -> None:
    _, token = await mint.tokens.create(CALLER, PHONE.number, ORIGIN, 600.0)
    change(mint)
    with capture_logs() as logs, pytest.raises(InvalidCredentials) as caught:
        await mint.tokens.caller(token, "198.51.100.7")
    assert str(caught.value) == "invalid credentials"
    assert [(line["event"], line["reason"]) for line in logs] == [("token.refused", reason)]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "crm.example.com",
        "https://crm.example.com/",
        "https://CRM.example.com",
        "https://crm.example.com:0",
        "https://a b",
        "https://crm.example.com\n",
        "ftp://crm.example.com",
        "https://user@crm.example.com",
    ],
)
async def test_an_origin_is_written_as_browsers_write_it(mint: Mint, origin: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        await mint.tokens.create(CALLER, "204", origin, 600.0)
    assert (caught.value.option, caught.value.code) == ("origin", "invalid_origin")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://192.0.2.1", "http://[::1]:8080"])
async def test_origins_of_machines_of_ones_own_are_taken(mint: Mint, origin: str) -> None:
    assert (await mint.tokens.create(CALLER, "204", origin, 600.0))[1].origin == origin


@pytest.mark.parametrize(
    ("line", "code"), [("nobody", "invalid_number"), ("205", "unknown_line"), (PHONE.number, "unknown_line")]
)
async def test_a_token_is_for_a_line_that_its_key_may_use(mint: Mint, line: str, code: str) -> None:
    with pytest.raises(InvalidUserLine) as caught:
        await mint.tokens.create(Caller(ACCOUNT, replace(MAKER, lines=("204",))), line, ORIGIN, 600.0)
    assert caught.value.code == code


async def test_a_key_that_places_no_calls_makes_no_tokens(mint: Mint) -> None:
    weak = Caller(ACCOUNT, replace(MAKER, scopes=frozenset({Scope.TOKENS_CREATE})))
    with pytest.raises(BeyondOwnRights):
        await mint.tokens.create(weak, "204", ORIGIN, 600.0)


async def test_an_account_that_allows_origins_has_tokens_for_no_others(mint: Mint) -> None:
    mint.origins.allow_origin(ACCOUNT.id, AllowedOrigin(ORIGIN, 1.0))
    await mint.tokens.create(CALLER, "204", ORIGIN, 600.0)
    with pytest.raises(InvalidOption) as refused:
        await mint.tokens.create(CALLER, "204", "https://elsewhere.example.com", 600.0)
    assert (refused.value.option, refused.value.code) == ("origin", "origin_not_allowed")
