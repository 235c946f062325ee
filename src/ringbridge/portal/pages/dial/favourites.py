"""The numbers that somebody calls often."""

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.favourite import TooManyFavourites
from ringbridge.call.user import Right
from ringbridge.portal.form import fault_of
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.dial.shown import written
from ringbridge.portal.pages.dial.words import REFUSALS
from ringbridge.portal.view import View


async def show_new(view: View) -> Response:
    query = view.request.query_params
    values = {"number": query.get("number", ""), "name": query.get("name", "")}
    return view.form_page("dial/favourite.html", values)


async def put(view: View) -> Response:
    form = await view.form()
    try:
        kept = await view.services.favourites.put(view.user, view.account, form["number"], form["name"])
    except (InvalidOption, TooManyFavourites) as error:
        return view.form_page("dial/favourite.html", form.values(), fault_of(error), words=REFUSALS)
    return view.go("/dial", flash=view.text("{name} is one of your favourites.", name=kept.name))


async def remove(view: View) -> Response:
    number = (await view.form())["number"]
    if not await view.services.favourites.remove(view.user, number):
        return view.go("/dial", flash=view.text("This was no favourite any more."), kind="info")
    return view.go("/dial", flash=view.text("{number} is no favourite any more.", number=written(number)))


ROUTES = [
    page("/dial/favourites/new", show_new, Right.DIAL),
    action("/dial/favourites", put, Right.DIAL),
    action("/dial/favourites/remove", remove, Right.DIAL),
]
