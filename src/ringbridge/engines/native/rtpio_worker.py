"""The process in which RTPProxy runs: `python -m ringbridge.engines.native.rtpio_worker FD HOST FIRST LAST FOLDER`.

A process of its own, so that a fault in C code takes no call control down. Commands do not pass through Python:
the library reads them itself from the socket FD. This program only starts it, says `ready` or one sentence about
what is wrong on its standard output, and ends when its standard input does, which the kernel sees to even when
the server is killed. Then nobody else removes the folder.

Signals that ask to end it ignores: Ctrl-C and service managers send them to every process of a server, and the server
first lets its calls end.
"""

import ipaddress
import os
import resource
import shutil
import signal
import sys
from typing import NoReturn

# No call lasts longer (four hours is the hard limit), and call control closes what it opened. This only bounds
# what a forgotten session could hold.
SESSION_SECONDS = 5 * 3600

KEY_SOCKET = "keys"
"""The name, in FOLDER, of the socket to which RTPProxy tells the keys that it has seen."""


def arguments(control: int, host: str, first_port: int, last_port: int) -> list[str]:
    """RTPProxy's command line."""
    return [
        "-F",  # may run as any user: it listens on nothing but the socket that it inherits
        *("-s", f"fd:{control}"),
        *("-6" if ipaddress.ip_address(host).version == 6 else "-l", host),
        *("-m", str(first_port)),
        *("-M", str(last_port)),
        *("-T", str(SESSION_SECONDS)),
        *("-W", str(SESSION_SECONDS)),
        *("-n", f"unix:{KEY_SOCKET}"),
        *("-d", "crit"),
    ]


def main(words: list[str]) -> int:
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    control, host, first_port, last_port, folder = words
    try:
        from rtp.io import rtpproxy
    except ImportError as error:
        say(
            "the media relay rtp.io cannot be loaded: install it with `pip install rtp.io` "
            f"(it has wheels for Linux, CPython 3.11 to 3.14) [{error}]"
        )
        return 1
    # Prompts are named relative to this folder, because RTPProxy splits its commands at blanks.
    os.chdir(folder)
    # Each session has four sockets; the usual soft limit of 1,024 would end at 250 sessions.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        proxy = rtpproxy(extra_args=arguments(int(control), host, int(first_port), int(last_port)))
    except Exception as error:  # noqa: BLE001 - the library does not say what it raises
        say(f"the media relay rtp.io did not start: {error}")
        return 1
    say("ready")
    return hold(proxy, folder)


def say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def hold(proxy: object, folder: str) -> NoReturn:
    """Keep the relay alive until standard input ends, then end at once: an orderly end takes it a second.

    A server that goes on, or that tidies up itself, says a last word before.
    """
    if not sys.stdin.buffer.read():
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
