"""Call ids: UUID version 7 (RFC 9562 section 5.7), which sort by the time they were made and tell nothing else."""

import secrets


def new_call_id(utc_seconds: float) -> str:
    """A new UUIDv7 in its usual text form, for a call accepted at `utc_seconds`."""
    milliseconds = int(utc_seconds * 1000) & (2**48 - 1)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (2**62 - 1)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
