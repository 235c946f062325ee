"""Who types the commands."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringbridge.call.actor import Actor


def operator() -> Actor:
    """This process's user, and who became it by sudo; from where, if they are logged in over SSH."""
    from ringbridge.call.actor import Actor, ActorKind

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # In containers a user often has no name.
        user = str(os.getuid())
    before_sudo = os.environ.get("SUDO_USER")
    # sshd writes the client's address first.
    address = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return Actor(
        ActorKind.COMMAND_LINE,
        user if not before_sudo else f"{user} (sudo by {before_sudo})",
        address or None,
    )
