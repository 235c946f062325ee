"""Logging: structlog to stderr, secrets removed, the libraries' own loggers through the same door.

For people on a terminal each line is coloured text, else one JSON object. Nothing here decides what is logged.
"""

import logging
import re
import sys
from contextlib import suppress
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
_SECRET_KEYS = frozenset(
    {
        "api_key",
        "authorization",
        "key_text",
        "password",
        "pepper",
        "proxy_authorization",
        "proxy-authorization",
        "secret",
        "secret_digest",
    }
)
# An API key, the credentials of an HTTP or SIP Authorization, and the password of a database URL or a URI.
_SECRET_TEXT = re.compile(
    r"(?P<key>c2c_[a-z]+_[0-9A-Za-z]{10}_)[0-9A-Za-z]+"
    r"|(?P<scheme>\b(?:Basic|Bearer) +)[0-9A-Za-z+/=._~\-]{8,}"
    r"|(?P<digest>\bDigest +)[a-z]+=[^\r\n]+"
    r"|(?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def configure_logging(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["auto", "console", "json"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Set up structlog and the standard library's logging once for the process; `stream` is stderr unless given."""
    target = stream or sys.stderr
    is_console = target.isatty() if form == "auto" else form == "console"
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Exceptions become text before the secrets are removed, since messages of libraries quote what they were given.
    after: list[Processor] = [
        structlog.processors.format_exc_info,
        hide_secrets,
        _renderer(is_console, target),
    ]
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=_Levelled,
        logger_factory=lambda *_: _Unfailing(target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.PositionalArgumentsFormatter(), _name_library],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after],
        )
    )
    logging.basicConfig(handlers=[handler], force=True)
    set_log_level(level)


def set_log_level(level: Literal["debug", "info", "warning", "error"]) -> None:
    """Log from now on what is at least so important."""
    _Levelled.minimum = logging.getLevelNamesMapping()[level.upper()]
    # The libraries speak up only when something is wrong; at debug they would bury the calls.
    logging.getLogger().setLevel(max(_Levelled.minimum, logging.WARNING))


class _Levelled(structlog.make_filtering_bound_logger(logging.DEBUG)):  # type: ignore[misc]
    """Drops what is less important than `minimum`, which may change: loggers that are kept know no other way."""

    minimum = logging.INFO

    def debug(self, event: str, *args: Any, **fields: Any) -> Any:
        return super().debug(event, *args, **fields) if _Levelled.minimum <= logging.DEBUG else None

    def info(self, event: str, *args: Any, **fields: Any) -> Any:
        return super().info(event, *args, **fields) if _Levelled.minimum <= logging.INFO else None

    def warning(self, event: str, *args: Any, **fields: Any) -> Any:
        return super().warning(event, *args, **fields) if _Levelled.minimum <= logging.WARNING else None


class _Unfailing(structlog.WriteLogger):
    """Lets a line go that the disk or the pipe does not take: no call and no task ends because nobody heard of it."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def _name_library(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Libraries log sentences: one name for all of them, so that every line has an event that can be looked for."""
    event.update(event="library.message", library=event["_record"].name, text=event["event"])
    return event


def hide_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace what must not be read by whoever reads logs: by its key, and by its look inside texts."""
    for key, value in event.items():
        event[key] = HIDDEN if key.lower() in _SECRET_KEYS else _without_secrets(value)
    return event


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return _SECRET_TEXT.sub(_shorten, value)
        case bytes():
            return _without_secrets(value.decode("utf-8", "replace"))
        case dict():
            return hide_secrets(None, "", dict(value))
        case list() | tuple():
            return [_without_secrets(item) for item in value]
        case BaseException():
            return _without_secrets(str(value))
        case _:
            return value


def _shorten(match: re.Match[str]) -> str:
    kept = match["key"] or match["scheme"] or match["digest"] or match["url"]
    return f"{kept}{HIDDEN}"


def _renderer(is_console: bool, target: TextIO) -> Processor:
    if is_console:
        return structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(default=str)
