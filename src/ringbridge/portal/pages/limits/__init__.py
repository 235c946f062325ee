"""The limits of the account: what they are, what of them is used, and changing them; letting nobody call, and again."""

from collections.abc import Mapping

import phonenumbers
from babel.numbers import format_decimal
from starlette.responses import Response

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidSetting
from ringbridge.call.limits import limit_text, parse_limit
from ringbridge.call.user import Right, SignInRefused
from ringbridge.portal.form import Form
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.limits.rates import import_rates, show_rates
from ringbridge.portal.pages.limits.words import FAULTS, GROUPS, PRESETS, STOPPING, WORDS, Unit
from ringbridge.portal.view import View
from ringbridge.service.limits import AccountUsage, OnlyTighter


async def show_limits(view: View) -> Response:
    limits = await view.services.limits.limits(view.caller)
    usage = await view.services.limits.usage(view.caller)
    return view.page(
        "limits/limits.html",
        groups=GROUPS,
        limits=limits,
        shown={name: _shown(view, limits, name) for name in WORDS},
        used=_used(view, usage),
        parts=_parts(limits, usage),
        stopping=[name for name in STOPPING if getattr(limits, name) == 0],
        presets=PRESETS,
        usage=usage,
    )


async def show_change(view: View) -> Response:
    limits = await view.services.limits.limits(view.caller)
    values = {name: limit_text(name, getattr(limits, name)) for name in WORDS}
    preset = PRESETS.get(view.request.query_params.get("preset", ""))
    return _change_page(view, values | (preset.values if preset else {}), preset=preset)


async def change(view: View) -> Response:
    form = await view.form()
    wanted = _wanted(form)
    faults = _faults(wanted)
    if faults:
        return _change_page(view, wanted, faults)
    limits = view.services.limits
    token = None
    try:
        await limits.tighten(view.caller, wanted)
    except OnlyTighter as error:
        if not view.may(Right.RAISE_LIMITS):
            return _change_page(view, wanted, {"form": error.code})
        # Asked for here and not on a page of its own: nothing of what was typed is lost.
        if not view.services.sign_in.is_fresh(view.me.session):
            try:
                token = await _renewed(view, form)
            except SignInRefused as error:
                code = error.code if error.code == "too_many_guesses" else "wrong_password"
                faults = {"password": code if form.raw("password") else "password_needed"}
                return _change_page(view, wanted, faults)
        await limits.change(view.caller, wanted)
    response = view.go("/limits", flash=view.text("The limits are changed."))
    return response if token is None else view.begin_session(response, token)


async def suspend(view: View) -> Response:
    form = await view.form()
    await view.services.limits.suspend(view.caller, suspended=True, ends_calls=form.has("ends_calls"))
    return view.go("/limits", flash=view.text("The account is suspended: nobody can call."), kind="warning")


async def resume(view: View) -> Response:
    await view.services.limits.suspend(view.caller, suspended=False)
    return view.go("/limits", flash=view.text("The account may call again."))


async def _renewed(view: View, form: Form) -> str:
    """The token of a fresh session. Raises SignInRefused."""
    assert view.token is not None, "whoever is signed in has a cookie"
    password = form.raw("password")
    if not password:
        # No guess: there is nothing to count.
        raise SignInRefused
    return await view.services.sign_in.renew(view.me, password, view.visitor, view.token)


def _wanted(form: Form) -> dict[str, str]:
    """The limits as they were typed."""
    return {name: form[name] for name in WORDS} | {"countries": ",".join(form.all("countries"))}


def _faults(wanted: Mapping[str, str]) -> dict[str, str]:
    """Each field that cannot be read, with the code of what it takes."""
    faults = {}
    for name, text in wanted.items():
        try:
            parse_limit(name, text)
        except InvalidSetting:
            faults[name] = WORDS[name].unit.value
    if set(filter(None, wanted["countries"].split(","))) - phonenumbers.SUPPORTED_REGIONS:
        faults["countries"] = Unit.COUNTRIES.value
    return faults


def _change_page(
    view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None, *, preset: object = None
) -> Response:
    names = view.language.locale.territories
    ticked = frozenset(values["countries"].split(","))
    # Those that are ticked first: they are what the reader looks for.
    countries = sorted(
        ((code, names.get(code, code)) for code in phonenumbers.SUPPORTED_REGIONS),
        key=lambda one: (one[0] not in ticked, one[1]),
    )
    return view.form_page(
        "limits/change.html",
        values,
        faults,
        words=FAULTS,
        groups=GROUPS,
        Unit=Unit,
        countries=countries,
        ticked=ticked,
        presets=PRESETS,
        preset=preset,
        own_country=names.get(view.account.country, view.account.country),
    )


def _shown(view: View, limits: AccountLimits, name: str) -> str:
    """A limit in words."""
    value = getattr(limits, name)
    names = view.language.locale.territories
    match WORDS[name].unit:
        case Unit.COUNTRIES:
            return ", ".join(names.get(code, code) for code in value or (view.account.country,))
        case Unit.PREFIXES | Unit.HOURS:
            return (", ".join(value) if isinstance(value, tuple) else value) or view.text("None")
        case _ if value is None:
            return view.text("No limit")
        case Unit.SECONDS:
            return view.text("{seconds} s", seconds=f"{value:g}")
        case Unit.MONEY:
            return view.amount(value)
        case _:
            return format_decimal(value, locale=view.language.locale)


def _used(view: View, usage: AccountUsage) -> dict[str, str]:
    """What of a limit is used now, for those of which it is known."""
    return {"concurrent": str(usage.calls_now), "per_minute": str(usage.calls_last_minute)} | {
        f"spend_per_{period.value}": view.amount(spending.spent + spending.reserved)
        for period, spending in usage.spending.items()
    }


def _parts(limits: AccountLimits, usage: AccountUsage) -> dict[str, tuple[int, int]]:
    """The same as two numbers for a bar, where there is a limit: what is used and the most."""
    parts = {
        "concurrent": (usage.calls_now, limits.concurrent),
        "per_minute": (usage.calls_last_minute, limits.per_minute),
    } | {
        f"spend_per_{period.value}": (
            spending.spent + spending.reserved,
            getattr(limits, f"spend_per_{period.value}"),
        )
        for period, spending in usage.spending.items()
    }
    return {name: (used, most) for name, (used, most) in parts.items() if most}


ROUTES = [
    page("/limits", show_limits, Right.SEE_LIMITS),
    page("/limits/change", show_change, Right.CHANGE_LIMITS),
    action("/limits", change, Right.CHANGE_LIMITS),
    page("/limits/rates", show_rates, Right.SEE_LIMITS),
    action("/limits/rates", import_rates, Right.CHANGE_RATES, fresh=True),
    action("/limits/suspend", suspend, Right.SUSPEND_ACCOUNT, fresh=True),
    action("/limits/resume", resume, Right.SUSPEND_ACCOUNT, fresh=True),
]
