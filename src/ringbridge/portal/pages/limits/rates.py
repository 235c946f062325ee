"""The table of rates, one for all accounts of the server: shown, and exchanged for that of a file."""

import asyncio
from collections.abc import Mapping
from itertools import islice

from starlette.responses import Response

from ringbridge.call.money import amount_text
from ringbridge.portal.view import View
from ringbridge.service.csv_file import MOST_FILE_OCTETS, UnusableFile

PAGE_ROWS = 100


async def show_rates(view: View) -> Response:
    return await _rates_page(view)


async def import_rates(view: View) -> Response:
    form = await view.form(most_octets=MOST_FILE_OCTETS + 10_000)
    file = form.file("file")
    data = b"" if file is None else await file.read()
    try:
        count = await view.services.rates.import_file(view.caller, data)
    except UnusableFile as error:
        return await _rates_page(view, _sentence(view, error))
    return view.go(
        "/limits/rates", flash=view.text("The rates are exchanged. There are {count} now.", count=count)
    )


async def _rates_page(view: View, file_fault: str = "") -> Response:
    search, after = (view.request.query_params.get(name, "").strip() for name in ("search", "after"))
    rates = await view.services.rates.all()
    # They are in memory whole wherever calls are priced: tens of thousands at the most, too many for the loop.
    found = await asyncio.to_thread(_page, rates, search, after)
    shown = [(prefix, amount_text(micros)) for prefix, micros in found[:PAGE_ROWS]]
    return view.page(
        "limits/rates.html",
        status=400 if file_fault else 200,
        rates=shown,
        next=shown[-1][0] if len(found) > PAGE_ROWS else None,
        is_first=not after,
        search=search,
        file_fault=file_fault,
    )


def _page(rates: Mapping[str, int], search: str, after: str) -> list[tuple[str, int]]:
    """Those behind the prefix `after` that are searched for; one more than is shown, if there is one."""
    behind = (rate for rate in rates.items() if rate[0] > after and _matches(rate[0], search))
    return list(islice(behind, PAGE_ROWS + 1))


def _matches(prefix: str, search: str) -> bool:
    """Whether a rate begins so, or is one that a number that begins so could have."""
    wanted = "+" + search.lstrip("+").replace(" ", "")
    return prefix.startswith(wanted) or wanted.startswith(prefix)


def _sentence(view: View, error: UnusableFile) -> str:
    """What is wrong with a file. Nothing of it was taken."""
    values = {"row": error.row, "prefix": error.text}
    match error.code:
        case "rate_columns":
            return view.text("Row 1 has to say prefix,per_minute. No rate was changed.")
        case "invalid_rate":
            return view.text(
                "Row {row}: write a prefix with its plus and an amount, such as +44,0.015. No rate was changed.",
                **values,
            )
        case "repeated_rate":
            return view.text(
                "Row {row}: {prefix} is in an earlier row already. No rate was changed.", **values
            )
        case "not_csv":
            return view.text("Row {row} is not CSV. No rate was changed.", **values)
        case "not_text":
            return view.text("The file is not text in UTF-8: save it as CSV UTF-8.")
    return view.text("Choose a file with the columns prefix and per_minute.")
