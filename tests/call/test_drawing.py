"""The page that operators read says what the machine does."""

from pathlib import Path

from tests.call.drawing import page


def test_the_page_of_call_states_is_drawn_from_the_table() -> None:
    written = Path(__file__).parents[2].joinpath("docs", "call-states.md").read_text()

    assert written == page(), "run scripts/draw-call-states"
