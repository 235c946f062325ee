"""Origins as people write them, and what is no origin."""

import pytest

from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.service.authentication import Caller
from ringbridge.service.origins import OriginService
from tests.service.double import ACCOUNT, KEY
from tests.service.test_authentication import HandMovedClock
from tests.service.test_tokens import MemoryOrigins

CALLER = Caller(ACCOUNT, KEY)


@pytest.fixture
def service() -> OriginService:
    return OriginService(MemoryOrigins(), HandMovedClock())


async def test_an_origin_is_kept_as_browsers_write_it(service: OriginService) -> None:
    await service.allow(CALLER, " HTTPS://CRM.Example.com/ ")
    assert [each.origin for each in await service.all(CALLER)] == ["https://crm.example.com"]
    await service.forbid(CALLER, "https://crm.example.com")
    assert await service.of_account(ACCOUNT.id) == []
    with pytest.raises(NotFound):
        await service.forbid(CALLER, "https://crm.example.com")


@pytest.mark.parametrize(
    "text", ["", "crm.example.com", "https://crm.example.com/page", "https://a b", "https://" + "a" * 300]
)
async def test_what_is_no_origin_is_refused(service: OriginService, text: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        await service.allow(CALLER, text)
    assert (refused.value.option, refused.value.code) == ("origin", "invalid_origin")
