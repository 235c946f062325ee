"""Rates on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ringbridge


def test_a_file_takes_the_place_of_all_rates(ringbridge: Ringbridge, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("\ufeffprefix,per_minute\n+1,0.01\n\n+1876, 0.2\n", encoding="utf-8")
    assert ringbridge("rates", "import", str(file)) == (0, "2 rates\n", "")
    assert ringbridge("rates", "list").out == ("prefix  per_minute\n+1      0.01\n+1876   0.20\n")
    file.write_text("prefix,per_minute\n+44,0.0125\n")
    assert ringbridge("rates", "import", str(file)) == (0, "1 rate\n", "")
    shown = json.loads(ringbridge("rates", "list", "--json").out)
    assert shown == [{"prefix": "+44", "per_minute": "0.0125"}]


@pytest.mark.parametrize("text", ["prefix;per_minute\n+1;0,01\n", 'prefix,per_minute\n+1,"0,01"\n'])
def test_files_of_spreadsheets_with_decimal_commas_are_read(
    ringbridge: Ringbridge, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text)
    assert ringbridge("rates", "import", str(file)) == (0, "1 rate\n", "")
    assert ringbridge("rates", "list").out == "prefix  per_minute\n+1      0.01\n"


def test_without_rates_it_says_how_to_get_some(ringbridge: Ringbridge) -> None:
    assert "ringbridge rates import FILE.csv" in "".join(ringbridge("rates", "list")[1:])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("+1,0.01\n", "row 1: the columns are prefix and per_minute"),
        ("prefix,per_minute\n1,0.01\n", "row 2: write a prefix with its plus and an amount"),
        ("prefix,per_minute\n+1,-1\n", "row 2: write a prefix with its plus and an amount"),
        ("prefix,per_minute\n+1,1,2\n", "row 2: write a prefix with its plus and an amount"),
        ("prefix,per_minute\n+1,1\n+1,2\n", "row 3: +1 is in an earlier row already"),
    ],
)
def test_what_is_no_rate_changes_none(
    ringbridge: Ringbridge, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("prefix,per_minute\n+44,1\n")
    ringbridge("rates", "import", str(file))
    file.write_text(text)
    refused = ringbridge("rates", "import", str(file))

    assert refused.status == 2
    assert sentence in refused.err
    assert "+44     1.00" in ringbridge("rates", "list").out
