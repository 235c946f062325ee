"""The story comes out in the order in which it happened."""

import io

from rich.console import Console

from ringbridge.call.cause import Cause
from ringbridge.call.event import EarlyMediaStarted, LegAnswered, LegDialed, LegEnded, LegRinging
from ringbridge.call.model import LegName
from ringbridge.demo.timeline import SERVER_STORY, Timeline


async def test_late_news_finds_its_place() -> None:
    out = io.StringIO()
    timeline = Timeline(Console(file=out, width=40), started_at=1000.0)

    timeline.tell(1000.5, "user", "rings and shows a long text that no narrow window may break")
    timeline.tell_event(1000.25, "accepted", "accepted")
    timeline.tell_event(999.9, "something_new", "accepted")
    timeline.flush()

    assert out.getvalue() == (
        "  0.000 s  server      something new\n"
        "  0.250 s  server      stored the call and answered 200\n"
        "  0.500 s  user        rings and shows a long text that no narrow window may break\n"
    )


async def test_a_user_who_is_asked_first_is_told_of() -> None:
    out = io.StringIO()
    timeline = Timeline(Console(file=out), started_at=1000.0)

    timeline.tell_event(1001.0, "user_answered", "confirming")
    timeline.flush()

    assert out.getvalue() == "  1.000 s  server      asks whoever answered the user's phone to press 1\n"


async def test_a_new_click_begins_a_new_story() -> None:
    out = io.StringIO()
    timeline = Timeline(Console(file=out), started_at=1000.0)

    timeline.tell(1001.0, "user", "is hung up")
    timeline.restart(1060.0)
    timeline.tell(1060.5, "user", "rings")
    timeline.flush()

    assert out.getvalue() == "  1.000 s  user        is hung up\n  0.500 s  user        rings\n"


def test_every_event_of_a_leg_has_its_words() -> None:
    names = set()
    for leg in LegName:
        for event in (
            LegDialed(leg, None),
            LegRinging(leg),
            EarlyMediaStarted(leg),
            LegAnswered(leg),
            LegEnded(leg, Cause.BUSY),
        ):
            what = type(event).__name__.removeprefix("Leg").removesuffix("Started")
            what = "dialing" if what == "Dialed" else what
            names.add(f"{leg.value}_{'early_media' if what == 'EarlyMedia' else what.lower()}")
    # The call's own names say it.
    names -= {"destination_answered", "third_answered"}
    of_calls = {"accepted", "user_confirmed", "connected", "ended", "digits_sent"}
    actions = {"held", "resumed", "transferring", "transferred", "transfer_failed"}

    assert names | of_calls | actions == set(SERVER_STORY)
