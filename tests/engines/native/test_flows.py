import pytest

from ringbridge.engines.native.flows import (
    CODECS,
    accepted_codecs,
    codecs_to_narrow_to,
    offered_to_destination,
    prompt_payload_type,
)
from ringbridge.media.errors import NoCommonCodec
from ringbridge.media.sdp import (
    G722,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    AudioDescription,
    Codec,
    Direction,
    MediaAddress,
    Origin,
)


def answer(*codecs: Codec) -> AudioDescription:
    return AudioDescription(
        address=MediaAddress("192.0.2.7", 4000),
        codecs=codecs,
        direction=Direction.SENDRECV,
        ptime_ms=20,
        origin=Origin(1, 1),
    )


def test_the_destination_is_offered_what_the_user_accepted_in_its_order() -> None:
    taken = answer(G722, Codec(18, "G729", 8000), PCMU, TELEPHONE_EVENT)

    assert accepted_codecs(CODECS, taken) == (G722, PCMU, TELEPHONE_EVENT)


def test_an_answer_without_a_voice_codec_of_ours_is_no_answer() -> None:
    with pytest.raises(NoCommonCodec, match="accepts none of the codecs"):
        accepted_codecs(CODECS, answer(Codec(18, "G729", 8000), TELEPHONE_EVENT))


def test_a_prompt_is_played_in_the_first_codec_that_the_user_accepted() -> None:
    assert prompt_payload_type((TELEPHONE_EVENT, PCMA, PCMU)) == 8


def test_the_user_is_told_once_when_the_destination_takes_fewer_codecs() -> None:
    assert codecs_to_narrow_to((G722, PCMU, TELEPHONE_EVENT), (PCMU, TELEPHONE_EVENT)) == (
        PCMU,
        TELEPHONE_EVENT,
    )


def test_nothing_is_renegotiated_when_both_took_the_same() -> None:
    assert codecs_to_narrow_to((PCMU, TELEPHONE_EVENT), (PCMU, TELEPHONE_EVENT)) is None


def test_a_destination_without_key_presses_is_not_worth_a_renegotiation() -> None:
    assert codecs_to_narrow_to((PCMU, TELEPHONE_EVENT), (PCMU,)) is None


def test_a_user_who_has_no_voice_in_common_is_not_offered_none() -> None:
    assert codecs_to_narrow_to((PCMU, TELEPHONE_EVENT), (PCMA, TELEPHONE_EVENT)) is None


def test_a_relay_that_does_not_transcode_offers_the_user_s_codecs_only() -> None:
    assert offered_to_destination((PCMA,), transcodes=False) == (PCMA,)


def test_a_relay_that_transcodes_offers_the_user_s_codecs_first() -> None:
    keys = Codec(96, "telephone-event", 8000, "0-15")

    assert offered_to_destination((PCMA, keys), transcodes=True) == (PCMA, keys, PCMU, G722)


def test_a_payload_type_is_not_offered_twice() -> None:
    odd = Codec(9, "PCMU", 8000)

    assert offered_to_destination((odd,), transcodes=True) == (odd, PCMA, TELEPHONE_EVENT)
