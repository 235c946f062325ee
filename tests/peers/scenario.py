"""The scenario texts that SIPp runs, with their words in capitals filled in."""

from collections.abc import Sequence

from tests.peers.server import REPOSITORY

_SCENARIOS = REPOSITORY / "tests" / "scenarios"

_REFUSAL = """
  <label id="say CODE"/>
  <send retrans="500" next="acknowledged">
    <![CDATA[
SIP/2.0 CODE Spoken by SIPp
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

    ]]>
  </send>
"""


def phone_scenario(*, answer_ms: int, hold_ms: int) -> str:
    """A phone that picks up after `answer_ms` and hangs up after `hold_ms`; the benchmark's phones are the same file."""
    text = (REPOSITORY / "bench" / "phone.xml").read_text()
    return text.replace("ANSWER_MS", str(answer_ms)).replace("HOLD_MS", str(hold_ms))


def holding_scenario(*, hold_ms: int) -> str:
    """A phone that picks up at once, holds, resumes, and hangs up `hold_ms` later unless it is hung up on."""
    return (_SCENARIOS / "holding_phone.xml").read_text().replace("HOLD_MS", str(hold_ms))


def silent_scenario(*, silence_ms: int) -> str:
    """A phone that never answers anything; SIPp forgets the call after `silence_ms`."""
    return (_SCENARIOS / "silent_phone.xml").read_text().replace("SILENCE_MS", str(silence_ms))


def refusing_scenario(codes: Sequence[int]) -> str:
    """A phone that refuses with the final code that the called number ends in.

    SIPp takes no variable for a status, so there is one `send` for each code and one match that leads to it.
    """
    matches = "".join(
        f'<ereg regexp="^INVITE sip:[+0-9]*{code}@" search_in="msg" assign_to="is{code}"/>\n'
        for code in codes
    )
    branches = "".join(f'<nop test="is{code}" next="say {code}"/>\n' for code in codes)
    refusals = "".join(_REFUSAL.replace("CODE", str(code)) for code in codes)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="refusing phone">
  <recv request="INVITE"><action>
{matches}  </action></recv>
{branches}{refusals}
  <label id="acknowledged"/>
  <recv request="ACK"/>
</scenario>
"""
