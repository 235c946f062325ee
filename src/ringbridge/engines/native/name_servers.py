"""Questions to name servers, one at a time: what dnspython and the system's own look-up say, as `sip.location` wants it."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dns.asyncresolver import Resolver as DnsResolver
from dns.exception import DNSException
from dns.name import EmptyLabel, LabelTooLong, NameTooLong
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV
from dns.resolver import NXDOMAIN, LifetimeTimeout, NoNameservers, NoResolverConfiguration

from ringbridge.engines.native.system_names import addresses_of
from ringbridge.sip.location import Kind, Naptr, Question, Record, Srv

TRY_SECONDS = 0.4
"""After that a datagram is taken for lost, or its server for dead, and the next one is asked."""
QUESTION_SECONDS = 0.75
"""With dnspython's own waits between tries about a second: two questions in a row fit into what a look-up may take."""

MOST_SECONDS = 3600.0
"""No answer is believed for longer, so that a server that moves is found within the hour."""
NEGATIVE_SECONDS = 60.0
"""The same for the answer that there are none."""
SYSTEM_SECONDS = 10.0
"""What /etc/hosts and the like say bears no time to live."""

# RFC 6761 and RFC 6762: these, and names without a dot, are no name server's business.
_LOCAL_SUFFIXES = (".localhost", ".local", ".invalid", ".test")

_FAMILIES = {Kind.A: socket.AF_INET, Kind.AAAA: socket.AF_INET6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one question brought.

    seconds: how long it may be believed. problem: why nobody knows, where nobody does. is_local: whether it came from
    this machine's own files rather than from the network.
    """

    records: Sequence[Record] = ()
    seconds: float = 0.0
    problem: str | None = None
    is_local: bool = False


class NameServers:
    """Those of /etc/resolv.conf, which is read again for each question, and the system's own look-up besides."""

    def __init__(self, make_resolver: Callable[[], DnsResolver] = DnsResolver) -> None:
        self._make_resolver = make_resolver

    async def ask(self, question: Question) -> Answer:
        """The answer, within about a second unless the system's own look-up takes longer. Never raises."""
        name = question.name
        if "." not in name.rstrip(".") or name.endswith(_LOCAL_SUFFIXES):
            return await _ask_system(question)
        try:
            resolver = self._make_resolver()
            resolver.timeout = TRY_SECONDS
            found = await resolver.resolve(
                name,
                question.kind.value,
                search=False,
                raise_on_no_answer=False,
                lifetime=QUESTION_SECONDS,
            )
        except (NXDOMAIN, NoResolverConfiguration):
            # A name of /etc/hosts, perhaps.
            return await _ask_system(question)
        except LifetimeTimeout:
            return Answer(problem="the name servers do not answer")
        except NoNameservers:
            return Answer(problem="the name servers cannot tell")
        except (EmptyLabel, LabelTooLong, NameTooLong):
            return Answer(problem="it is no name of a host")
        except (DNSException, OSError) as exc:
            return Answer(problem=str(exc) or type(exc).__name__)
        records = [record for item in found.rrset or () if (record := _record(item)) is not None]
        most = MOST_SECONDS if records else NEGATIVE_SECONDS
        return Answer(records=records, seconds=min(found.chaining_result.minimum_ttl, most))


def _record(item: object) -> Record | None:
    match item:
        case A() | AAAA():
            return str(item.address)
        case SRV():
            return Srv(item.priority, item.weight, item.port, item.target.to_text(omit_final_dot=True))
        case NAPTR():
            return Naptr(
                item.order,
                item.preference,
                item.flags.decode("ascii", "replace"),
                item.service.decode("ascii", "replace"),
                item.replacement.to_text(omit_final_dot=True),
            )
    return None


async def _ask_system(question: Question) -> Answer:
    """What the system's resolver says: it knows addresses only."""
    family = _FAMILIES.get(question.kind)
    if family is None:
        return Answer(seconds=SYSTEM_SECONDS, is_local=True)
    try:
        addresses = await addresses_of(question.name, family)
    except UnicodeError:
        return Answer(problem="it is no name of a host")
    except OSError as exc:
        if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
            return Answer(problem=exc.strerror or str(exc))
        return Answer(seconds=SYSTEM_SECONDS, is_local=True)
    return Answer(records=addresses, seconds=SYSTEM_SECONDS, is_local=True)
