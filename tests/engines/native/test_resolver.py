import socket

import pytest

from ringbridge.engines.native.resolver import Resolver, Unresolvable
from ringbridge.sip.hop import Hop


@pytest.mark.parametrize(
    ("target", "hop"),
    [
        ("sip:x@192.0.2.7:5062", Hop("UDP", "192.0.2.7", 5062)),
        ("sip:192.0.2.7;transport=UDP", Hop("UDP", "192.0.2.7", 5060)),
        ("sip:x@[2001:db8::7]:5070", Hop("UDP", "2001:db8::7", 5070)),
    ],
)
def test_an_address_needs_no_look_up(target: str, hop: Hop) -> None:
    assert Resolver(socket.AF_INET).literal(target) == hop


async def test_a_name_is_looked_up() -> None:
    resolver = Resolver(socket.AF_INET)

    assert resolver.literal("sip:x@localhost:5070") is None
    assert await resolver.resolve("sip:x@localhost:5070") == Hop("UDP", "127.0.0.1", 5070)


@pytest.mark.parametrize("target", ["sip:x@a..b", f"sip:x@{'a' * 64}.example"])
async def test_a_name_that_nobody_can_be_asked_about_is_unresolvable(target: str) -> None:
    with pytest.raises(Unresolvable):
        await Resolver(socket.AF_INET).resolve(target)


async def test_the_last_good_answer_serves_while_the_resolver_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver(socket.AF_INET)
    first = await resolver.resolve("sip:x@localhost")
    # No name server can be switched off for one test: the look-up of this process is made to fail.
    monkeypatch.setattr("socket.getaddrinfo", _no_answer)

    assert await resolver.resolve("sip:y@localhost") == first
    with pytest.raises(Unresolvable, match=r"pbx\.invalid cannot be looked up"):
        await resolver.resolve("sip:x@pbx.invalid")


@pytest.mark.parametrize("target", ["", "sip:", "tel:+15125292329", "no address"])
def test_what_names_no_host_cannot_be_reached(target: str) -> None:
    with pytest.raises(Unresolvable):
        Resolver(socket.AF_INET).literal(target)


def _no_answer(*words: object, **more: object) -> None:
    raise OSError("no answer")
