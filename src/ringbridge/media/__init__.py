"""Descriptions of audio, and audio itself, as values and octets: no I/O, no clock, no randomness."""
