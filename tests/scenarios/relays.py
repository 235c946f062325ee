"""Servers with either media relay, for scenarios that must come out alike with both."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.engines.native.media_peers import PORTS, daemon
from tests.peers.server import Deployment, Server

RELAYS = ("rtpio", "rtpengine")

# Of a module: its server is started with the one, then with the other.
WITH_EACH_RELAY = pytest.mark.parametrize("relay", RELAYS, scope="module")


@contextmanager
def serving_with(
    relay: str, own: Deployment, *, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server on this data, with further settings, whose audio goes through that relay."""
    if relay == "rtpio":
        with Server.running(own, settings=settings) as server:
            yield server
        return
    with daemon(range(PORTS, PORTS + 1000)) as rtpengine:
        asyncio.run(rtpengine.until_it_listens())
        all_settings = {
            "RINGBRIDGE_MEDIA_RELAY": "rtpengine",
            "RINGBRIDGE_RTPENGINE": f"127.0.0.1:{rtpengine.control_port}",
            **(settings or {}),
        }
        with Server.running(own, settings=all_settings) as server:
            yield server
