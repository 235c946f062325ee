"""An account's limits, read as they are stored and changed with what they are measured against; on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import NotFound
from ringbridge.store.administration import Administration
from ringbridge.store.limits import SqlLimits


def test_limits_are_read_as_they_were_stored_last(engine: Engine, administration: Administration) -> None:
    account, limits = administration.add_account("Acme").id, SqlLimits(engine)
    assert limits.find(account) == AccountLimits()
    changed = replace(AccountLimits(), countries=("US", "CA"), spend_per_day=1_500_000, per_minute=7)
    assert limits.change(account, lambda current: replace(changed, concurrent=current.concurrent)) == changed
    assert limits.find(account) == changed


def test_an_account_is_suspended_and_resumed(engine: Engine, administration: Administration) -> None:
    account, limits = administration.add_account("Acme").id, SqlLimits(engine)
    limits.set_suspended(account, suspended=True, ends_calls=True)
    (known,) = administration.accounts()
    assert (known.suspended, known.ends_calls) == (True, True)
    limits.set_suspended(account, suspended=False, ends_calls=False)
    (known,) = administration.accounts()
    assert (known.suspended, known.ends_calls) == (False, False)
    with pytest.raises(NotFound):
        limits.set_suspended("7", suspended=True, ends_calls=False)
