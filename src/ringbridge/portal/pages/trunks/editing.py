"""The list of trunks, and one trunk."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.directory import CallerIdPolicy, NumberFormat, Srtp, Trunk
from ringbridge.call.errors import InvalidOption, InvalidSetting
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.pages.trunks.words import (
    CALLER_IDS,
    CONCLUSIONS,
    FAULTS,
    NUMBER_FORMATS,
    OTHER_REGISTRATION,
    REGISTRATION_MENDS,
    SRTP,
)
from ringbridge.portal.view import View
from ringbridge.service.trunks import SeenTrunk, TrunkDetails


async def show_trunks(view: View) -> Response:
    return view.page("trunks/trunks.html", trunks=await view.services.trunks.all())


async def show_states(view: View) -> Response:
    return view.page("trunks/rows.html", trunks=await view.services.trunks.all())


async def show_new(view: View) -> Response:
    return _new_page(view, {})


async def add(view: View) -> Response:
    form = await view.form()
    try:
        trunk = await view.services.trunks.add(_details(form))
    except InvalidOption as error:
        return _new_page(view, _shown_again(form), fault_of(error))
    return view.go(
        f"/trunks/{trunk.id}", flash=view.text("The trunk {name} was added. Test it.", name=trunk.name)
    )


async def show_trunk(view: View) -> Response:
    seen = await _seen(view)
    return _trunk_page(view, seen, _values(seen.trunk))


async def change(view: View) -> Response:
    seen, form = await _seen(view), await view.form()
    try:
        await view.services.trunks.change(seen.trunk.id, _details(form))
    except InvalidOption as error:
        return _trunk_page(view, seen, _shown_again(form), fault_of(error))
    return view.go(f"/trunks/{seen.trunk.id}", flash=view.text("Saved."))


async def remove(view: View) -> Response:
    seen = await _seen(view)
    try:
        await view.services.trunks.remove(seen.trunk.id)
    except InvalidSetting as error:
        return _trunk_page(view, seen, _values(seen.trunk), {"form": error.code})
    return view.go("/trunks", flash=view.text("The trunk {name} was removed.", name=seen.trunk.name))


async def show_test(view: View) -> Response:
    seen, probe = await view.services.trunks.test(view.request.path_params["trunk_id"])
    return view.page(
        "trunks/test.html",
        seen=seen,
        probe=probe,
        conclusion=CONCLUSIONS[probe.outcome],
        registration_mends=REGISTRATION_MENDS,
        other_registration=OTHER_REGISTRATION,
    )


async def _seen(view: View) -> SeenTrunk:
    """The trunk that the path names. Raises NotFound."""
    return await view.services.trunks.find(view.request.path_params["trunk_id"])


def _details(form: Form) -> TrunkDetails:
    """Raises InvalidOption."""
    try:
        number_format = NumberFormat(form["number_format"] or NumberFormat.E164_PLUS.value)
        caller_id = CallerIdPolicy(form["caller_id"] or CallerIdPolicy.FROM.value)
        srtp = Srtp(form["srtp"] or Srtp.OFF.value)
    except ValueError:
        raise InvalidOption("form", "unknown_choice") from None
    return TrunkDetails(
        name=form["name"],
        uri=form["uri"],
        username=form["username"],
        password=form.raw("password"),
        registers=form.has("registers"),
        prefixes=form["prefixes"],
        position=form["position"],
        weight=form["weight"],
        channels=form["channels"],
        calls_per_second=form["calls_per_second"],
        number_format=number_format,
        number_prefix=form["number_prefix"],
        caller_id=caller_id,
        srtp=srtp,
        nat=form.has("nat"),
    )


def _values(trunk: Trunk) -> dict[str, str]:
    """What the fields of a trunk's form show: never the password."""
    values = {
        "uri": trunk.uri,
        "username": trunk.username or "",
        "prefixes": " ".join(trunk.prefixes),
        "position": str(trunk.position),
        "weight": str(trunk.weight),
        "channels": "" if trunk.channels is None else str(trunk.channels),
        "calls_per_second": "" if trunk.calls_per_second is None else str(trunk.calls_per_second),
        "number_format": trunk.number_format.value,
        "number_prefix": trunk.number_prefix,
        "caller_id": trunk.caller_id.value,
        "srtp": trunk.srtp.value,
    }
    return values | {box: "on" for box in ("registers", "nat") if getattr(trunk, box)}


def _shown_again(form: Form) -> dict[str, str]:
    return {name: value for name, value in form.values().items() if name != "password"}


def _new_page(view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    return view.form_page("trunks/new.html", values, faults, words=FAULTS, seen=None, **_choices(view))


def _trunk_page(
    view: View, seen: SeenTrunk, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    return view.form_page("trunks/trunk.html", values, faults, words=FAULTS, seen=seen, **_choices(view))


def _choices(view: View) -> dict[str, list[tuple[str, str]]]:
    """What the fields with several choices offer."""
    return {
        "number_formats": [(each.value, view.text(word)) for each, word in NUMBER_FORMATS.items()],
        "caller_ids": [(each.value, view.text(word)) for each, word in CALLER_IDS.items()],
        "encryptions": [(each.value, view.text(word)) for each, word in SRTP.items()],
    }
