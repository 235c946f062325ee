"""The scenario texts that SIPp runs, with their words in capitals filled in."""

from tests.peers.server import REPOSITORY


def phone_scenario(*, answer_ms: int, hold_ms: int) -> str:
    """A phone that picks up after `answer_ms` and hangs up after `hold_ms`; the benchmark's phones are the same file."""
    text = (REPOSITORY / "bench" / "phone.xml").read_text()
    return text.replace("ANSWER_MS", str(answer_ms)).replace("HOLD_MS", str(hold_ms))
