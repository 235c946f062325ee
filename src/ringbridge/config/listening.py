"""Why nothing can listen where a setting says."""

import errno
import socket
from typing import NamedTuple

from ringbridge.config.settings import PREFIX


class Unbindable(NamedTuple):
    """Why nothing can listen on an address, and what to do about it; both are parts of sentences."""

    reason: str
    mend: str


def unbindable(what: str, error: OSError) -> Unbindable:
    """What to say of an address that the settings of `what` (HTTP, SIP, SIP_TLS, SIP_WSS, MEDIA) name and that cannot be listened on."""
    another_host = f"set {PREFIX}{what.partition('_')[0]}_HOST to an address of this machine"
    if isinstance(error, socket.gaierror):
        return Unbindable("the name cannot be looked up", another_host)
    match error.errno:
        case errno.EADDRINUSE:
            return Unbindable("the port is in use", f"set {PREFIX}{what}_PORT to a free one")
        case errno.EACCES:
            return Unbindable(
                "this user may not use so low a port", f"set {PREFIX}{what}_PORT to one from 1024"
            )
        case errno.EADDRNOTAVAIL:
            return Unbindable("this machine has no such address", another_host)
        case _:
            return Unbindable(error.strerror or str(error), another_host)
