"""What the calls of one engine work with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringbridge.call.event import Event
from ringbridge.call.model import LegName
from ringbridge.engines.native.driver import SipDriver
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.media import MediaRelay
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.resolver import Resolver
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip.contact import Contact

if TYPE_CHECKING:
    from ringbridge.engines.native.carriage import Carriage


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every call of one engine shares.

    tell: takes news of a call to whoever listens. contacts: where the phones of a line are that register.
    now: monotonic seconds.
    """

    driver: SipDriver
    relay: MediaRelay
    prompts: PromptLibrary
    resolver: Resolver
    journal: DialogJournal
    tasks: asyncio.TaskGroup
    contact_host: str
    tell: Callable[[str, Event], None]
    trunks: Trunks
    contacts: Callable[[str], tuple[Contact, ...]]
    bind_session: Callable[[str, Carriage, LegName], None]
    now: Callable[[], float]
