"""A dialog as text for the store, and back: what a restarted server needs to end a leg that its predecessor left."""

import json
from dataclasses import fields

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.hop import Hop

_NAMES = tuple(field.name for field in fields(DialogState))


def to_text(dialog: DialogState) -> str:
    """One line of JSON: an array of the fields in their order. Written four times a call, so it is not `asdict`."""
    return json.dumps([getattr(dialog, name) for name in _NAMES])


def from_text(text: str) -> DialogState:
    """The dialog that `to_text` wrote; raises ValueError for anything else."""
    try:
        values = dict(zip(_NAMES, json.loads(text), strict=True))
        values["hop"] = Hop(*values["hop"])
        values["route_set"] = tuple(values["route_set"])
        return DialogState(**values)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"no stored dialog: {text[:60]!r}") from exc
