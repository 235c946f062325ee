"""Events are values."""

from dataclasses import FrozenInstanceError

import pytest

from ringbridge.sip.event import Ended, EndedBy, OfferAnswered


def test_events_compare_by_what_they_say() -> None:
    first = Ended(session="a", by=EndedBy.PEER, q850=16, sip_cause=None)

    assert first == Ended(session="a", by=EndedBy.PEER, q850=16, sip_cause=None)
    assert first != Ended(session="a", by=EndedBy.LOCAL, q850=16, sip_cause=None)


def test_events_cannot_be_changed() -> None:
    event = OfferAnswered(session="a", body=b"")

    with pytest.raises(FrozenInstanceError):
        event.session = "b"  # type: ignore[misc]
