"""Who changed what, when and from where: the audit log of the account, filtered, verified and taken along."""

import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from ringbridge.call.actor import Actor, ActorKind
from ringbridge.call.audit import AuditEntry, AuditFilter
from ringbridge.call.errors import NotFound
from ringbridge.call.user import Right
from ringbridge.portal.page import page
from ringbridge.portal.pages.audit.words import ACTIONS, ACTORS, KINDS
from ringbridge.portal.view import View
from ringbridge.service.audit import Verified
from ringbridge.service.audit_export import AuditForm

PAGE_ROWS = 50

_TYPES = {AuditForm.CSV: "text/csv; charset=utf-8", AuditForm.JSON: "application/x-ndjson"}


class Change(NamedTuple):
    """One thing that differs, as it was and as it is; None for nothing."""

    name: str
    before: str | None
    after: str | None


async def show_audit(view: View) -> Response:
    return await _page(view, None)


async def show_verified(view: View) -> Response:
    return await _page(view, await view.services.audit.verify())


async def export(view: View) -> Response:
    try:
        form = AuditForm(view.request.path_params["form"])
    except ValueError:
        raise NotFound from None
    wanted, _ = _filter(view)
    return StreamingResponse(
        view.services.audit.export(view.caller, form, wanted),
        media_type=_TYPES[form],
        headers={"content-disposition": f'attachment; filename="audit-{view.account.id}.{form.value}"'},
    )


async def _page(view: View, verified: Verified | None) -> Response:
    wanted, fields = _filter(view)
    after = view.request.query_params.get("after", "")
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else None
    found = await view.services.audit.page(view.caller, before, PAGE_ROWS + 1, wanted)
    shown = found[:PAGE_ROWS]
    return view.page(
        "audit/audit.html",
        audit_entries=shown,
        actions={action.value: word for action, word in ACTIONS.items()},
        actors=ACTORS,
        who=await _names(view, [entry.actor for entry in shown]),
        kinds=[("", view.text("Everything")), *((kind, view.text(word)) for kind, word in KINDS.items())],
        actor_kinds=[
            ("", view.text("Anybody")),
            *((kind.value, view.text(word)) for kind, word in ACTORS.items()),
        ],
        fields=fields,
        query=urlencode({name: text for name, text in fields.items() if text}),
        changes=changes_of,
        next=shown[-1].sequence if len(found) > PAGE_ROWS else None,
        is_first=before is None,
        verified=verified,
    )


def changes_of(entry: AuditEntry) -> list[Change]:
    """What differs, one thing after the other."""
    before, after = (json.loads(text) if text else {} for text in (entry.before, entry.after))
    return [
        Change(name, _shown(before.get(name)), _shown(after.get(name))) for name in sorted(before | after)
    ]


async def _names(view: View, actors: list[Actor]) -> dict[str, str]:
    """The names of the account's users among those who acted, by id."""
    names = {}
    for user_id in {actor.id for actor in actors if actor.kind is ActorKind.USER and actor.id}:
        try:
            names[user_id] = (await view.services.users.find(view.user, user_id)).name
        except NotFound:
            # Somebody of another account, who runs the server.
            names[user_id] = user_id
    return names


def _filter(view: View) -> tuple[AuditFilter, dict[str, str]]:
    """What is asked for, and the fields as they are shown again: those that cannot be read are empty."""
    query = view.request.query_params
    kind, actor = query.get("kind", ""), query.get("actor", "")
    since, until = (_day(query.get(name, "")) for name in ("since", "until"))
    actor_kind = next((each for each in ActorKind if each.value == actor), None)
    fields = {
        "kind": kind if kind in KINDS else "",
        "actor": "" if actor_kind is None else actor,
        "since": "" if since is None else f"{since:%Y-%m-%d}",
        "until": "" if until is None else f"{until:%Y-%m-%d}",
    }
    wanted = AuditFilter(
        target_kind=fields["kind"] or None,
        actor_kind=actor_kind,
        since=None if since is None else since.timestamp(),
        # The whole of the last day.
        until=None if until is None else (until + timedelta(days=1)).timestamp(),
        with_server=view.user.runs_server,
    )
    return wanted, fields


def _day(text: str) -> datetime | None:
    """The beginning of a day of UTC."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


ROUTES = [
    page("/audit", show_audit, Right.SEE_AUDIT),
    page("/audit/verified", show_verified, Right.SEE_AUDIT),
    page("/audit/export.{form}", export, Right.SEE_AUDIT),
]
