"""How a call of a test key is told from others: both of its legs go over a trunk that is none. Pure.

So calls, records and webhooks say `simulated` where others name a carrier, and nothing else about them is special.
"""

from dataclasses import replace

from ringbridge.call.directory import Line, LineKind, Trunk
from ringbridge.call.model import Call

SIMULATED = "simulated"

# RFC 2606 section 2: no such host will ever be.
SIMULATED_TRUNK = Trunk(id=SIMULATED, name=SIMULATED, uri="sip:simulated.invalid")


def simulated_line(line: Line) -> Line:
    """The line, reached over the simulated trunk; it asks to press 1 if it would have asked."""
    return replace(line, kind=LineKind.TRUNK, trunk=SIMULATED, confirm=line.must_confirm)


def is_simulated(call: Call) -> bool:
    """Whether no phone rings for this call."""
    return call.user.routes[0].trunk == SIMULATED
