"""A server with two trunks, for tests that are about which of them carries a call."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.peers.server import Deployment, Server, ringbridge


@contextmanager
def two_carriers(
    deployment: Deployment,
    data_dir: Path,
    uris: Sequence[str],
    *,
    words: Sequence[str] = (),
    second_words: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The server while the block runs. Its trunks are `first` and `second`, at `uris`; `words` are further options."""
    own = deployment.copied_to(data_dir)
    ringbridge(own.data_dir, "trunk", "remove", "exchange")
    ringbridge(own.data_dir, "trunk", "add", "--name", "first", "--uri", uris[0], *words)
    ringbridge(own.data_dir, "trunk", "add", "--name", "second", "--uri", uris[1], *second_words)
    with Server.running(own, settings=settings) as running:
        yield running
