import json

import pytest

from ringbridge.engines.native import stored_dialog
from ringbridge.sip.dialog import DialogState
from ringbridge.sip.hop import Hop

DIALOG = DialogState(
    call_id="a84b4c76e66710",
    local_uri='"Calling +15125292329" <sip:+15125292329@192.0.2.1>;tag=1928301774',
    remote_uri="<sip:ann@192.0.2.7>;tag=314159",
    local_sequence=2,
    remote_sequence=None,
    route_set=("<sip:edge.example;lr>",),
    remote_target="sip:ann@192.0.2.7:5062",
    hop=Hop("UDP", "192.0.2.7", 5062),
    invite_branch="z9hG4bK776asdhds",
    is_confirmed=True,
)


def test_a_dialog_comes_back_from_the_store_as_it_was() -> None:
    assert stored_dialog.from_text(stored_dialog.to_text(DIALOG)) == DIALOG


@pytest.mark.parametrize("text", ["", "1", "{}", "[]", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"])
def test_other_text_is_no_dialog(text: str) -> None:
    with pytest.raises(ValueError, match="no stored dialog"):
        stored_dialog.from_text(text)


@pytest.mark.parametrize(
    "change",
    [
        {"call_id": 7},
        {"call_id": "a\r\nX: y"},
        {"local_uri": "?"},
        {"remote_uri": None},
        {"local_sequence": "2"},
        {"remote_sequence": 1.5},
        {"route_set": "<sip:edge.example;lr>"},
        {"route_set": [1]},
        {"remote_target": "sip:ann smith@192.0.2.7"},
        {"hop": ["UDP", "phone.example", 5062]},
        {"hop": ["UDP", "192.0.2.7", 65_536]},
        {"hop": ["UDP", "192.0.2.7", "5062"]},
        {"hop": ["PIGEON", "192.0.2.7", 5062]},
        {"hop": ["UDP", "192.0.2.7"]},
        {"invite_branch": 1},
        {"is_confirmed": "yes"},
    ],
)
def test_a_value_that_no_dialog_has_is_no_dialog(change: dict[str, object]) -> None:
    values = [change.get(name, value) for name, value in DIALOG._asdict().items()]

    with pytest.raises(ValueError, match="no stored dialog"):
        stored_dialog.from_text(json.dumps(values))
