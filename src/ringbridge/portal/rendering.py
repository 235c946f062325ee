"""Templates into pages: one Jinja environment for each language, everything escaped, a name that is not there is an error."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ringbridge.portal.language import Language

# What stands where there is no value.
NOTHING = "\N{EN DASH}"

_TEMPLATES = Path(__file__).parent / "templates"


def render(name: str, language: Language, values: Mapping[str, Any]) -> str:
    """The page that the template `name` makes of `values`."""
    return _environment(language).get_template(name).render(values)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension's own functions, which it adds while it is made.
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.text, language.counted_text, newstyle=True
    )

    def moment(utc_seconds: float | None) -> str:
        """A point in time; the page's script says it in the reader's time zone, and without one it is UTC."""
        if utc_seconds is None:
            return NOTHING
        at = datetime.fromtimestamp(utc_seconds, UTC)
        text = format_datetime(at, "medium", locale=language.locale)
        return Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(timespec="seconds"), text)

    def number(value: float) -> str:
        """A number with the separators of the language."""
        return format_decimal(value, locale=language.locale)

    def duration(seconds: float | None) -> str:
        """`1:05` or `1:00:05`."""
        if seconds is None:
            return NOTHING
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

    environment.filters |= {
        "moment": moment,
        "number": number,
        "duration": duration,
        "translated": language.text,
    }
    return environment
