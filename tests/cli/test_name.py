"""Names that people can see."""

import pytest

from ringbridge.cli.errors import CommandError
from ringbridge.cli.name import shown_name


@pytest.mark.parametrize("name", ["Blue Bottle", "Müller & Söhne", "مهم\u200cترین", "株式会社"])
def test_a_name_of_any_script_is_kept(name: str) -> None:
    assert shown_name(f" {name} ") == name


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x00b", "a\x9bb", "a\u2028b", "a\udcffb"])
def test_what_cannot_be_shown_is_no_name(name: str) -> None:
    with pytest.raises(CommandError):
        shown_name(name)
