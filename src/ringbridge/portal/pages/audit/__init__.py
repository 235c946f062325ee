"""Who changed what, when and from where: the audit log of the account, filtered, verified and taken along."""

import json
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from ringbridge.call.actor import ActorKind
from ringbridge.call.audit import AuditEntry, AuditFilter
from ringbridge.call.errors import NotFound
from ringbridge.call.money import amount_text
from ringbridge.call.user import Right
from ringbridge.portal import days
from ringbridge.portal.days import beginning_of, end_of
from ringbridge.portal.form import Texts
from ringbridge.portal.page import page
from ringbridge.portal.pages.audit.words import ACTIONS, ACTORS, KINDS
from ringbridge.portal.view import View
from ringbridge.service.audit import Verified
from ringbridge.service.audit_export import AuditForm
from ringbridge.service.statistics import zone_of

PAGE_ROWS = 50

_FIELDS = ("kind", "actor", "since", "until", "zone")

_TYPES = {AuditForm.CSV: "text/csv; charset=utf-8", AuditForm.JSON: "application/x-ndjson"}


# A change with more than this is shown when it is asked for.
_MOST_CHANGES, _LONGEST_VALUE = 4, 48


class Change(NamedTuple):
    """One thing that differs, as it was and as it is; None for nothing. Of a moment UTC seconds since 1970."""

    name: str
    before: str | float | None
    after: str | float | None

    @property
    def is_moment(self) -> bool:
        """Whether it is a point in time."""
        return self.name.endswith("_at") and not any(
            isinstance(each, str) for each in (self.before, self.after)
        )


async def show_audit(view: View) -> Response:
    return await _page(view, None)


async def show_verified(view: View) -> Response:
    return await _page(view, await view.services.audit.verify())


async def export(view: View) -> Response:
    try:
        form = AuditForm(view.request.path_params["form"])
    except ValueError:
        raise NotFound from None
    wanted = _wanted(view)
    if wanted.faults:
        return view.go(f"/audit?{wanted.query}")
    return StreamingResponse(
        view.services.audit.export(view.caller, form, wanted.filter),
        media_type=_TYPES[form],
        headers={"content-disposition": f'attachment; filename="audit-{view.account.id}.{form.value}"'},
    )


async def _page(view: View, verified: Verified | None) -> Response:
    wanted = _wanted(view)
    after = view.request.query_params.get("after", "")
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else None
    # Without the condition that is wrong it would not be what was asked for.
    found = (
        []
        if wanted.faults
        else await view.services.audit.page(view.caller, before, PAGE_ROWS + 1, wanted.filter)
    )
    shown = found[:PAGE_ROWS]
    return view.page(
        "audit/audit.html",
        status=400 if wanted.faults else 200,
        audit_entries=shown,
        actions={action.value: word for action, word in ACTIONS.items()},
        actors=ACTORS,
        who=await _names(view, shown),
        named=name_of,
        kinds=[("", view.text("Everything")), *((kind, view.text(word)) for kind, word in KINDS.items())],
        actor_kinds=[
            ("", view.text("Anybody")),
            *((kind.value, view.text(word)) for kind, word in ACTORS.items()),
        ],
        fields=wanted.fields,
        faults=Texts({name: view.fault(code, days.FAULTS) for name, code in wanted.faults.items()}),
        is_narrowed=any(text for name, text in wanted.fields.items() if name != "zone"),
        query=wanted.query,
        changes=changes_of,
        is_long=is_long,
        next=shown[-1].sequence if len(found) > PAGE_ROWS else None,
        is_first=before is None,
        verified=verified,
    )


def changes_of(entry: AuditEntry) -> list[Change]:
    """What differs, one thing after the other."""
    before, after = (json.loads(text) if text else {} for text in (entry.before, entry.after))
    return [
        Change(name, _shown(name, before.get(name)), _shown(name, after.get(name)))
        for name in sorted(before | after)
    ]


def name_of(entry: AuditEntry) -> str | None:
    """The line that was changed, as far as the entry tells; None where it does not, and for other things."""
    text = entry.after or entry.before
    if entry.target_kind != "line" or not text:
        return None
    values = json.loads(text)
    return _called(values.get("number"), values.get("name")) or None


def is_long(changes: list[Change]) -> bool:
    """Whether there is more than a row has room for."""
    values = [value for change in changes for value in (change.before, change.after)]
    return len(changes) > _MOST_CHANGES or any(len(str(value)) > _LONGEST_VALUE for value in values)


async def _names(view: View, entries: list[AuditEntry]) -> dict[str, str]:
    """The names of the account's users among those who acted and who were changed, and of its lines, by id."""
    ids = {entry.actor.id for entry in entries if entry.actor.kind is ActorKind.USER}
    ids |= {entry.target_id for entry in entries if entry.target_kind == "user"}
    names = {}
    for user_id in filter(None, ids):
        try:
            names[user_id] = (await view.services.users.find(view.user, user_id)).name
        except NotFound:
            # Somebody of another account, who runs the server.
            names[user_id] = user_id
    for line_id in {entry.target_id for entry in entries if entry.target_kind == "line"}:
        # What was removed since is called as its entry has it.
        with suppress(NotFound):
            line = await view.services.lines.find(view.caller, line_id or "")
            names[line.id] = _called(line.number, line.name)
    return names


def _called(number: str | None, name: str | None) -> str:
    """What people call a line."""
    return " · ".join(filter(None, (number, name)))


class _Wanted(NamedTuple):
    """What is asked for: `fields` as the form has them, `faults` the codes of those that cannot be understood."""

    filter: AuditFilter
    fields: dict[str, str]
    faults: dict[str, str]

    @property
    def query(self) -> str:
        """The same in an address."""
        return urlencode({name: text for name, text in self.fields.items() if text})


def _wanted(view: View) -> _Wanted:
    fields = {name: view.request.query_params.get(name, "").strip()[:100] for name in _FIELDS}
    faults: dict[str, str] = {}
    if fields["kind"] and fields["kind"] not in KINDS:
        faults["kind"] = "unknown_choice"
    actor_kind = next((each for each in ActorKind if each.value == fields["actor"]), None)
    if fields["actor"] and actor_kind is None:
        faults["actor"] = "unknown_choice"
    zone = zone_of(fields["zone"])
    moments: dict[str, float] = {}
    for name, moment_of in (("since", beginning_of), ("until", end_of)):
        try:
            if fields[name]:
                moments[name] = moment_of(fields[name], zone)
        except ValueError:
            faults[name] = "no_date"
    wanted = AuditFilter(
        target_kind=fields["kind"] or None,
        actor_kind=actor_kind,
        since=moments.get("since"),
        until=moments.get("until"),
        with_server=view.user.runs_server,
    )
    return _Wanted(wanted, fields, faults)


def _shown(name: str, value: object) -> str | float | None:
    if value is None or (name.endswith("_at") and isinstance(value, int | float)):
        return value
    if isinstance(value, int) and name.startswith("spend_"):
        return amount_text(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


ROUTES = [
    page("/audit", show_audit, Right.SEE_AUDIT),
    page("/audit/verified", show_verified, Right.SEE_AUDIT),
    page("/audit/export.{form}", export, Right.SEE_AUDIT),
]
