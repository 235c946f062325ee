"""How trunks do, and what came of asking one: values that the engine makes and the front doors show."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkStatus:
    """How a trunk does now.

    is_up: whether one of its servers is thought to work. channels: how many are taken. is_registered: None where it is not
    to be. registered_until: monotonic seconds. registration_status: the final answer to the last REGISTER, None before
    there is one. answered_at: monotonic seconds when one of its servers last answered OPTIONS; None where none has yet.
    """

    name: str
    is_up: bool
    channels: int
    is_registered: bool | None
    registered_until: float | None
    registration_status: int | None
    answered_at: float | None = None


class ProbeOutcome(Enum):
    """What came of asking a SIP address whether somebody is there.

    OUT_OF_REACH: nobody was asked, since this server sends SIP from an address that reaches its own machine only.
    """

    ANSWERED = "answered"
    CONNECTED = "connected"
    SILENT = "silent"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not_trusted"
    UNRESOLVABLE = "unresolvable"
    OUT_OF_REACH = "out_of_reach"


class Probe(NamedTuple):
    """What came of it, after how many seconds; host and port that were asked over `transport`, "" and 0 for none.

    status: of the answer to OPTIONS over UDP. detail: why it failed, as the system or the far end says it.
    """

    outcome: ProbeOutcome
    seconds: float = 0.0
    transport: str = ""
    host: str = ""
    port: int = 0
    status: int | None = None
    detail: str = ""
