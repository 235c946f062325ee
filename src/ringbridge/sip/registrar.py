"""The registrar: challenges phones, keeps where they are, and forgets them in time (RFC 3261 sections 10.3 and 22).

A phone is looked up by its owner between two steps: `RegistrationAsked` out, `register` in. Until its answer to our
challenge is right, nothing is remembered of it, and an unknown name is answered like a wrong password.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ringbridge.sip.authorization import ALGORITHMS, Authorization, challenges
from ringbridge.sip.contact import Contact, refusal_of_registration, register
from ringbridge.sip.digest import HASHES
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, response_to
from ringbridge.sip.nonce import Nonces
from ringbridge.sip.registration import ContactsChanged, RegistrarEvent, RegistrationAsked
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.server_transaction import answer_hop

if TYPE_CHECKING:
    from ringbridge.sip.core import Core

REALM = "ringbridge"
"""Part of the digests that the owner keeps, so it never changes."""
NONCE_SECONDS = 300.0


def device_digests(username: str, password: str) -> dict[str, str]:
    """What an owner keeps instead of a phone's password: H(A1) of RFC 7616 section 3.4.2 for each algorithm that it may choose.

    MD5 is among them because most phones know nothing else; where the password is random, its weakness gives nothing away.
    """
    secret = f"{username}:{REALM}:{password}".encode()
    return {algorithm: HASHES[algorithm](secret) for algorithm in ALGORITHMS}


class Registrar:
    """Who is registered, by the name that the owner has for each phone's line."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lines: frozenset[str] = frozenset()
        self._contacts: dict[str, tuple[Contact, ...]] = {}
        self._alarms: dict[str, Alarm] = {}
        self._lines_at: dict[Hop, set[str]] = {}
        self._events: list[RegistrarEvent] = []
        self._nonces: Nonces

    @property
    def is_open(self) -> bool:
        """Whether there is anybody who could register."""
        return bool(self._lines)

    @property
    def count(self) -> int:
        """How many phones are registered."""
        return sum(map(len, self._contacts.values()))

    # What the owner says and asks

    def events(self) -> list[RegistrarEvent]:
        """Return what happened, in order, and forget it."""
        events, self._events = self._events, []
        return events

    def set_lines(self, lines: Collection[str], now: float) -> None:
        """Replace the lines whose phones may register; those of others are forgotten. While there is none, nobody is heard."""
        if lines and not self._lines:
            randomness = self._core.randomness
            self._nonces = Nonces((randomness.token() + randomness.token()).encode(), NONCE_SECONDS)
        self._lines = frozenset(lines)
        for line in self._contacts.keys() - self._lines:
            self._put(line, (), now)

    def restore(self, line: str, contacts: Iterable[Contact], now: float) -> None:
        """Take up what an earlier process knew of a line."""
        self._keep(line, tuple(contacts), now)

    def contacts(self, line: str, now: float) -> tuple[Contact, ...]:
        """Where the line's phones are now."""
        return tuple([contact for contact in self._contacts.get(line, ()) if contact.expires_at > now])

    def register(
        self, asked: RegistrationAsked, line: str | None, digests: Mapping[str, str], now: float
    ) -> None:
        """Go on with a `RegistrationAsked`: the line of that name, None for an unknown one, and its digests.

        `digests` is algorithm -> H(A1) of RFC 7616 section 3.4.2 in hexadecimal, under REALM.
        """
        core, request, source = self._core, asked.request, asked.source
        answered = core.layer.find_server(request, request.method)
        if answered is not None:
            # It was repeated while the owner looked the name up.
            answered.receive_again(now)
            return
        authorization = asked.authorization
        is_right = authorization.is_right(request.method, digests)
        if line is None or not is_right:
            self._challenge(request, source, now)
            return
        if not self._nonces.take(authorization.nonce, authorization.number, source.host, now):
            self._challenge(request, source, now, is_stale=True)
            return
        core.sources.strangers.trust(source.host)
        transaction = core.layer.receive_request(request, source)
        contacts = self.contacts(line, now)
        refusal = refusal_of_registration(contacts, request, source)
        if request.to.uri.user != authorization.username:
            # RFC 3261 section 10.3, step 4: for whom it knows the password of, and for nobody else.
            refusal = (403, ())
        if refusal is not None:
            core.answer(transaction, refusal[0], now, headers=refusal[1])
            return
        if request.headers.get("Contact") is not None:
            contacts = register(contacts, request, source, now)
            self._put(line, contacts, now)
        fields = [contact.field(now) for contact in contacts]
        fields += [("Path", proxy) for proxy in request.headers.all("Path")]
        core.answer(transaction, 200, now, headers=fields)

    # What the network says

    def hears(self, data: bytes, source: Hop, now: float) -> bool:
        """Whether a packet of somebody unknown is read: a few that say REGISTER, in case it is a phone."""
        return (
            self.is_open
            and data.startswith(b"REGISTER ")
            and self._core.sources.strangers.admits(source.host, now)
        )

    def receive(self, request: Request, source: Hop, now: float) -> None:
        """Take a REGISTER that is no repeat of one that was answered."""
        authorization = Authorization.of(request, REALM)
        if authorization is None:
            self._challenge(request, source, now)
        else:
            self._events.append(
                RegistrationAsked(request=request, source=source, authorization=authorization)
            )

    def lose(self, hop: Hop, now: float) -> None:
        """A connection is gone: the phones on it cannot be rung until they register anew (RFC 5626 section 7)."""
        for line in tuple(self._lines_at.get(hop, ())):
            self._put(line, tuple([one for one in self._contacts[line] if one.hop != hop]), now)

    def _challenge(self, request: Request, source: Hop, now: float, *, is_stale: bool = False) -> None:
        # Without a transaction: whoever was not let in yet must not take room (RFC 3261 section 8.2.7).
        randomness = self._core.randomness
        nonce = self._nonces.make(source.host, randomness.token(), now)
        fields = challenges(REALM, nonce, self._core.settings.digest_algorithms, is_stale=is_stale)
        answer = response_to(request, 401, to_tag=randomness.token(), headers=fields)
        self._core.layer.send(answer.serialize(), answer_hop(request, source))

    # What is kept

    def _put(self, line: str, contacts: tuple[Contact, ...], now: float) -> None:
        self._keep(line, contacts, now)
        self._events.append(ContactsChanged(line=line, contacts=contacts))

    def _keep(self, line: str, contacts: tuple[Contact, ...], now: float) -> None:
        old, new = ({one.hop for one in some} for some in (self._contacts.get(line, ()), contacts))
        for hop in new - old:
            self._lines_at.setdefault(hop, set()).add(line)
            self._core.sources.add_phone(hop)
        for hop in old - new:
            self._lines_at[hop].discard(line)
            if not self._lines_at[hop]:
                del self._lines_at[hop]
                self._core.sources.remove_phone(hop)
        self._core.schedule.disarm(self._alarms.pop(line, None))
        if contacts:
            self._contacts[line] = contacts
            first_at = min(contact.expires_at for contact in contacts)
            self._alarms[line] = self._core.schedule.arm(first_at, lambda now: self._expire(line, now))
        else:
            self._contacts.pop(line, None)

    def _expire(self, line: str, now: float) -> None:
        self._put(line, self.contacts(line, now), now)
