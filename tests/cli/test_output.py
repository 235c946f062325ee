"""How lists look."""

import json

import pytest

from ringbridge.cli.output import counted, host_and_port, moment, show


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


def test_one_is_not_many() -> None:
    assert [counted(count, "line") for count in (0, 1, 2)] == ["0 lines", "1 line", "2 lines"]


def test_the_colons_of_an_ipv6_address_are_not_those_of_a_port() -> None:
    assert host_and_port("192.0.2.1", 5060) == "192.0.2.1:5060"
    assert host_and_port("2001:db8::1", 5060) == "[2001:db8::1]:5060"
