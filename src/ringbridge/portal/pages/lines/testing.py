"""Trying a line's phone, and watching what happens."""

from typing import Any

from starlette.responses import Response

from ringbridge.call.errors import CannotPlaceCalls, NotFound, TooManyCalls
from ringbridge.call.user import Right
from ringbridge.portal.pages.lines.words import FAULTS, HAPPENINGS, VERDICTS
from ringbridge.portal.view import View
from ringbridge.service.phone_test import PhoneTest, PhoneTestRefused


async def start_test(view: View) -> Response:
    line_id = view.request.path_params["line_id"]
    try:
        test = await view.services.phone_tests.start(view.me, line_id)
    except (PhoneTestRefused, CannotPlaceCalls, TooManyCalls) as error:
        path = f"/lines/{line_id}" if view.may(Right.SEE_LINES) else "/dial"
        return view.go(path, flash=view.fault(error.code, FAULTS), kind="danger")
    return view.go(f"/lines/{line_id}/tests/{test.id}")


async def show_test(view: View) -> Response:
    return view.page("lines/test.html", **_values(_test(view)))


async def show_steps(view: View) -> Response:
    return view.page("lines/steps.html", **_values(_test(view)))


def _test(view: View) -> PhoneTest:
    """The test that the path names. Raises NotFound."""
    test = view.services.phone_tests.find(view.me, view.request.path_params["test_id"])
    if test.line.id != view.request.path_params["line_id"]:
        raise NotFound("There is no such test of this line.")
    return test


def _values(test: PhoneTest) -> dict[str, Any]:
    conclusion = None if test.verdict is None else VERDICTS[test.verdict]
    return {"test": test, "happenings": HAPPENINGS, "conclusion": conclusion}
