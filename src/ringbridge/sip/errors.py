"""What can go wrong in this package, by whose fault it is.

SipError
 +-- MalformedMessage     the peer's fault: octets that are no SIP message; knows the status to answer
 +-- MalformedStream      the peer's fault: octets of a stream in which no message can be found any more
 +-- MalformedField       the peer's fault: one header field's value cannot be read
 |    +-- MalformedUri    ... because of a URI
 +-- DigestUnsupported    the peer's choice: no challenge that this package can answer
 +-- Unlocatable          the administrator's fault: a URI that no request could be sent to
 +-- LocalUseError        our fault: the caller asked this package for something impossible

The malformed come out of parsing only; after `parse_datagram` has let a message pass, its accessors raise
none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringbridge.sip.message import Request


class SipError(Exception):
    """Base of every error of this package."""


class MalformedMessage(SipError):
    """Octets that are no SIP message, or one that is not safe to act on.

    `status` is the answer that a request deserves (400, 505). `request` holds the request as far as it could be
    read, for `response_to`, or None if nobody can be answered: a response, a request without a Via field, an ACK.
    Use it for nothing else: what it holds was not checked.
    """

    def __init__(self, text: str, *, status: int = 400, request: Request | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.request = request


class MalformedStream(SipError):
    """Octets of a stream in which no message ends where one can tell: the connection is of no more use.

    `head` is the header that did not say how long its message is, which may still be answered; None if there is none.
    """

    def __init__(self, text: str, *, head: bytes | None = None) -> None:
        super().__init__(text)
        self.head = head


class MalformedField(SipError):
    """A header field's value that does not follow its grammar."""


class MalformedUri(MalformedField):
    """A URI that does not follow its grammar (RFC 3261 section 25.1, RFC 3966)."""


class DigestUnsupported(SipError):
    """None of the challenges can be answered: no known scheme, algorithm or quality of protection."""


class Unlocatable(SipError):
    """A URI that no request could be sent to, whatever name servers say; the text says why."""


class LocalUseError(SipError):
    """The caller of this package asked for something impossible."""
