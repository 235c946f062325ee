"""The origins of accounts, on both databases."""

import pytest
from sqlalchemy import Engine

from ringbridge.call.errors import NotFound
from ringbridge.call.origin import MOST_ORIGINS, AllowedOrigin, TooManyOrigins
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.origins import SqlOrigins

CRM, SHOP = AllowedOrigin("https://crm.example.com", 2.5), AllowedOrigin("http://shop.example.com:8080", 1.5)


def test_each_account_has_its_own(engine: Engine, administration: Administration) -> None:
    mine, other = administration.add_account("Acme").id, administration.add_account("Other").id
    origins = SqlOrigins(engine)
    for each in (CRM, SHOP, CRM):
        origins.allow_origin(mine, each)
    assert origins.origins(mine) == [SHOP, CRM]
    assert origins.origins(other) == []
    assert not origins.forbid_origin(other, CRM.origin)
    assert not origins.forbid_origin(mine, "https://\0")
    assert origins.forbid_origin(mine, CRM.origin)
    assert origins.origins(mine) == [SHOP]
    actions = [(entry.action, entry.target_id) for entry in SqlAuditLog(engine).page(mine, None, 10)]
    assert actions[:3] == [
        ("origin.forbidden", CRM.origin),
        ("origin.allowed", SHOP.origin),
        ("origin.allowed", CRM.origin),
    ]


def test_an_account_has_so_many_and_no_more(engine: Engine, administration: Administration) -> None:
    account_id, origins = administration.add_account("Acme").id, SqlOrigins(engine)
    for number in range(MOST_ORIGINS):
        origins.allow_origin(account_id, AllowedOrigin(f"https://{number}.example.com", 1.0))
    with pytest.raises(TooManyOrigins):
        origins.allow_origin(account_id, CRM)
    origins.allow_origin(account_id, AllowedOrigin("https://0.example.com", 2.0))


def test_an_account_that_is_not_there_has_none(engine: Engine) -> None:
    with pytest.raises(NotFound):
        SqlOrigins(engine).allow_origin("nobody", CRM)
