"""What a phone heard, in tenths of a second."""

from tests.peers.baresip import Samples, tone_share
from tests.scenarios.audio import windows


def tenths(samples: Samples, tone_hz: float) -> int:
    """For how many tenths of a second the sound was that tone and nothing else."""
    return sum(tone_share(window, tone_hz) > 0.9 for window in windows(samples))
