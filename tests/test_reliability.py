"""The tests that docs/reliability.md names exist: a promise whose test was renamed or removed is noticed here."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"
_ROW = re.compile(r"\| ([A-Z]\d+) \| (.+) \| (.+) \|")
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str, str]]:
    """Number, promise and named tests of every row of the page."""
    lines = PAGE.read_text().splitlines()
    return [(row[1], row[2], row[3]) for row in map(_ROW.fullmatch, lines) if row is not None]


def named() -> list[tuple[str, str]]:
    """Every test that the page names: file and function."""
    return sorted({pair for _, _, tests in rows() for pair in _TEST.findall(tests)})


@cache
def functions_in(file: str) -> frozenset[str]:
    """The functions at the top of a file of tests."""
    body = ast.parse((TESTS / file).read_text()).body
    return frozenset(one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_row_is_there_once_and_is_shown_by_something() -> None:
    numbers = [number for number, _, _ in rows()]

    assert numbers[:15] == [f"B{number}" for number in range(1, 16)]
    assert len(numbers) == len(set(numbers))
    assert [number for number, _, tests in rows() if not _TEST.search(tests)] == []


@pytest.mark.parametrize(("file", "function"), named())
def test_a_test_that_is_named_exists(file: str, function: str) -> None:
    assert function in functions_in(file)
