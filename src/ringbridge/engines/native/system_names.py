"""The system's own look-up of a name (`/etc/hosts`, mDNS and whatever else it is set up to ask), which may hang for long.

It cannot be called off. So it has threads of its own: those that everybody shares would soon all be waiting for a name,
and the database with them. They are daemons: a process that is to end does not wait for them either.
"""

import asyncio
import socket
import threading
from contextlib import suppress

MOST_AT_ONCE = 8
"""More look-ups that hang at a time are not begun."""

_begun = threading.BoundedSemaphore(MOST_AT_ONCE)


async def addresses_of(name: str, family: socket.AddressFamily) -> tuple[str, ...]:
    """The addresses of a host. Raises OSError (of which `socket.gaierror` is one), and UnicodeError for what is no name."""
    if not _begun.acquire(blocking=False):
        raise socket.gaierror(socket.EAI_AGAIN, "too many names are being looked up")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def tell(addresses: tuple[str, ...], problem: Exception | None) -> None:
        if found.done():
            # Whoever asked has given up.
            return
        if problem is None:
            found.set_result(addresses)
        else:
            found.set_exception(problem)

    def look_up() -> None:
        addresses: tuple[str, ...] = ()
        problem: Exception | None = None
        try:
            answers = socket.getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
            addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in answers))
        except (OSError, UnicodeError) as exc:
            problem = exc
        finally:
            _begun.release()
        # The loop is closed where the process is about to end.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, addresses, problem)

    threading.Thread(target=look_up, name=f"look-up of {name}", daemon=True).start()
    return await found
