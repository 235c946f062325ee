"""A dialog as text for the store, and back: what a restarted server needs to end a leg that its predecessor left."""

import json
from dataclasses import asdict

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.hop import Hop


def to_text(dialog: DialogState) -> str:
    """One line of JSON."""
    return json.dumps(asdict(dialog), separators=(",", ":"))


def from_text(text: str) -> DialogState:
    """The dialog that `to_text` wrote; raises ValueError for anything else."""
    try:
        fields = json.loads(text)
        fields["hop"] = Hop(*fields["hop"])
        fields["route_set"] = tuple(fields["route_set"])
        return DialogState(**fields)
    except (TypeError, KeyError, json.JSONDecodeError) as exc:
        raise ValueError(f"no stored dialog: {text[:60]!r}") from exc
