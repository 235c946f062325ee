"""The tables of the benchmark."""

import pytest
from bench.report import Figure, Table, print_table


@pytest.mark.parametrize(
    ("values", "more_is_better", "verdict"),
    [
        ([3.0, 4.0, 9.0], False, "met"),
        ([3.0, 4.1, 9.0], False, "missed"),
        ([5.0], True, "met"),
        ([3.0], True, "missed"),
    ],
)
def test_the_median_is_held_against_the_goal(values: list[float], more_is_better: bool, verdict: str) -> None:
    assert Figure("cost", "ms", values, goal=4.0, more_is_better=more_is_better).verdict == verdict


def test_a_figure_without_a_goal_has_no_verdict() -> None:
    assert Figure("cost", "ms", [3.0]).verdict == ""


def test_a_table_shows_the_goal_beside_the_median_and_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table("Cost", [Figure("together", "ms", [1.5, 3.25, 250.0], goal=4.0)]))

    assert capsys.readouterr().out.splitlines() == [
        "",
        "Cost",
        "            median   goal            runs",
        "  together  3.25 ms  at most 4  met  1.50 3.25 250",
    ]
