"""Credentials: who is let in, and that all others hear the same."""

import base64
from contextlib import suppress
from dataclasses import replace
from statistics import median
from time import perf_counter_ns

import pytest
from structlog.testing import capture_logs

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidCredentials
from ringbridge.call.key import ApiKey, Scope
from ringbridge.service.authentication import (
    REMEMBERED_SOURCES,
    Authenticator,
    Caller,
    GuessThrottle,
    MissingScope,
    TooManyFailures,
    parse_basic,
)
from ringbridge.service.clock import Clock
from ringbridge.service.credential import new_key
from tests.service.double import MemoryDirectory

PEPPER = b"pepper for tests"
ACCOUNT = Account(id="1009683", name="Acme")
OTHER = Account(id="2", name="Other")
KEY, KEY_TEXT = new_key(PEPPER, "1009683", "crm", 0.0, bytes)
_, UNKNOWN_KEY_TEXT = new_key(PEPPER, "1009683", "crm", 0.0, lambda octets: b"\x01" * octets)
WRONG_SECRET_TEXT = new_key(
    PEPPER, "1009683", "crm", 0.0, lambda octets: bytes(octets) if octets == 7 else b"\x01" * octets
)[1]
ADDRESS = "192.0.2.1"


class HandMovedClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def utc_now(self) -> float:
        return self.at


