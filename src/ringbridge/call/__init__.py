"""What a click-to-call is: rules only, no I/O, no clock, no randomness."""
