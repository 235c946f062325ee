"""The audit log: its chain, also when several processes write, and what is noticed of a log that was tampered with."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update

from ringbridge.call.actor import SERVER, Actor, ActorKind, acting_as
from ringbridge.call.audit import FIRST_HASH, Action, AuditFilter, BrokenChain, Chain, Deed
from ringbridge.call.directory import AccountLimits
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog, note, note_all
from ringbridge.store.audit_tables import audit_entries, audit_head
from ringbridge.store.database import open_database, writing
from ringbridge.store.rates import RateTable

ACCOUNT = "1009683"
ANN = Actor(ActorKind.COMMAND_LINE, "ann", "192.0.2.7")


def write(engine: Engine, *targets: str) -> None:
    """An entry for each target, all in one transaction."""
    with writing(engine) as connection:
        note_all(
            connection,
            [
                Deed(action=Action.LINE_CREATED, account_id=ACCOUNT, target_id=target, after={"n": 0.1})
                for target in targets
            ],
        )


def test_entries_are_read_as_they_were_written(engine: Engine) -> None:
    log = SqlAuditLog(engine)
    with acting_as(ANN):
        write(engine, "a", "b")
    write(engine)
    log.note(Action.CONFIG_REFUSED, before=None, after={"error": "no TOML"})

    found = [entry for batch in log.batches() for entry in batch]

    assert [(entry.sequence, entry.actor, entry.account_id, entry.target_id) for entry in found] == [
        (1, ANN, ACCOUNT, "a"),
        (2, ANN, ACCOUNT, "b"),
        (3, SERVER, None, None),
    ]
    assert [(entry.action, entry.after) for entry in found[1:]] == [
        ("line.created", '{"n":0.1}'),
        ("config.refused", '{"error":"no TOML"}'),
    ]
    assert log.verify() == log.verify(found[0].hash) == log.head() == Chain(3, found[2].hash)


def test_an_account_reads_its_own_from_the_last_on(engine: Engine) -> None:
    log = SqlAuditLog(engine)
    write(engine, "a", "b", "c")
    log.note(Action.CONFIG_RELOADED, before={}, after={"need_restart": []})

    assert [entry.target_id for entry in log.page(ACCOUNT, None, 2)] == ["c", "b"]
    assert [entry.target_id for entry in log.page(ACCOUNT, 2, 2)] == ["a"]
    assert log.page("another", None, 2) == []
    assert [entry.sequence for entry in log.last(2)] == [4, 3]
    assert [entry.sequence for entry in log.last(2, ACCOUNT)] == [3, 2]


def test_an_entry_goes_with_its_change_or_not_at_all(engine: Engine) -> None:
    with suppress(ZeroDivisionError), writing(engine) as connection:
        note(connection, Action.RATES_IMPORTED)
        raise ZeroDivisionError

    assert SqlAuditLog(engine).verify() == Chain(0, FIRST_HASH)


def test_several_writers_at_once_do_not_fork_the_chain(engine: Engine, url: str) -> None:
    """Two engines as two processes have them, each with several threads."""
    other = open_database(url)
    try:
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(write, (engine, other)[i % 2], str(i)) for i in range(20)]:
                done.result()
    finally:
        other.dispose()

    assert SqlAuditLog(engine).verify().sequence == 20


def test_a_log_that_was_tampered_with_is_noticed(engine: Engine) -> None:
    log = SqlAuditLog(engine)
    write(engine, "a", "b", "c")
    with writing(engine) as connection:
        hashes = connection.scalars(select(audit_entries.c.hash).order_by(audit_entries.c.sequence)).all()
        connection.execute(delete(audit_entries).where(audit_entries.c.sequence == 3))

    with pytest.raises(BrokenChain, match="Entry 3 of the audit log is missing"):
        log.verify()

    # Whoever is thorough also moves the end; only a hash that was noted elsewhere tells of that.
    with writing(engine) as connection:
        connection.execute(update(audit_head).values(sequence=2, hash=hashes[1]))
    assert log.verify(hashes[1]) == Chain(2, hashes[1])
    with pytest.raises(BrokenChain, match="No entry of the audit log has that hash"):
        log.verify(hashes[2])

    with writing(engine) as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.sequence == 1).values(target_id="x"))
    with pytest.raises(BrokenChain, match="Entry 1 "):
        log.verify()


def test_entries_are_filtered(engine: Engine, administration: Administration) -> None:
    log, account = SqlAuditLog(engine), administration.add_account("Acme").id
    with acting_as(ANN):
        administration.set_limits(account, AccountLimits(concurrent=7))
    RateTable(engine).replace({"+1": 1})
    added, limited = reversed(log.page(account, None, 10))

    def found(**wanted: Any) -> list[str]:
        return [entry.action for entry in log.page(account, None, 10, AuditFilter(**wanted))]

    assert found(target_kind="limits") == ["limits.changed"]
    assert found(target_kind="limit_") == []
    assert found(actor_kind=ActorKind.COMMAND_LINE) == ["limits.changed"]
    assert found(since=limited.at) == ["limits.changed"] or added.at == limited.at
    assert found(until=added.at) == []
    assert found(with_server=True) == ["rates.imported", "limits.changed", "account.created"]
    assert [entry.action for entry in log.page(account, limited.sequence, 10)] == ["account.created"]
