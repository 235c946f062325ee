"""The commands and replies of the RTPProxy control protocol, as far as a call needs them. Pure text.

In RTPProxy's words the user is the caller, with the tag `u`, and the destination the callee, with the tag `d`.
`U` tells where the user is and is answered with the port that the destination sends to; `L` is the reverse.

How the source of RTP is pinned. Left alone, RTPProxy takes a phone's address from the first packet that arrives, so
whoever is first gets the call's audio. Three steps together leave no such moment:

- Both ports are leased with the address of no host (RFC 5737, RFC 6666), so there is always one to compare with.
- They are leased in asymmetric mode (modifier `a`), which counts as having learned the address already.
- The phone's address then comes without that modifier: now host and port of every packet are compared, and since
  there is nothing more to learn, what differs is dropped. The same holds for RTCP.
"""

import socket
import urllib.parse
from collections.abc import Collection

from ringbridge.engines.native.media import KeyPressed, Side
from ringbridge.engines.native.rtpio_worker import KEY_SOCKET
from ringbridge.media import dtmf
from ringbridge.media.sdp import MediaAddress

# Where keys are told, as the user's commands have it; the word behind it would be told of a session's timeout.
_NOTIFY = f"unix:{KEY_SOCKET} -"

# The number of RTPProxy's module catch_dtmf, and of its command for a stream.
_CATCH_DTMF = "M3:1"

# Which side a command means: that side's tag comes first.
_TAGS = {Side.USER: "u d", Side.DESTINATION: "d u"}
_SIDES = {side.value: side for side in Side}


def lease(session: str, family: socket.AddressFamily, learning: Collection[Side] = ()) -> dict[Side, str]:
    """What leases a port for each side, in the order in which it must be asked."""
    is_ipv6 = family == socket.AF_INET6
    host, port = nobody(is_ipv6=is_ipv6)
    # Without the modifier `a` RTPProxy takes the first source for the phone, from now on.
    user, destination = (
        ("" if side in learning else "a") + ("6" if is_ipv6 else "") for side in (Side.USER, Side.DESTINATION)
    )
    return {
        Side.DESTINATION: f"U{user} {session} {host} {port} u {_NOTIFY}",
        Side.USER: f"L{destination} {session} {host} {port} u d",
    }


def nobody(*, is_ipv6: bool) -> MediaAddress:
    """The address of no host."""
    return MediaAddress("100::1" if is_ipv6 else "192.0.2.1", 9)


def leased_port(reply: str) -> int:
    """The port that a reply to a lease names, or 0. The reply is a port and a host, or `0`, or `E` and a number."""
    word = reply.partition(" ")[0]
    return int(word) if word.isdecimal() else 0


def locate(session: str, side: Side, address: MediaAddress, keys_payload_type: int | None) -> str:
    """Where this side is, and of which payload type the keys are that are to be told of it."""
    host, port = address
    family = "6" if ":" in host else ""
    watch = ""
    if keys_payload_type is not None:
        watch = f" && {_CATCH_DTMF} {side.value}/{urllib.parse.quote(session)} {keys_payload_type}"
    if side is Side.USER:
        return f"U{family} {session} {host} {port} u {_NOTIFY}{watch}"
    return f"L{family} {session} {host} {port} u d{watch}"


def play(session: str, side: Side, word: str, payload_type: int, *, times: int) -> str:
    """Play towards this side; -1 times is for ever."""
    return f"P{times} {session} {word} {payload_type} {_TAGS[side]}"


def stop_playing(session: str, side: Side) -> str:
    return f"S {session} {_TAGS[side]}"


def count(session: str) -> str:
    return f"Q {session} u d"


def counted(reply: str) -> dict[Side, int]:
    """How many packets have come from each side, nothing if the session is gone.

    The reply is: seconds left, packets from the user, packets from the destination, relayed, dropped. Packets of
    strangers are not in it.
    """
    words = reply.split()
    return {Side.USER: int(words[1]), Side.DESTINATION: int(words[2])} if len(words) == 5 else {}


def delete(session: str) -> str:
    return f"D {session} u d"


def pressed_key(line: str) -> tuple[str, KeyPressed] | None:
    """What RTPProxy tells of a key: the session's name and the event; None for anything else.

    The line is: the tag of `locate`, the key, its volume, its duration, and which side RTPProxy thinks it is.
    """
    tag, *rest = line.split(" ")
    name, _, session = tag.partition("/")
    side = _SIDES.get(name)
    if side is None or len(rest) != 4 or rest[0] not in dtmf.KEYS:
        return None
    return urllib.parse.unquote(session), KeyPressed(side=side, key=rest[0])
