"""What comes of asking a trunk or a phone whether somebody is there."""

import pytest

from ringbridge.call.trunk_state import Probe, ProbeOutcome


@pytest.mark.parametrize("outcome", ProbeOutcome)
def test_somebody_is_there_who_answers_or_takes_a_connection(outcome: ProbeOutcome) -> None:
    assert Probe(outcome).is_good is (outcome.value in {"answered", "connected"})
