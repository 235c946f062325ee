"""What can be wrong with a session description, and with a recording.

- MediaError
  - MalformedSdp: the octets are not a session description that can be acted on
  - NoAudio: it is one, but has no audio that we can carry
  - NoCommonCodec: it has audio, but no voice codec that both ends speak
  - NotEncrypted: it has audio, but in plain RTP where that is not allowed
  - UnusableSound: a file is no recording that we can read

All of them are the other end's fault. To a request the answer is 400 for the first and 488 for the others; a recording is
sent by a person, who is told.
"""


class MediaError(Exception):
    """What the other end sent cannot be used."""


class MalformedSdp(MediaError):
    pass


class NoAudio(MediaError):
    pass


class NoCommonCodec(MediaError):
    pass


class NotEncrypted(MediaError):
    pass


class UnusableSound(MediaError):
    """`code` says why: not_wave, broken_wave, unsupported_wave, empty_sound or sound_too_long."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