class Door:
    """An authenticator with what it stands on."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()
        self.directory.accounts = {ACCOUNT.id: ACCOUNT, OTHER.id: OTHER}
        self.directory.keys = {KEY.id: KEY}
        self.clock = HandMovedClock()
        self.used: list[tuple[str, str]] = []
        self.authenticator = Authenticator(
            self.directory, PEPPER, self.clock, note_use=lambda *use: self.used.append(use)
        )

    async def knock(self, user: str, password: str, address: str = ADDRESS) -> Caller:
        return await self.authenticator.authenticate(basic(f"{user}:{password}"), address)

    async def refusal(self, user: str, password: str, address: str = ADDRESS) -> InvalidCredentials:
        with pytest.raises(InvalidCredentials) as caught:
            await self.knock(user, password, address)
        return caught.value


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def door() -> Door:
    return Door()


async def test_the_right_key_of_the_account_opens(door: Door) -> None:
    assert await door.knock("1009683", KEY_TEXT) == Caller(ACCOUNT, KEY)


@pytest.mark.parametrize(
    ("user", "password", "reason"),
    [
        ("1009683", "secure", "no key"),
        ("1009683", "", "no key"),
        ("1009683", UNKNOWN_KEY_TEXT, "unknown key"),
        ("1009683", WRONG_SECRET_TEXT, "wrong secret"),
        ("nobody", KEY_TEXT, "unknown account"),
        ("2", KEY_TEXT, "key of another account"),
    ],
)
async def test_every_wrong_credential_hears_the_same_and_the_log_the_reason(
    door: Door, user: str, password: str, reason: str
) -> None:
    with capture_logs() as logs:
        error = await door.refusal(user, password)
    assert (type(error), str(error), error.code) == (
        InvalidCredentials,
        "invalid credentials",
        "invalid_credentials",
    )
    assert logs == [
        {
            "event": "credentials.refused",
            "log_level": "info",
            "reason": reason,
            "account": user,
            "address": ADDRESS,
        }
    ]


async def test_a_key_that_opens_is_noted_with_its_address_and_no_other(door: Door) -> None:
    await door.refusal("1009683", WRONG_SECRET_TEXT)
    await door.refusal("2", KEY_TEXT)
    assert door.used == []
    await door.knock("1009683", KEY_TEXT)
    assert door.used == [(KEY.id, ADDRESS)]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (replace(KEY, not_before=1000.5), "not yet valid"),
        (replace(KEY, networks=("198.51.100.0/24", "2001:db8::/32")), "address not allowed"),
    ],
)
async def test_a_key_out_of_its_time_or_place_hears_the_same(door: Door, key: ApiKey, reason: str) -> None:
    door.directory.keys[KEY.id] = key
    with capture_logs() as logs:
        assert str(await door.refusal("1009683", KEY_TEXT)) == "invalid credentials"
    assert [line["reason"] for line in logs] == [reason]


async def test_a_key_opens_from_its_networks_of_either_family(door: Door) -> None:
    door.directory.keys[KEY.id] = replace(KEY, networks=("198.51.100.0/24", "2001:db8::/32"))
    for address in ("198.51.100.9", "::ffff:198.51.100.9", "2001:db8::9"):
        await door.knock("1009683", KEY_TEXT, address)


def test_what_a_key_was_not_given_it_may_not_do() -> None:
    caller = Caller(ACCOUNT, replace(KEY, scopes=frozenset({Scope.CALLS_READ})))
    caller.require(Scope.CALLS_READ)
    with pytest.raises(MissingScope) as caught:
        caller.require(Scope.CALLS_CREATE)
    assert str(caught.value) == "This key does not have the scope calls:create."


async def test_a_revoked_key_an_expired_key_and_a_suspended_account_hear_the_same(door: Door) -> None:
    reasons = []
    with capture_logs() as logs:
        door.directory.keys[KEY.id] = replace(KEY, revoked_at=999.0)
        reasons.append(str(await door.refusal("1009683", KEY_TEXT)))
        door.directory.keys[KEY.id] = replace(KEY, expires_at=1000.0)
        reasons.append(str(await door.refusal("1009683", KEY_TEXT)))
        door.directory.keys[KEY.id] = KEY
        door.directory.accounts[ACCOUNT.id] = replace(ACCOUNT, suspended=True)
        reasons.append(str(await door.refusal("1009683", KEY_TEXT)))
    assert reasons == ["invalid credentials"] * 3
    assert [line["reason"] for line in logs] == ["revoked", "expired", "suspended"]


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Basic !"])
async def test_a_request_without_credentials_is_refused_and_no_guess(door: Door, header: str | None) -> None:
    errors = []
    for _ in range(20):
        with pytest.raises(InvalidCredentials) as caught:
            await door.authenticator.authenticate(header, ADDRESS)
        errors.append((type(caught.value), str(caught.value)))
    assert errors == [(InvalidCredentials, "invalid credentials")] * 20


async def test_no_clock_tells_an_unknown_account_from_a_wrong_key(door: Door) -> None:
    """Row A5: the medians of 5,000 tries each are less than a tenth of a millisecond apart."""
    reasons = {"unknown account": ("77", KEY_TEXT), "wrong secret": ("1009683", WRONG_SECRET_TEXT)}
    took: dict[str, list[int]] = {reason: [] for reason in reasons}
    with capture_logs():
        for _ in range(5_000):
            for reason, (user, password) in reasons.items():
                header = basic(f"{user}:{password}")
                began_at = perf_counter_ns()
                with suppress(InvalidCredentials):
                    await door.authenticator.authenticate(header, ADDRESS)
                took[reason].append(perf_counter_ns() - began_at)
    unknown, wrong = (median(times) for times in took.values())
    assert abs(unknown - wrong) < 100_000


async def test_no_secret_is_logged(door: Door) -> None:
    with capture_logs() as logs:
        await door.refusal("1009683", WRONG_SECRET_TEXT)
    assert WRONG_SECRET_TEXT[20:] not in repr(logs)


async def test_the_eleventh_wrong_guess_in_a_minute_is_told_to_wait(door: Door) -> None:
    errors = [await door.refusal("1009683", "secure") for _ in range(10)]
    assert [type(error) for error in errors] == [InvalidCredentials] * 10
    with capture_logs() as logs:
        error = await door.refusal("1009683", "secure")
    assert isinstance(error, TooManyFailures)
    assert (str(error), error.code) == (
        "too many wrong credentials from this address",
        "too_many_failures",
    )
    assert error.retry_after_seconds == 6.0
    assert logs == []


async def test_the_right_key_opens_however_many_wrong_ones_came_from_there(door: Door) -> None:
    for _ in range(50):
        await door.refusal("1009683", WRONG_SECRET_TEXT)
    assert await door.knock("1009683", KEY_TEXT) == Caller(ACCOUNT, KEY)


async def test_guesses_are_looked_at_calmly_again_after_the_wait(door: Door) -> None:
    for _ in range(10):
        await door.refusal("1009683", "secure")
    error = await door.refusal("1009683", "secure")
    assert isinstance(error, TooManyFailures)
    door.clock.at += error.retry_after_seconds + 6.0
    assert type(await door.refusal("1009683", "secure")) is InvalidCredentials


async def test_guesses_from_elsewhere_do_not_count_against_an_account(door: Door) -> None:
    for _ in range(20):
        await door.refusal("1009683", "secure")
    assert type(await door.refusal("1009683", "secure", "198.51.100.1")) is InvalidCredentials


def test_the_wait_grows_with_every_further_guess_up_to_a_minute() -> None:
    throttle = GuessThrottle()
    waits = [throttle.fail(ADDRESS, "1", 0.0) for _ in range(30)]
    assert waits[:13] == [0.0] * 10 + [6.0, 12.0, 18.0]
    assert waits[-1] == 60.0


@pytest.mark.parametrize(
    "addresses",
    [
        [f"192.0.2.{host}" for host in range(101)],
        [f"::ffff:192.0.2.{host}" for host in range(101)],
        [f"2001:db8::{host:x}" for host in range(101)],
    ],
)
def test_a_network_may_fail_a_hundred_times_a_minute(addresses: list[str]) -> None:
    throttle = GuessThrottle()
    waits = [throttle.fail(address, "1", 0.0) for address in addresses]
    assert [round(wait, 6) for wait in waits] == [0.0] * 100 + [0.6]


def test_a_peer_without_an_address_is_throttled_too() -> None:
    throttle = GuessThrottle()
    assert [throttle.fail("", "1", 0.0) for _ in range(11)][-1] == 6.0


def test_the_throttle_remembers_a_bounded_number_of_sources() -> None:
    throttle = GuessThrottle()
    for account in range(REMEMBERED_SOURCES + 10):
        throttle.fail(ADDRESS, str(account), 0.0)
    assert len(throttle) == REMEMBERED_SOURCES


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (basic("1009683:key"), ("1009683", "key")),
        ("basic " + basic("1009683:key")[6:], ("1009683", "key")),
        ("BASIC   " + basic("1009683:key")[6:] + "  ", ("1009683", "key")),
        (basic("lol:secure").rstrip("="), ("lol", "secure")),
        (basic("1009683:a:b"), ("1009683", "a:b")),
        (basic(":"), ("", "")),
        (basic("ä:ö"), ("ä", "ö")),
        ("Basic bG9sOnNlY3VyZQ==", ("lol", "secure")),
    ],
)
def test_basic_credentials_are_read_as_rfc_7617_says(header: str, credentials: tuple[str, str]) -> None:
    assert parse_basic(header) == credentials


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Bearer " + basic("a:b")[6:],
        "Basic not base64",
        "Basic \N{SNOWMAN}",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:").decode(),
        "Basic A",
        basic("a:" + "b" * 600),
    ],
)
def test_other_headers_hold_no_credentials(header: str | None) -> None:
    assert parse_basic(header) is None
