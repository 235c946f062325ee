"""What a key may do, over which lines, from where and when."""

from dataclasses import replace

import pytest

from ringbridge.call.errors import InvalidSetting
from ringbridge.call.key import ACCOUNT_SCOPES, CALL_SCOPES, ApiKey, Scope, parse_networks, parse_scopes

KEY = ApiKey(id="k", account_id="1", name="n", secret_digest="5ec2e7", created_at=0.0, expires_at=100.0)


def test_the_digest_of_a_secret_is_not_shown() -> None:
    assert "5ec2e7" not in repr(KEY)


def test_a_key_without_scopes_may_what_keys_always_could() -> None:
    assert {scope for scope in Scope if KEY.may(scope)} == CALL_SCOPES


def test_a_key_with_scopes_may_those_and_nothing_else() -> None:
    key = replace(KEY, scopes=frozenset({Scope.CALLS_READ}))
    assert [scope for scope in Scope if key.may(scope)] == [Scope.CALLS_READ]


def test_a_key_with_lines_may_nothing_that_concerns_the_whole_account() -> None:
    strong = replace(KEY, scopes=frozenset(Scope))
    bound = replace(strong, lines=("204",))
    assert {scope for scope in Scope if strong.may(scope) and not bound.may(scope)} == ACCOUNT_SCOPES
    # What reads or changes what other lines have, too.
    assert {"keys:write", "webhooks:write", "limits:write", "records:erase"} <= {
        scope.value for scope in ACCOUNT_SCOPES
    }


def test_a_key_with_lines_may_use_those_and_nothing_else() -> None:
    assert KEY.may_use("204")
    bound = replace(KEY, lines=("204", "+18175629656"))
    assert [bound.may_use(number) for number in ("204", "+18175629656", "205")] == [True, True, False]


def test_a_test_key_changes_nothing_that_live_calls_go_by() -> None:
    strong = replace(KEY, scopes=frozenset(Scope))
    test = replace(strong, is_test=True)
    assert {scope.value for scope in Scope if strong.may(scope) and not test.may(scope)} == {
        "lines:write",
        "limits:write",
    }


def test_a_test_key_sees_test_calls_only() -> None:
    bound = replace(KEY, is_test=True, lines=("204",))
    assert [KEY.may_see("204", is_test) for is_test in (False, True)] == [True, True]
    assert [bound.may_see("204", is_test) for is_test in (False, True)] == [False, True]
    assert not bound.may_see("205", True)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (KEY, None),
        (replace(KEY, revoked_at=1.0), "revoked"),
        (replace(KEY, expires_at=50.0), "expired"),
        (replace(KEY, not_before=50.1), "not yet valid"),
        (replace(KEY, not_before=50.0), None),
        (replace(KEY, networks=("192.0.2.0/24",)), None),
        (replace(KEY, networks=("198.51.100.0/24", "192.0.2.7/32")), None),
        (replace(KEY, networks=("198.51.100.0/24", "2001:db8::/32")), "address not allowed"),
    ],
)
def test_a_key_opens_in_its_time_and_from_its_networks(key: ApiKey, reason: str | None) -> None:
    assert key.refusal("192.0.2.7", 50.0) == reason


@pytest.mark.parametrize(
    ("address", "network", "is_within"),
    [
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "::/0", False),
        ("", "0.0.0.0/0", False),
        ("unix", "0.0.0.0/0", False),
    ],
)
def test_both_families_of_addresses_are_told_apart(address: str, network: str, is_within: bool) -> None:
    assert (replace(KEY, networks=(network,)).refusal(address, 50.0) is None) == is_within


def test_scopes_are_read_by_their_words() -> None:
    assert parse_scopes([]) is None
    assert parse_scopes(["calls:read", "keys:write"]) == frozenset({Scope.CALLS_READ, Scope.KEYS_WRITE})
    with pytest.raises(InvalidSetting) as caught:
        parse_scopes(["calls:read", "calls"])
    assert str(caught.value).startswith("'calls' is not a scope. Scopes are: calls:create, calls:read, ")


def test_networks_are_written_one_way() -> None:
    assert parse_networks(["192.0.2.7", " 192.0.2.9/24 ", "192.0.2.0/24", "2001:DB8::1/32"]) == (
        "192.0.2.7/32",
        "192.0.2.0/24",
        "2001:db8::/32",
    )
    with pytest.raises(InvalidSetting) as caught:
        parse_networks(["office"])
    assert str(caught.value) == (
        "'office' does not appear to be an IPv4 or IPv6 network: write an address or a network, "
        "for example 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"
    )
