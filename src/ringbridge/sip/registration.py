"""What the registrar tells its owner: one question, and one piece of news."""

from __future__ import annotations

from dataclasses import dataclass

from ringbridge.sip.authorization import Authorization
from ringbridge.sip.contact import Contact
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAsked:
    """A phone answered a challenge: `Registrar.register` must follow, with what is known of `authorization.username`."""

    request: Request
    source: Hop
    authorization: Authorization


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsChanged:
    """A line's phones registered, went, or were not heard of in time; these are all that are left."""

    line: str
    contacts: tuple[Contact, ...]


RegistrarEvent = RegistrationAsked | ContactsChanged
