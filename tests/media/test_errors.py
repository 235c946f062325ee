from ringbridge.media import errors


def test_every_error_is_the_other_ends_and_in_the_drawn_tree() -> None:
    leaves = errors.MediaError.__subclasses__()
    assert leaves == [
        errors.MalformedSdp,
        errors.NoAudio,
        errors.NoCommonCodec,
        errors.NotEncrypted,
        errors.UnusableSound,
    ]
    assert errors.__doc__ is not None
    assert all(f"  - {leaf.__name__}: " in errors.__doc__ for leaf in leaves)
