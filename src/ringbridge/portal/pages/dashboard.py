"""The dashboard: what became of the account's calls, what is in use, and what needs somebody's hand."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple
from urllib.parse import unquote

from babel.dates import format_skeleton, format_time, get_timezone_name
from babel.numbers import format_decimal, format_percent
from starlette.responses import Response

from ringbridge.call.statistics import LONG_TALK_SECONDS, Stage, Sums
from ringbridge.call.user import Right
from ringbridge.portal.language import Language, marked
from ringbridge.portal.page import page, watched
from ringbridge.portal.view import View
from ringbridge.service.overview import Use
from ringbridge.service.statistics import Percentiles, Period, Point, zone_of

PERIODS = {
    Period.HOUR: marked("Last hour"),
    Period.DAY: marked("Last 24 hours"),
    Period.WEEK: marked("Last 7 days"),
    Period.MONTH: marked("Last 30 days"),
}
STAGES = {
    Stage.USER_RINGING: marked("Click to user's phone ringing"),
    Stage.USER_ANSWERED: marked("Ringing to user answering"),
    Stage.DESTINATION_DIALED: marked("User answering to destination called"),
    Stage.DESTINATION_RINGING: marked("Destination called to ringing"),
    Stage.DESTINATION_ANSWERED: marked("Ringing to destination answering"),
    Stage.CONNECTED: marked("Click to both talking"),
}
LIMITS = {
    "concurrent": marked("Calls at once"),
    "spend_per_hour": marked("Spending this hour"),
    "spend_per_day": marked("Spending today (UTC)"),
    "spend_per_month": marked("Spending this month (UTC)"),
}
# From here on a limit is shown as nearly used up.
_NEARLY = 0.8

# The browser's time zone, which the page's script says.
ZONE_COOKIE = "zone"


class Step(NamedTuple):
    """One bar of the funnel: so many calls came here, and that is this share of all."""

    text: str
    calls: int
    share: float


class Waste(NamedTuple):
    """One way in which phones ring for nothing."""

    text: str
    calls: int


class Label(NamedTuple):
    """A point of the plot, and what it is called."""

    text: str
    point: Point


class StageRow(NamedTuple):
    """The percentiles of a stage, as texts and as shares of the longest of all stages."""

    text: str
    calls: int
    texts: tuple[str, ...]
    shares: tuple[float, ...]


class UseRow(NamedTuple):
    """A limit, as texts, with how much of it is used; `is_nearly_up` from four fifths on."""

    text: str
    used: str
    most: str
    share: float
    is_nearly_up: bool


async def show_dashboard(view: View) -> Response:
    zone = zone_of(unquote(view.request.cookies.get(ZONE_COOKIE, "")))
    report = await view.services.statistics.report(view.caller, _period(view), zone)
    overview = await view.services.overview.now(view.caller)
    language = view.language
    return view.page(
        "dashboard/dashboard.html",
        report=report,
        overview=overview,
        uses=_uses(view, overview.uses),
        periods=PERIODS,
        labels=[Label(_label(report.period, point.start, zone, language), point) for point in report.points],
        zone=get_timezone_name(zone, width="short", locale=language.locale, return_zone=True),
        steps=_funnel(report.sums),
        wastes=_wastes(report.sums),
        stages=_stages(report.stages, language),
        trunk_shares={named.name: named.share for named in report.trunks},
        percent=lambda part, whole: _percent(part, whole, language),
        long_talk_seconds=round(LONG_TALK_SECONDS),
    )


async def show_now(view: View) -> Response:
    overview = await view.services.overview.now(view.caller)
    return view.page("dashboard/now.html", overview=overview, uses=_uses(view, overview.uses))


def _period(view: View) -> Period:
    """The one that the address names; the last day where it names none that there is."""
    try:
        return Period(view.request.query_params.get("period", Period.DAY.value))
    except ValueError:
        return Period.DAY


def _label(period: Period, at: float, zone: tzinfo, language: Language) -> str:
    moment = datetime.fromtimestamp(at, zone)
    match period:
        case Period.HOUR | Period.DAY:
            return format_time(moment, "short", tzinfo=zone, locale=language.locale)
        case Period.WEEK:
            return format_skeleton("Ehm", moment, tzinfo=zone, locale=language.locale)
        case Period.MONTH:
            return format_skeleton("MMMEd", moment, tzinfo=zone, locale=language.locale)


def _funnel(sums: Sums) -> list[Step]:
    return [
        Step(text, calls, calls / sums.calls if sums.calls else 0.0)
        for text, calls in (
            (marked("Clicked"), sums.calls),
            (marked("User answered"), sums.user_answered),
            (marked("Confirmed, destination called"), sums.confirmed),
            (marked("Destination answered"), sums.destination_answered),
            (marked("Talked over 30 seconds"), sums.talked),
        )
    ]


def _wastes(sums: Sums) -> list[Waste]:
    return [
        Waste(marked("The user's phone rang and was not answered"), sums.user_rang - sums.user_answered),
        Waste(
            marked("The user answered, and gave up before the destination was called"),
            sums.user_answered - sums.confirmed,
        ),
        Waste(
            marked("The destination was called and never reached"),
            sums.confirmed - sums.destination_answered,
        ),
    ]


def _stages(stages: Mapping[Stage, Percentiles], language: Language) -> list[StageRow]:
    longest = max((found.p99 for found in stages.values()), default=1.0)
    return [
        StageRow(
            text,
            stages[stage].calls,
            tuple(_seconds(seconds, language) for seconds in stages[stage][1:]),
            tuple(seconds / longest for seconds in stages[stage][1:]),
        )
        for stage, text in STAGES.items()
        if stage in stages
    ]


def _seconds(seconds: float, language: Language) -> str:
    """`0.04 s`, `1.2 s`, `12 s`: two digits, which is as exact as the buckets are."""
    digits = "0.##" if seconds < 1.0 else "0.#" if seconds < 10.0 else "0"
    return f"{format_decimal(seconds, format=digits, locale=language.locale)}\N{NO-BREAK SPACE}s"


def _percent(part: int, whole: int, language: Language) -> str:
    return format_percent(part / whole, locale=language.locale) if whole else "\N{EN DASH}"


def _uses(view: View, uses: tuple[Use, ...]) -> list[UseRow]:
    rows = []
    for use in uses:
        is_money = use.name.startswith("spend")
        used, most = (
            view.amount(number) if is_money else format_decimal(number, locale=view.language.locale)
            for number in (use.used, use.most)
        )
        # A limit of nothing is used up.
        share = min(1.0, use.used / use.most) if use.most else 1.0
        rows.append(UseRow(LIMITS[use.name], used, most, share, share >= _NEARLY))
    return rows


ROUTES = [
    page("/dashboard", show_dashboard, Right.SEE_STATISTICS),
    watched("/dashboard/now", show_now, Right.SEE_STATISTICS),
]
