"""What can be wrong with a session description.

- MediaError
  - MalformedSdp: the octets are not a session description that can be acted on
  - NoAudio: it is one, but has no audio that we can carry
  - NoCommonCodec: it has audio, but no voice codec that both ends speak
  - NotEncrypted: it has audio, but in plain RTP where that is not allowed

All of them are the other end's fault. To a request the answer is 400 for the first and 488 for the others.
"""


class MediaError(Exception):
    """The other end's session description cannot be used."""


class MalformedSdp(MediaError):
    pass


class NoAudio(MediaError):
    pass


class NoCommonCodec(MediaError):
    pass


class NotEncrypted(MediaError):
    pass
