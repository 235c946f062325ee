"""A real server, and a test key of its account: whole calls without telephones."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ringbridge.call.key import Scope
from tests.peers.server import Deployment, Server, ringbridge


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a client is made with."""

    url: str
    account_id: str
    key: str


@pytest.fixture(scope="package")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """A server with a key that may do everything, and whose calls are simulated."""
    own, key = provisioned(tmp_path_factory.mktemp("client"))
    with Server.running(own) as server:
        yield Access(url=server.url, account_id=own.account_id, key=key)


def provisioned(folder: Path) -> tuple[Deployment, str]:
    """An account of ten lines, and its test key with all rights."""
    own = Deployment.provision(folder / "data", lines=10)
    own.set_limits("per_user=100")
    scopes = (word for scope in Scope for word in ("--scope", scope.value))
    out = ringbridge(own.data_dir, "key", "create", "--account", own.account_id, "--test", *scopes)
    header = next(line.partition(": Basic ")[2] for line in out.splitlines() if "Authorization:" in line)
    _, _, key = base64.b64decode(header).decode().partition(":")
    return own, key
