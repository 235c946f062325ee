"""The legs that an earlier process left: nobody is to stay on the line, and nothing is dialled again.

Most are ended at once. A phone that was reached by a connection of its own cannot be: the connection is gone, and only
the phone can make another. Its leg is ended when it registers again (RFC 5626 section 5.3: over the new flow).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import structlog

from ringbridge.engines.native import stored_dialog
from ringbridge.engines.native.driver import SipDriver
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.resolver import Resolver
from ringbridge.sip.contact import MAX_SECONDS, Contact
from ringbridge.sip.dialog import DialogState
from ringbridge.sip.errors import SipError
from ringbridge.sip.event import Released
from ringbridge.sip.hop import Hop
from ringbridge.sip.uri import NameAddress, Uri

WAIT_SECONDS = float(MAX_SECONDS)
"""By then every phone that is still there has registered again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Orphan:
    """A leg, and what was registered at the connection that is gone, if that is known."""

    dialog: DialogState
    line_id: str | None = None
    contact: Contact | None = None

    @property
    def waits_for_phone(self) -> bool:
        return self.dialog.pinned and self.dialog.hop.reliable

    def is_at(self, line_id: str, contact: Contact) -> bool:
        """Whether a contact is that of its phone, which may have another port by now."""
        if self.contact is not None:
            if self.line_id != line_id:
                return False
            if self.contact.instance is not None and contact.instance is not None:
                return self.contact.instance == contact.instance
            if self.contact.call_id == contact.call_id:
                return True
        # It was called by the URI that it had registered.
        return _place(NameAddress.parse(self.dialog.remote_uri).uri) == _place(Uri.parse(contact.uri))

    def named(self) -> dict[str, object]:
        """The leg as log fields."""
        hop = self.dialog.hop
        said = {"call_id": self.dialog.call_id, "confirmed": self.dialog.is_confirmed}
        return {**said, "transport": hop.transport, "host": hop.host, "port": hop.port}


class Orphans:
    """Ends the legs of a journal, from `end_all` to `close`. now: monotonic seconds."""

    def __init__(
        self, journal: DialogJournal, driver: SipDriver, resolver: Resolver, now: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._driver = driver
        self._resolver = resolver
        self._now = now
        # By session: those whose end was sent, and those whose phone has to come back.
        self._ending: dict[str, _Orphan] = {}
        self._waiting: dict[str, _Orphan] = {}
        self._timer: asyncio.TimerHandle | None = None

    def end_all(self, lost: Iterable[tuple[str, Contact]]) -> None:
        """End what can be reached, wait for the rest. `lost` are the phones whose connections are gone, with their lines."""
        phones: dict[Hop, tuple[str, Contact]] = {
            contact.hop: (line_id, contact) for line_id, contact in lost
        }
        for session, text in self._journal.kept().items():
            try:
                dialog = stored_dialog.from_text(text)
            except ValueError as exc:
                # A damaged line must not keep the server from starting.
                log.error("sip.orphan_unreadable", error=str(exc))
                self._journal.forget(session)
                continue
            orphan = _Orphan(dialog, *phones.get(dialog.hop, ()))
            if orphan.waits_for_phone:
                log.warning("sip.orphan_waits", **orphan.named(), line=orphan.line_id)
                self._waiting[session] = orphan
            else:
                # Nothing was looked up yet, and a certificate must bear the name that was called.
                self._resolver.remember(NameAddress.parse(dialog.remote_uri).uri.host, dialog.hop.host)
                self._end(session, orphan)
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(WAIT_SECONDS, self._give_up)
        self._driver.pump()

    def find(self, line_id: str, contacts: Collection[Contact]) -> None:
        """End what waited for one of these phones; called whenever those of a line change."""
        for session, orphan in tuple(self._waiting.items()):
            hop = next((one.hop for one in contacts if orphan.is_at(line_id, one)), None)
            if hop is not None:
                del self._waiting[session]
                self._end(session, replace(orphan, dialog=orphan.dialog._replace(hop=hop)))
        self._driver.pump()

    def keeps(self, released: Released) -> bool:
        """Hear that nothing of a session is on the wire any more; returns whether its end is still to be told to a phone."""
        orphan = self._ending.pop(released.session, None)
        if orphan is None:
            return False
        if released.was_answered:
            log.warning("sip.orphan_ended", **orphan.named())
        elif orphan.waits_for_phone and self._timer is not None:
            # Its new connection broke as well. By now more may be known of its dialog.
            dialog = stored_dialog.from_text(self._journal.kept()[released.session])
            self._waiting[released.session] = replace(orphan, dialog=dialog)
            return True
        else:
            log.warning("sip.orphan_left", **orphan.named())
        return False

    def close(self) -> None:
        """Wait for nobody any more: whom the journal still names is for the next process."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, session: str, orphan: _Orphan) -> None:
        self._ending[session] = orphan
        try:
            self._driver.endpoint.resume_to_end(orphan.dialog, self._now(), session=session)
        except SipError as exc:
            log.error("sip.orphan_unreadable", error=str(exc))
            del self._ending[session]
            self._journal.forget(session)

    def _give_up(self) -> None:
        self._timer = None
        for session, orphan in self._waiting.items():
            log.warning("sip.orphan_left", **orphan.named())
            self._journal.forget(session)
        self._waiting.clear()


def _place(uri: Uri) -> tuple[str | None, str]:
    # Not the port: that of a phone's connection changes.
    return uri.user, uri.host.lower()
