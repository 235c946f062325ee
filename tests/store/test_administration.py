"""What an administrator can change, and what is said when something cannot be."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select, text

from ringbridge.call.directory import (
    AccountLimits,
    CallerIdPolicy,
    Line,
    LineKind,
    NumberFormat,
    Srtp,
    Trunk,
)
from ringbridge.call.errors import (
    AlreadyExists,
    InvalidCredentials,
    InvalidSetting,
    NotFound,
    StoreUnavailable,
)
from ringbridge.call.key import ApiKey, Scope, TooManyKeys
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading, writing
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.tables import account_limits, directory_revision, lines

ACCOUNT = "1009683"


def a_line(number: str, **fields: str) -> Line:
    """A line that is reached by a fixed URI."""
    return Line(
        id=f"line-{number}",
        account_id=fields.get("account_id", ACCOUNT),
        number=number,
        kind=LineKind.URI,
        uri="sip:alice@192.0.2.1",
        trunk=fields.get("trunk"),
        sip_username=fields.get("sip_username"),
    )


def a_key(key_id: str, *, created_at: float = 1.0) -> ApiKey:
    """A key of the account."""
    return ApiKey(
        id=key_id,
        account_id=ACCOUNT,
        name="CRM",
        secret_digest="0f",
        created_at=created_at,
        expires_at=2.0,
    )


@pytest.fixture
def one_account(administration: Administration) -> Administration:
    """An administration with one account."""
    administration.add_account("Acme", account_id=ACCOUNT)
    return administration


def revision(engine: Engine) -> int:
    """How many changes there were."""
    with reading(engine) as connection:
        found: int = connection.execute(select(directory_revision.c.revision)).scalar_one()
        return found


def test_an_account_gets_seven_digits_when_no_id_is_given(administration: Administration) -> None:
    account = administration.add_account("Acme", country="DE", language="de", main_number="+4930123456")
    assert (len(account.id), account.id.isdigit()) == (7, True)
    assert administration.accounts() == [account]


def test_an_account_id_is_taken_once(one_account: Administration) -> None:
    with pytest.raises(AlreadyExists) as caught:
        one_account.add_account("Other", account_id=ACCOUNT)
    assert str(caught.value) == "There is an account 1009683 already. Give another id, or none."
    assert [account.name for account in one_account.accounts()] == ["Acme"]


def test_an_account_is_suspended_and_let_call_again(one_account: Administration) -> None:
    one_account.suspend(ACCOUNT)
    assert [account.suspended for account in one_account.accounts()] == [True]
    one_account.suspend(ACCOUNT, suspended=False)
    assert [account.suspended for account in one_account.accounts()] == [False]


def test_whatever_is_done_to_an_unknown_account_is_refused(administration: Administration) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: administration.suspend("2"),
        lambda: administration.add_key(replace(a_key("key-1"), account_id="2")),
        lambda: administration.keys("2"),
        lambda: administration.add_line(a_line("+1", account_id="2")),
        lambda: administration.lines("2"),
        lambda: administration.remove_line("2", "+1"),
        lambda: administration.limits("2"),
        lambda: administration.set_limits("2", AccountLimits()),
        lambda: administration.records("2", 10),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound) as caught:
            attempt()
        assert str(caught.value) == "There is no account 2."


def test_keys_are_listed_with_those_that_were_revoked(one_account: Administration) -> None:
    old, new = a_key("key-b", created_at=1.0), a_key("key-a", created_at=2.0)
    one_account.add_key(new)
    one_account.add_key(old)
    one_account.revoke_key("key-b", at=5.0)
    assert one_account.keys(ACCOUNT) == [replace(old, revoked_at=5.0), new]


def test_a_key_keeps_the_time_at_which_it_was_first_revoked(one_account: Administration) -> None:
    one_account.add_key(a_key("key-1"))
    one_account.revoke_key("key-1", at=5.0)
    one_account.revoke_key("key-1", at=6.0)
    assert [key.revoked_at for key in one_account.keys(ACCOUNT)] == [5.0]


def test_a_key_of_another_account_is_not_revoked_for_an_account(one_account: Administration) -> None:
    one_account.add_key(a_key("key-1"))
    with pytest.raises(NotFound):
        one_account.revoke_key("key-1", at=5.0, account_id="2")
    one_account.revoke_key("key-1", at=5.0, account_id=ACCOUNT)
    assert one_account.key("key-1").revoked_at == 5.0


def test_a_key_is_kept_with_all_that_it_was_told(one_account: Administration) -> None:
    key = replace(
        a_key("key-1"),
        not_before=0.5,
        scopes=frozenset({Scope.CALLS_READ, Scope.KEYS_WRITE}),
        lines=("204", "+18175629656"),
        networks=("192.0.2.0/24",),
        is_test=True,
    )
    one_account.add_key(key)
    assert one_account.keys(ACCOUNT) == [key]


def test_an_account_has_twenty_keys_and_may_have_more(one_account: Administration) -> None:
    for number in range(20):
        one_account.add_key(a_key(f"key-{number}"))
    with pytest.raises(TooManyKeys):
        one_account.add_key(a_key("key-20"))
    one_account.set_limits(ACCOUNT, AccountLimits(keys=21))
    one_account.add_key(a_key("key-20"))


def test_an_account_has_so_many_keys_and_twice_as_many_while_they_are_exchanged(
    one_account: Administration,
) -> None:
    one_account.set_limits(ACCOUNT, AccountLimits(keys=5))
    for number in range(5):
        one_account.add_key(a_key(f"key-{number}"))
    with pytest.raises(TooManyKeys) as caught:
        one_account.add_key(a_key("key-5"))
    assert str(caught.value) == (
        "Account 1009683 has 5 keys that are valid. Revoke one first, or have its limit `keys` raised."
    )
    for number in range(5):
        one_account.exchange_key(f"key-{number}", a_key(f"new-{number}"), old_until=1.5)
    assert one_account.key("key-0").expires_at == 1.5
    with pytest.raises(TooManyKeys):
        one_account.exchange_key("new-0", a_key("one-more"), old_until=1.5)
    # Those that are over at that time do not count.
    one_account.add_key(replace(a_key("key-6", created_at=2.0), expires_at=4.0))


def test_a_key_that_is_exchanged_does_not_live_longer_by_that(one_account: Administration) -> None:
    one_account.add_key(a_key("key-1"))
    one_account.exchange_key("key-1", a_key("key-2"), old_until=9.0)
    exchanged = one_account.key("key-1")
    assert (exchanged.expires_at, exchanged.successor_id) == (2.0, "key-2")
    # To end what it scheduled, it can be revoked afterwards, too.
    one_account.revoke_key("key-1", at=8.0)
    assert one_account.key("key-1").revoked_at == 8.0


@pytest.mark.parametrize(
    "ended", [replace(a_key("ended"), revoked_at=0.5), replace(a_key("ended"), expires_at=1.0)]
)
def test_a_key_that_has_ended_is_neither_exchanged_nor_makes_another(
    one_account: Administration, ended: ApiKey
) -> None:
    """Nor one that ended after its request was let in: what counts is read where the new key is written."""
    one_account.add_key(ended)
    one_account.add_key(a_key("key-1"))
    with pytest.raises(NotFound) as caught:
        one_account.exchange_key("ended", a_key("new"), old_until=9.0)
    assert str(caught.value) == "There is no valid key ended."
    with pytest.raises(InvalidCredentials):
        one_account.exchange_key("key-1", a_key("new"), old_until=9.0, by_key="ended")
    with pytest.raises(InvalidCredentials):
        one_account.add_key(a_key("new"), by_key="ended")
    assert {key.id for key in one_account.keys(ACCOUNT)} == {"ended", "key-1"}
    one_account.add_key(a_key("new"), by_key="key-1")


@pytest.mark.parametrize("ends_calls", [True, False])
def test_whether_calls_end_with_a_key_or_an_account_is_kept(
    one_account: Administration, ends_calls: bool
) -> None:
    one_account.add_key(a_key("key-1"))
    one_account.revoke_key("key-1", at=5.0, ends_calls=ends_calls)
    one_account.suspend(ACCOUNT, ends_calls=ends_calls)
    assert one_account.key("key-1").ends_calls == ends_calls
    assert [account.ends_calls for account in one_account.accounts()] == [ends_calls]


def test_an_unknown_key_is_neither_found_nor_exchanged(one_account: Administration) -> None:
    with pytest.raises(NotFound):
        one_account.key("key-1")
    with pytest.raises(NotFound):
        one_account.exchange_key("key-1", a_key("key-2"), old_until=9.0)


def test_an_unknown_key_is_not_revoked(one_account: Administration) -> None:
    with pytest.raises(NotFound) as caught:
        one_account.revoke_key("key-1", at=5.0)
    assert str(caught.value) == "There is no key key-1."


def test_all_keys_in_force_are_given_up_at_once(one_account: Administration) -> None:
    assert not one_account.has_keys()
    for key_id in ("key-1", "key-2", "key-3"):
        one_account.add_key(a_key(key_id))
    one_account.revoke_key("key-1", at=5.0)

    assert one_account.has_keys()
    assert one_account.revoke_all_keys(at=6.0) == 2
    assert [key.revoked_at for key in one_account.keys(ACCOUNT)] == [5.0, 6.0, 6.0]
    assert not one_account.has_keys()


def test_an_account_and_a_trunk_are_changed_in_place(one_account: Administration) -> None:
    one_account.add_trunk(Trunk(id="t1", name="carrier", uri="sip:192.0.2.1", prefixes=("+44",)))
    one_account.add_trunk(Trunk(id="t2", name="other", uri="sip:192.0.2.2"))

    one_account.change_account(ACCOUNT, lambda account: replace(account, name="Bleu"))
    one_account.change_trunk("carrier", lambda trunk: replace(trunk, password="n3w", srtp=Srtp.REQUIRED))

    assert [account.name for account in one_account.accounts()] == ["Bleu"]
    carrier, other = one_account.trunks()
    assert (carrier.password, carrier.srtp, carrier.prefixes) == ("n3w", Srtp.REQUIRED, ("+44",))
    assert (other.password, other.srtp) == (None, Srtp.OFF)
    with pytest.raises(NotFound):
        one_account.change_trunk("missing", lambda trunk: trunk)
    with pytest.raises(NotFound):
        one_account.change_account("2", lambda account: account)


def test_a_line_is_changed_in_place_and_a_device_keeps_its_digests(
    one_account: Administration, engine: Engine
) -> None:
    one_account.add_line(a_line("200"))
    one_account.add_line(a_line("201"))

    def digests() -> object:
        with reading(engine) as connection:
            return connection.scalar(select(lines.c.device_digests).where(lines.c.number == "201"))

    def to_device(line: Line) -> Line:
        return replace(line, kind=LineKind.DEVICE, uri=None, sip_username="1009683-201")

    one_account.change_line(ACCOUNT, "201", to_device, device_digests={"MD5": "0f"})
    changed = one_account.change_line(ACCOUNT, "201", lambda line: replace(line, name="Ada"))

    assert (changed.name, changed.kind, digests()) == ("Ada", LineKind.DEVICE, {"MD5": "0f"})
    assert [line.kind for line in one_account.lines(ACCOUNT)] == [LineKind.URI, LineKind.DEVICE]
    with pytest.raises(AlreadyExists):
        one_account.change_line(ACCOUNT, "200", to_device)
    with pytest.raises(NotFound):
        one_account.change_line(ACCOUNT, "201", lambda line: replace(line, trunk="missing"))
    with pytest.raises(NotFound):
        one_account.change_line(ACCOUNT, "202", to_device)
    one_account.change_line(ACCOUNT, "201", lambda _: replace(a_line("201"), uri="sip:bob@192.0.2.1"))
    assert not digests()


def test_a_line_is_added_listed_and_removed(one_account: Administration) -> None:
    one_account.add_line(a_line("+2"))
    one_account.add_line(a_line("+1"))
    assert one_account.lines(ACCOUNT) == [a_line("+1"), a_line("+2")]
    one_account.remove_line(ACCOUNT, "+1")
    assert one_account.lines(ACCOUNT) == [a_line("+2")]
    with pytest.raises(NotFound) as caught:
        one_account.remove_line(ACCOUNT, "+1")
    assert str(caught.value) == "Account 1009683 has no line +1."


def test_two_accounts_may_have_the_same_number(one_account: Administration) -> None:
    one_account.add_account("Other", account_id="2")
    one_account.add_line(a_line("101"))
    one_account.add_line(replace(a_line("101", account_id="2"), id="line-2"))
    assert [line.account_id for line in one_account.lines("2")] == ["2"]


def test_the_digests_of_a_device_are_kept_with_its_line(one_account: Administration, engine: Engine) -> None:
    digests = {"MD5": "0f", "SHA-256": "1f"}
    one_account.add_line(a_line("+1", sip_username="alice"), device_digests=digests)
    with reading(engine) as connection:
        assert connection.scalar(select(lines.c.device_digests)) == digests


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        (
            a_line("+1"),
            AlreadyExists,
            "+1 is a line of account 1009683 already. Remove that line first.",
        ),
        (
            a_line("+2", sip_username="alice"),
            AlreadyExists,
            "The SIP user name alice is taken. Give another one.",
        ),
        (a_line("+2", trunk="main"), NotFound, "There is no trunk main. Add it first."),
    ],
)
def test_a_line_that_does_not_fit_is_refused(
    one_account: Administration, line: Line, error: type[Exception], text: str
) -> None:
    one_account.add_line(a_line("+1", sip_username="alice"))
    with pytest.raises(error) as caught:
        one_account.add_line(line)
    assert str(caught.value) == text
    assert len(one_account.lines(ACCOUNT)) == 1


def test_ten_thousand_lines_are_added_at_once(one_account: Administration) -> None:
    assert one_account.add_lines([a_line(f"+1817562{number:04}") for number in range(10_000)]) == 10_000
    assert len(one_account.lines(ACCOUNT)) == 10_000


def test_no_lines_are_added_by_an_empty_list(one_account: Administration) -> None:
    assert one_account.add_lines([]) == 0


@pytest.mark.parametrize(
    ("third", "text"),
    [
        (
            a_line("+9"),
            "+9 is a line of account 1009683 already. Remove that line first.",
        ),
        (
            a_line("+1"),
            "+1 is a line of account 1009683 already. Remove that line first.",
        ),
        (
            a_line("+3", account_id="2"),
            "There is no account 2.",
        ),
    ],
)
def test_lines_are_added_all_or_none(one_account: Administration, third: Line, text: str) -> None:
    one_account.add_line(a_line("+9"))
    with pytest.raises((AlreadyExists, NotFound)) as caught:
        one_account.add_lines([a_line("+1"), a_line("+2"), third])
    assert str(caught.value) == text
    assert one_account.lines(ACCOUNT) == [a_line("+9")]


def test_the_first_trunk_is_the_default_whatever_its_name(one_account: Administration) -> None:
    zulu = one_account.add_trunk(Trunk(id="t1", name="zulu", uri="sip:z.example", username="u", password="p"))
    alpha = one_account.add_trunk(Trunk(id="t2", name="alpha", uri="sip:a.example"))
    assert one_account.trunks() == [zulu, alpha]
    assert (zulu.position, alpha.position) == (0, 1)


def test_a_trunk_is_kept_with_all_that_it_was_told(one_account: Administration, engine: Engine) -> None:
    trunk = Trunk(
        id="t1",
        name="europe",
        uri="sip:a.example;transport=tls",
        username="u",
        password="p",
        position=7,
        registers=True,
        prefixes=("+44", "+33"),
        weight=3,
        channels=30,
        calls_per_second=5,
        number_format=NumberFormat.NATIONAL,
        number_prefix="9#",
        caller_id=CallerIdPolicy.ANONYMOUS_FROM,
        srtp=Srtp.REQUIRED,
        nat=True,
        tls_ca="/etc/ca.pem",
        tls_certificate="/etc/own.pem",
        tls_key="/etc/own.key",
    )
    assert one_account.add_trunk(trunk, position=7) == trunk
    assert one_account.trunks() == [trunk]
    assert asyncio.run(SqlDirectory(engine).trunks()) == (trunk,)


@pytest.mark.parametrize("confirm", [None, True, False])
def test_a_line_is_kept_with_how_its_phone_is_to_be_treated(
    one_account: Administration, engine: Engine, confirm: bool | None
) -> None:
    line = replace(a_line("+1"), confirm=confirm, auto_answer=True, srtp=Srtp.OPTIONAL, nat=True)
    one_account.add_line(line)
    assert one_account.lines(ACCOUNT) == [line]
    assert asyncio.run(SqlDirectory(engine).line(ACCOUNT, "+1")) == line


def test_trunks_of_before_keep_what_was_the_rule(one_account: Administration, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(
            text("INSERT INTO trunks (id, name, uri, position) VALUES ('t', 'main', 'sip:a', 0)")
        )
    assert one_account.trunks() == [Trunk(id="t", name="main", uri="sip:a")]


def test_trunks_may_share_a_position(one_account: Administration) -> None:
    for name in ("zulu", "alpha"):
        one_account.add_trunk(Trunk(id=name, name=name, uri="sip:a.example"), position=2)
    one_account.add_trunk(Trunk(id="last", name="last", uri="sip:a.example"))
    assert [(trunk.name, trunk.position) for trunk in one_account.trunks()] == [
        ("alpha", 2),
        ("zulu", 2),
        ("last", 3),
    ]


def test_a_trunk_name_is_taken_once(one_account: Administration) -> None:
    one_account.add_trunk(Trunk(id="t1", name="main", uri="sip:a.example"))
    with pytest.raises(AlreadyExists) as caught:
        one_account.add_trunk(Trunk(id="t2", name="main", uri="sip:b.example"))
    assert str(caught.value) == "There is a trunk main already. Give another name, or remove it first."


def test_a_trunk_is_removed_when_no_line_uses_it(one_account: Administration) -> None:
    one_account.add_trunk(Trunk(id="t1", name="main", uri="sip:a.example"))
    one_account.add_line(a_line("+1", trunk="main"))
    with pytest.raises(InvalidSetting) as used:
        one_account.remove_trunk("main")
    assert str(used.value) == "Lines that use trunk main: 1. Remove them first."
    one_account.remove_line(ACCOUNT, "+1")
    one_account.remove_trunk("main")
    assert one_account.trunks() == []
    with pytest.raises(NotFound) as gone:
        one_account.remove_trunk("main")
    assert str(gone.value) == "There is no trunk main."


def test_limits_are_the_defaults_until_they_are_set(one_account: Administration) -> None:
    assert one_account.limits(ACCOUNT) == AccountLimits()
    for limits in (AccountLimits(concurrent=1000, countries=("US", "CA")), AccountLimits(rate=1)):
        one_account.set_limits(ACCOUNT, limits)
        assert one_account.limits(ACCOUNT) == limits


def test_every_limit_has_its_column() -> None:
    assert set(account_limits.columns.keys()) - {"account_id"} == set(AccountLimits.__dataclass_fields__)


def test_each_change_moves_the_revision_and_a_refused_one_does_not(
    one_account: Administration, engine: Engine
) -> None:
    before = revision(engine)
    one_account.add_key(a_key("key-1"))
    with pytest.raises(NotFound):
        one_account.revoke_key("key-2", at=5.0)
    assert revision(engine) == before + 1


def test_a_row_that_breaks_a_constraint_changes_nothing(one_account: Administration) -> None:
    one_account.add_key(a_key("key-1"))
    with pytest.raises(StoreUnavailable):
        one_account.add_key(a_key("key-1"))
    assert len(one_account.keys(ACCOUNT)) == 1
