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
