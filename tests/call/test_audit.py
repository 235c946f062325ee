"""What an entry of the audit log tells, and what is noticed of a log that was changed."""

import json

import pytest

from ringbridge.call.actor import SERVER, Actor, ActorKind
from ringbridge.call.audit import Action, AuditEntry, BrokenChain, Chain, Deed, masked, told

ANN = Actor(ActorKind.COMMAND_LINE, "ann", "192.0.2.7")


def a_log() -> list[AuditEntry]:
    """Three entries, one behind the other."""
    deeds = [
        Deed(
            action=Action.ACCOUNT_CREATED, account_id="1009683", target_id="1009683", after={"name": "Acme"}
        ),
        Deed(action=Action.KEY_REVOKED, account_id="1009683", target_id="k", before={}, after={"at": 1.5}),
        Deed(action=Action.CONFIG_REFUSED),
    ]
    chain, entries = Chain(), []
    for number, deed in enumerate(deeds):
        entries.append(chain.entry(deed, ANN if number else SERVER, 1000.0004 + number))
        chain = chain.followed_by(entries[-1])
    return entries


def followed(entries: list[AuditEntry]) -> Chain:
    chain = Chain()
    for entry in entries:
        chain = chain.followed_by(entry)
    return chain


def test_entries_follow_one_another_from_the_first() -> None:
    log = a_log()

    assert [(entry.sequence, entry.at, entry.target_kind) for entry in log] == [
        (1, 1000.0, "account"),
        (2, 1001.0, "key"),
        (3, 1002.0, "config"),
    ]
    assert followed(log) == Chain(3, log[-1].hash)
    assert len({entry.hash for entry in log}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"at": 1001.001},
        {"actor": ANN._replace(address="192.0.2.8")},
        {"actor": SERVER},
        {"account_id": None},
        {"action": "key.created"},
        {"target_id": "l"},
        {"before": None},
        {"after": '{"at":1.6}'},
        {"hash": "0" * 64},
    ],
)
def test_an_entry_that_was_changed_is_noticed(change: dict[str, object]) -> None:
    log = a_log()
    log[1] = log[1]._replace(**change)  # type: ignore[arg-type]

    with pytest.raises(BrokenChain, match="Entry 2 "):
        followed(log)


def test_an_entry_that_is_gone_is_noticed() -> None:
    first, _, third = a_log()

    with pytest.raises(BrokenChain, match="Entry 2 of the audit log is missing"):
        followed([first, third])
    # Also if the later ones were numbered anew.
    with pytest.raises(BrokenChain, match="Entry 2 "):
        followed([first, third._replace(sequence=2)])


def test_only_what_differs_is_told_and_nothing_that_must_not_be() -> None:
    before = {
        "id": "1",
        "account_id": "2",
        "number": "+18175629657",
        "password": "x",
        "name": "Ann",
        "uri": None,
    }
    after = before | {"password": "y", "name": "Bob", "uri": "sip:+18175629657@192.0.2.1:5060"}

    assert told(before, after) == (
        '{"name":"Ann","password":"(hidden)"}',
        '{"name":"Bob","password":"(hidden)","uri":"sip:\\u20269657@192.0.2.1:5060"}',
    )
    assert told(None, None) == (None, None)


def test_what_made_no_difference_is_known_as_such() -> None:
    def entry(before: dict[str, int] | None, after: dict[str, int] | None) -> AuditEntry:
        return Chain().entry(Deed(action=Action.LIMITS_CHANGED, before=before, after=after), ANN, 1.0)

    assert entry({"rate": 5}, {"rate": 5}).is_idle
    assert not any(
        one.is_idle for one in (entry({"rate": 5}, {"rate": 6}), entry(None, {}), entry(None, None))
    )


def test_a_new_thing_is_told_whole_without_what_is_not_there() -> None:
    row = {
        "lines": ["+18175629657", "201"],
        "url": "https://ann:pw@hooks.example:8443/T0/B0?x=1",
        "n": 5,
        "name": None,
    }

    assert told(None, row)[0] is None
    assert json.loads(told(None, row)[1] or "") == {
        "lines": ["…9657", "201"],
        "url": "https://hooks.example:8443/…",
        "n": 5,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+18175629657", "…9657"),
        ("sip:5629657@x", "sip:…9657@x"),
        ("201", "201"),
        ("562965", "562965"),
        ("1234567890123456", "1234567890123456"),
    ],
)
def test_of_a_telephone_number_the_last_four_digits_are_told(text: str, shown: str) -> None:
    assert masked(text) == shown
