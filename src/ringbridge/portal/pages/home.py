"""The first page: where everything is, for whom there is nothing better."""

from starlette.responses import Response

from ringbridge.portal.page import page
from ringbridge.portal.view import View


async def show_home(view: View) -> Response:
    return view.page("home/home.html")


ROUTES = [page("/", show_home)]
