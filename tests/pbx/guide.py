"""docs/pbx.md as the tests use it: its configurations and commands, with addresses and ports of this machine."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.server import REPOSITORY, Deployment, ringbridge
from tests.peers.tool import LOOPBACK, free_sip_port

RINGBRIDGE = "127.0.0.10"
ASTERISK = "127.0.0.20"
KAMAILIO = "127.0.0.30"
# baresip's audio leaves from here whatever its description says, and what comes from elsewhere is not listened to.
CARRIER = LOOPBACK
PASSWORD = "a-long-password"
"""Ada's phone's."""

_HOSTS = {"192.0.2.10": RINGBRIDGE, "192.0.2.20": ASTERISK, "192.0.2.30": KAMAILIO, "192.0.2.40": CARRIER}

_BLOCK = re.compile(r"^```(?P<language>\w+) (?P<name>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"(?P<host>192\.0\.2\.\d+)(?P<port>:506[01])?")
# Where an address stands without a port, the port is 5060 if it is one to listen at or to send to.
_SPOT = re.compile(r"(?:sip:(?:[^@\s;>]+@)?|bind=|listen=\w+:)$")
_ACCOUNT = "1009683"


def block(name: str) -> str:
    """The text of the block that is named so behind its opening fence."""
    page = (REPOSITORY / "docs" / "pbx.md").read_text()
    found = [match["text"] for match in _BLOCK.finditer(page) if match["name"] == name]
    assert len(found) == 1, f"docs/pbx.md has {len(found)} blocks that are named {name}"
    return found[0]


@dataclass(frozen=True, slots=True)
class Ports:
    """Which ports stand for 5060 and 5061 at each address: free ones, the same whenever it is asked."""

    _ports: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, host: str) -> int:
        """The port for 5060; that for 5061 is the next one."""
        if host not in self._ports:
            self._ports[host] = free_sip_port(following=1, host=host)
        return self._ports[host]

    def localized(self, text: str) -> str:
        """The text with loopback addresses and these ports for those of the documentation."""

        def here(match: re.Match[str]) -> str:
            host = _HOSTS[match["host"]]
            if (
                match["port"] is None
                and _SPOT.search(text, max(0, match.start() - 80), match.start()) is None
            ):
                return host
            return f"{host}:{self[host] + (match['port'] == ':5061')}"

        return _ADDRESS.sub(here, text)


def commands(name: str, ports: Ports) -> list[list[str]]:
    """The commands of a block, `ringbridge` left out, each as its words."""
    lines = [shlex.split(line) for line in ports.localized(block(name)).replace("\\\n", " ").splitlines()]
    assert all(words[0] == "ringbridge" for words in lines)
    return [words[1:] for words in lines]


def provisioned(data_dir: Path, ports: Ports, *names: str) -> Deployment:
    """The data folder of a server after the account's block and these were typed."""
    data_dir.mkdir()
    for name in ("account", *names):
        for words in commands(name, ports):
            ringbridge(data_dir, *words)
    ringbridge(data_dir, "limits", "set", "--account", _ACCOUNT, "duplicates_s=0", "rate=1000")
    printed = ringbridge(data_dir, "key", "create", "--account", _ACCOUNT)
    key = re.search(r"Authorization:\s*(Basic [A-Za-z0-9+/=]+)", printed)
    assert key is not None, printed
    return Deployment(
        data_dir=data_dir,
        account_id=_ACCOUNT,
        authorization=key[1],
        user_port=ports[ASTERISK],
        trunk_port=ports[ASTERISK],
        host=RINGBRIDGE,
    )


def with_words(text: str, words: Mapping[str, str]) -> str:
    """The text with each word replaced; an error if it is not there, so that no variant silently becomes the original."""
    for old, new in words.items():
        assert old in text, f"no {old!r} to replace"
        text = text.replace(old, new)
    return text
