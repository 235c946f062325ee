"""What a test key's request becomes: the same call, over a trunk that is none."""

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.simulation import SIMULATED, is_simulated
from ringbridge.service.admission import Admission
from ringbridge.service.clock import Clock
from ringbridge.service.planner import Planner
from ringbridge.service.request import CallRequest
from tests.service.double import CALLER, EXTENSION, MOBILE, PHONE, TESTER, MemoryDirectory


@pytest.mark.parametrize("line", [PHONE, MOBILE, EXTENSION])
async def test_a_test_key_calls_without_any_trunk(line: object) -> None:
    directory = MemoryDirectory()
    request = CallRequest(user_line=line.number, destination_line="15125290100")  # type: ignore[attr-defined]
    as_it_would_be = (await Planner(directory, Clock()).plan(CALLER, request)).call
    directory.all_trunks = ()
    call = (await Planner(directory, Clock()).plan(TESTER, request)).call
    for party in (call.user, call.destination):
        assert [(route.trunk, route.target.endswith("@simulated.invalid")) for route in party.routes] == [
            (SIMULATED, True)
        ]
    assert (call.user.number, call.destination.number, call.confirm) == (
        as_it_would_be.user.number,
        as_it_would_be.destination.number,
        as_it_would_be.confirm,
    )
    assert call.user.device is None
    assert (is_simulated(call), is_simulated(as_it_would_be)) == (True, False)


async def test_a_click_with_a_test_key_is_none_of_a_live_key() -> None:
    planner, admission = Planner(MemoryDirectory(), Clock()), Admission()
    request = CallRequest(user_line=PHONE.number, destination_line="15125290100")
    limits = AccountLimits(per_user=3)
    found = []
    for caller in (CALLER, TESTER, TESTER, CALLER):
        call = (await planner.plan(caller, request)).call
        duplicate = admission.admit(call, limits)
        found.append(call.id if duplicate is None else duplicate.call_id)
    live, test, test_again, live_again = found
    assert (live_again, test_again, live != test) == (live, test, True)
