"""Calls that are placed later, or again when nobody was to be had: what the form asks for."""

from starlette.responses import Response

from ringbridge.call.errors import CannotPlaceCalls, InvalidOption, RequestRefused
from ringbridge.call.user import Right
from ringbridge.portal.form import Form
from ringbridge.portal.moments import moment_of
from ringbridge.portal.page import action
from ringbridge.portal.pages.dial.asking import dial_page, refused_field, with_line
from ringbridge.portal.pages.dial.words import AGAIN
from ringbridge.portal.view import View
from ringbridge.service.request import ScheduleRequest


async def schedule(view: View) -> Response:
    form = await view.form()
    try:
        await view.services.dialler.schedule(
            view.caller, form["line"], form["number"], _wanted(form), form["form"]
        )
    except (RequestRefused, CannotPlaceCalls) as error:
        return await dial_page(view, form.values(), refused_field(error))
    return with_line(view, form, view.go("/scheduled", flash=view.text("The call is scheduled.")))


def _wanted(form: Form) -> ScheduleRequest:
    """Raises InvalidOption."""
    at, again = moment_of(form, "at"), AGAIN.get(form["again"])
    if at is None and again is None and not form.has("when_free"):
        raise InvalidOption("at", "nothing_to_wait_for")
    return ScheduleRequest(
        at=at, when_user_is_free=form.has("when_free"), retry=None if again is None else again[1]
    )


ROUTES = [
    action("/dial/later", schedule, Right.DIAL),
]
