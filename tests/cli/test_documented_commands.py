"""Each `ringbridge ...` that the documentation or a help text tells people to type is there, with its options."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbridge.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *sorted((ROOT / "docs").glob("**/*.md")),
    *sorted((ROOT / "src" / "ringbridge" / "cli").glob("*.py")),
]
# In a block, perhaps behind a prompt, or settings for this one command; and in backquotes.
TYPED = re.compile(r"^[ $]*(?:[A-Z_]+=\S+ )*ringbridge ([a-z-].*)$", re.MULTILINE)
MENTIONED = re.compile(r"`ringbridge ([a-z-][^`]*)`")
# What follows is for the shell, or words of a text.
END = re.compile(r"[>;#]|\.\.\.|…| \| ")
QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


def documented(page: Path) -> set[str]:
    """What is to be typed behind `ringbridge`, with the values of the options or without."""
    text = page.read_text().replace("\\\\\n", "").replace("\\\n", "")
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) if page.suffix == ".md" else [text]
    found = [*MENTIONED.findall(text), *(line for block in blocks for line in TYPED.findall(block))]
    return {END.split(QUOTED.sub("VALUE", line))[0] for line in found}


def unknown(line: str) -> list[str]:
    """The words that are neither commands nor their options; of alternatives, such as add|list, those that are none."""
    command: Any = typer.main.get_command(app)
    for word in (words := line.split()):
        if word.startswith("--"):
            continue
        if not hasattr(command, "commands"):
            break
        missing = [one for one in word.split("|") if one not in command.commands]
        if missing:
            return missing
        command = command.commands[word.split("|")[0]]
    known = {"--help", "--version"}.union(*(one.opts + one.secondary_opts for one in command.params))
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_people_are_told_to_type_is_there(page: Path) -> None:
    assert {line: unknown(line) for line in documented(page) if unknown(line)} == {}


def test_commands_are_found() -> None:
    assert sum(len(documented(page)) for page in PAGES) > 50
    assert unknown("line add --phone") == ["--phone"]
    assert unknown("user add|erase") == ["erase"]
