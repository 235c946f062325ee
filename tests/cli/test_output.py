"""How lists look."""

import json

import pytest

from ringbridge.cli.output import moment, show


def test_columns_are_aligned_and_nothing_trails(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"id": 7, "name": None}, {"id": 1009683, "name": "Ada"}], as_json=False, empty="none")

    assert capsys.readouterr().out == "id       name\n7        -\n1009683  Ada\n"


def test_json_keeps_types_and_an_empty_list_is_still_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"id": 7, "name": "Zoë", "suspended": True}], as_json=True, empty="none")
    assert json.loads(capsys.readouterr().out) == [{"id": 7, "name": "Zoë", "suspended": True}]

    show([], as_json=True, empty="none")
    assert capsys.readouterr() == ("[]\n", "")


def test_points_in_time_are_rfc_3339() -> None:
    assert moment(0.0) == "1970-01-01T00:00:00Z"
    assert moment(None) is None
