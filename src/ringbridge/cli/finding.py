"""What the doctor finds: one line each, and how to mend it."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is. Only FAIL changes the exit status."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`subject` was looked at and found to be so; `mend` says what to do, and is empty when all is well."""

    level: Level
    subject: str
    found: str
    mend: str = ""


def ok(subject: str, found: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, subject=subject, found=found)


def warn(subject: str, found: str, mend: str) -> Finding:
    """It works, but less well than it could, or not for everybody."""
    return Finding(level=Level.WARN, subject=subject, found=found, mend=mend)


def fail(subject: str, found: str, mend: str) -> Finding:
    """Calls cannot be placed like this."""
    return Finding(level=Level.FAIL, subject=subject, found=found, mend=mend)
