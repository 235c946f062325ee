"""A dialog as text for the store, and back: what a restarted server needs to end a leg that its predecessor left."""

import json
from ipaddress import ip_address

from pydantic import TypeAdapter

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.errors import SipError
from ringbridge.sip.hop import DEFAULT_PORTS
from ringbridge.sip.uri import NameAddress

_DIALOG = TypeAdapter(DialogState)


def to_text(dialog: DialogState) -> str:
    """One line of JSON: an array of the fields in their order."""
    return json.dumps(dialog)


def from_text(text: str) -> DialogState:
    """The dialog that `to_text` wrote; raises ValueError for anything else, so that nothing fails at it later."""
    try:
        values = dict(zip(DialogState._fields, json.loads(text), strict=True))
        dialog = _DIALOG.validate_json(json.dumps(values), strict=True)
        _check(dialog)
    except (TypeError, ValueError, SipError) as exc:
        raise ValueError(f"no stored dialog: {text[:60]!r}") from exc
    return dialog


def _check(dialog: DialogState) -> None:
    """Raise ValueError or SipError if a value of the right type is none that a dialog can have."""
    hop = dialog.hop
    ip_address(hop.host)
    if hop.transport not in DEFAULT_PORTS or not 0 < hop.port < 65_536:
        raise ValueError(f"nothing can be sent to {hop}")
    NameAddress.parse(dialog.local_uri)
    NameAddress.parse(dialog.remote_uri)
    texts = (dialog.call_id, dialog.remote_target, dialog.invite_branch or "", *dialog.route_set)
    if any(set(text) & set("\r\n\0") for text in texts) or " " in dialog.remote_target:
        raise ValueError("a text would break the message that it stands in")
