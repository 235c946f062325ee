"""Whether a request can be worked on at all: method, Request-URI, extensions, body (RFC 3261 section 8.2)."""

from __future__ import annotations

from ringbridge.sip.core import ALLOW, ALLOWED_METHODS, SDP
from ringbridge.sip.dialog import Field
from ringbridge.sip.message import Request

ACCEPT = ("Accept", SDP)

_SCHEMES = ("sip", "sips", "tel")
_EXTENSIONS = ("timer",)
_OTHER_METHODS = ("REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE")
_METHODS_WITH_OFFER = ("INVITE", "UPDATE")

Refusal = tuple[int, tuple[Field, ...]]
"""A status, and the header fields that explain it."""


def refusal_of(request: Request) -> Refusal | None:
    """Return how a request is to be refused, None if nothing speaks against it."""
    return (
        _refusal_of_method(request)
        or _refusal_of_target(request)
        or _refusal_of_extensions(request)
        or _refusal_of_body(request)
    )


def _refusal_of_method(request: Request) -> Refusal | None:
    if request.method in ALLOWED_METHODS:
        return None
    # RFC 3261 section 21.4.6 is for methods that we know of, 21.5.2 for those that we do not.
    return (405 if request.method in _OTHER_METHODS else 501, (ALLOW,))


def _refusal_of_target(request: Request) -> Refusal | None:
    scheme = request.uri.partition(":")[0].lower()
    return None if scheme in _SCHEMES else (416, ())


def _refusal_of_extensions(request: Request) -> Refusal | None:
    unknown = [option for option in request.headers.all("Require") if option not in _EXTENSIONS]
    return (420, (("Unsupported", ", ".join(unknown)),)) if unknown else None


def _refusal_of_body(request: Request) -> Refusal | None:
    if not request.body or request.method not in _METHODS_WITH_OFFER:
        return None
    if request.content_type != SDP:
        return (415, (ACCEPT,))
    if request.headers.get("Content-Encoding") not in (None, "identity"):
        return (415, (("Accept-Encoding", "identity"),))
    return None
