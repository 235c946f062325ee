import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringbridge.media import sdp
from ringbridge.media.errors import MalformedSdp, MediaError, NoAudio
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
    audio_of,
    parse,
)

PHONE = (
    b"v=0\r\n"
    b"o=- 1234 5678 IN IP4 192.0.2.10\r\n"
    b"s=call\r\n"
    b"c=IN IP4 192.0.2.10\r\n"
    b"t=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0 8 9 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:9 G722/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\n"
    b"a=fmtp:101 0-15\r\n"
    b"a=ptime:30\r\n"
    b"a=sendrecv\r\n"
)


def with_lines(*lines: str, media: str = "m=audio 4000 RTP/AVP 0") -> bytes:
    """A short description with more lines after the media line."""
    return "\n".join(["v=0", "c=IN IP4 192.0.2.10", media, *lines]).encode()


def test_a_telephones_description_is_read() -> None:
    assert audio_of(PHONE) == AudioDescription(
        address=MediaAddress("192.0.2.10", 49170),
        codecs=(PCMU, PCMA, G722, TELEPHONE_EVENT),
        direction=Direction.SENDRECV,
        ptime_ms=30,
        origin=Origin(1234, 5678),
    )


def test_bare_line_feeds_missing_lines_and_unknown_lines_are_forgiven() -> None:
    audio = audio_of(b"v=0\nx=what\n\nc=IN IP4 192.0.2.10\nm=audio  4000  RTP/AVP  0 \nnonsense")
    assert audio.address == MediaAddress("192.0.2.10", 4000)
    assert audio.origin == Origin(0, 0)
    assert audio.direction is Direction.SENDRECV
    assert audio.ptime_ms is None


def test_octets_that_are_not_utf_8_do_no_harm() -> None:
    assert audio_of(with_lines().replace(b"v=0\n", b"v=0\ns=\xff\xfe\n")).codecs == (PCMU,)


def test_an_ipv6_address_is_read() -> None:
    data = with_lines().replace(b"IN IP4 192.0.2.10", b"IN IP6 2001:DB8::7")
    assert audio_of(data).address == MediaAddress("2001:db8::7", 4000)


def test_the_address_of_the_stream_goes_before_that_of_the_session() -> None:
    assert audio_of(with_lines("c=IN IP4 192.0.2.99")).address == MediaAddress("192.0.2.99", 4000)


def test_the_direction_of_the_session_holds_where_the_stream_has_none() -> None:
    data = with_lines().replace(b"v=0\n", b"v=0\na=sendonly\n")
    assert audio_of(data).direction is Direction.SENDONLY
    assert audio_of(data + b"\na=recvonly").direction is Direction.RECVONLY


def test_the_first_of_several_directions_holds() -> None:
    assert audio_of(with_lines("a=recvonly", "a=sendonly")).direction is Direction.RECVONLY


@pytest.mark.parametrize(
    ("lines", "on_hold"),
    [
        ((), False),
        (("a=recvonly",), False),
        (("a=sendonly",), True),
        (("a=inactive",), True),
        (("c=IN IP4 0.0.0.0",), True),
        (("c=IN IP6 ::",), True),
    ],
)
def test_hold_is_recognised_in_its_old_and_new_form(lines: tuple[str, ...], on_hold: bool) -> None:
    assert audio_of(with_lines(*lines)).on_hold is on_hold


def test_static_payload_types_need_no_rtpmap() -> None:
    audio = audio_of(with_lines(media="m=audio 4000 RTP/AVP 18 3 0 8 9 13 4 15"))
    assert [codec.name for codec in audio.codecs] == [
        "G729",
        "GSM",
        "PCMU",
        "PCMA",
        "G722",
        "CN",
        "G723",
        "G728",
    ]


def test_an_rtpmap_goes_before_the_static_meaning() -> None:
    assert audio_of(with_lines("a=rtpmap:0 PCMU/16000")).codecs == (Codec(0, "PCMU", 16000),)


def test_parameters_of_a_static_payload_type_are_kept() -> None:
    data = with_lines("a=fmtp:18 annexb=no", media="m=audio 4000 RTP/AVP 18")
    assert audio_of(data).codecs == (Codec(18, "G729", 8000, "annexb=no"),)


def test_channels_are_part_of_a_codec() -> None:
    data = with_lines("a=rtpmap:111 opus/48000/2", media="m=audio 4000 RTP/AVP 111")
    assert audio_of(data).codecs == (Codec(111, "opus", 48000, None, 2),)


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 4000 RTP/AVP 0 96",
        "m=audio 4000 RTP/AVP 0 0",
        "m=audio 4000 RTP/AVP 0 128",
        "m=audio 4000 RTP/AVP 0 9999",
        "m=audio 4000 RTP/AVP 0 zero",
    ],
)
def test_formats_that_mean_nothing_are_left_out(media: str) -> None:
    assert audio_of(with_lines("a=rtpmap:128 PCMA/8000", media=media)).codecs == (PCMU,)


def test_unreadable_attributes_are_passed_over() -> None:
    audio = audio_of(with_lines("a=rtpmap:x PCMA/8000", "a=fmtp:x", "a=ptime:soon", "a=ptime"))
    assert audio.codecs == (PCMU,)
    assert audio.ptime_ms is None


@pytest.mark.parametrize("line", ["o=- 1 2", "o=- one 2 IN IP4 192.0.2.1", "o=" + "9" * 5000, "o="])
def test_an_unreadable_origin_counts_as_zero(line: str) -> None:
    assert parse(b"v=0\n" + line.encode()).origin == Origin(0, 0)


@pytest.mark.parametrize(("line", "timing"), [("t=1 2", "1 2"), ("t=never", "0 0"), ("t=0 0 evil", "0 0")])
def test_the_timing_is_kept_for_the_answer(line: str, timing: str) -> None:
    assert parse(b"v=0\n" + line.encode()).timing == timing


def test_the_first_plain_audio_stream_is_taken() -> None:
    audio = audio_of(
        with_lines(
            "m=audio 5000 RTP/SAVP 0",
            "m=audio 0 RTP/AVP 0",
            "m=audio 6000/2 RTP/AVP 8",
            "m=audio 7000 RTP/AVP 0",
            media="m=video 4000 RTP/AVP 96",
        )
    )
    assert audio.address.port == 6000
    assert audio.codecs == (PCMA,)


def test_a_description_without_plain_audio_says_what_it_has() -> None:
    with pytest.raises(NoAudio) as refusal:
        audio_of(with_lines("m=audio 0 RTP/AVP 0", media="m=audio 4000 RTP/SAVP 0"))
    assert str(refusal.value) == (
        "no audio over RTP/AVP in the description (m=audio 4000 RTP/SAVP, m=audio 0 RTP/AVP)"
    )
    with pytest.raises(NoAudio, match=r"\(no media lines\)$"):
        audio_of(b"v=0")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the description does not begin with v=0"),
        (b"hello", "the description does not begin with v=0"),
        (b"m=audio 4000 RTP/AVP 0\nv=0", "the description does not begin with v=0"),
        (b"v=0\n" + b" " * 16_384, "the description has 16388 octets, more than 16384"),
        (b"v=0" + b"\nm=audio 0 RTP/AVP 0" * 33, "the description has 33 media lines, more than 32"),
        (
            with_lines(media="m=audio 4000 RTP/AVP" + " 0" * 65),
            "a media line has 65 formats, more than 64",
        ),
        (with_lines(media="m=audio"), "unreadable media line 'm=audio'"),
        (with_lines(media="m=audio -1 RTP/AVP 0"), "unreadable media line 'm=audio -1 RTP/AVP 0'"),
        (with_lines(media="m=audio 65536 RTP/AVP 0"), "there is no port 65536"),
        (b"v=0\nm=audio 4000 RTP/AVP 0", "the audio stream has no connection address"),
        (with_lines("c="), "unusable connection line 'c='"),
        (with_lines("c=IN IP4 phone.example"), "unusable connection line 'c=IN IP4 phone.example'"),
        (with_lines("c=IN IP4 1.2.3"), "unusable connection line 'c=IN IP4 1.2.3'"),
        (with_lines("c=IN IP6 192.0.2.1"), "unusable connection line 'c=IN IP6 192.0.2.1'"),
        (with_lines("c=IN IP4 224.2.1.1"), "unusable connection line 'c=IN IP4 224.2.1.1'"),
        (with_lines("c=IN IP4 224.2.1.1/127"), "unusable connection line 'c=IN IP4 224.2.1.1/127'"),
        (with_lines("c=IN IP6 ff02::1"), "unusable connection line 'c=IN IP6 ff02::1'"),
        (
            with_lines("c=IN IP4 255.255.255.255"),
            "unusable connection line 'c=IN IP4 255.255.255.255'",
        ),
    ],
)
def test_what_cannot_be_acted_on_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedSdp) as refusal:
        audio_of(data)
    assert str(refusal.value) == reason


def test_a_codec_is_the_same_whatever_its_payload_type_and_case() -> None:
    assert PCMU.same_as(Codec(96, "pcmu", 8000))
    assert not PCMU.same_as(PCMA)
    assert not PCMU.same_as(Codec(0, "PCMU", 16000))
    assert not PCMU.same_as(Codec(0, "PCMU", 8000, None, 2))


@given(st.binary(max_size=400).map(lambda tail: PHONE[:60] + tail) | st.binary(max_size=400))
@example(b"v=0\nc=IN IP4 \xd9\xa1.1.1.1\nm=audio 1 RTP/AVP 0")
@example("v=0\nc=IN IP4 1.1.1.1\nm=audio ٤٤ RTP/AVP 0".encode())
def test_no_octets_raise_anything_but_our_own_error(data: bytes) -> None:
    with contextlib.suppress(MediaError):
        audio_of(data)


@given(
    st.lists(st.sampled_from(PHONE.split(b"\r\n")), max_size=30), st.integers(0, 300), st.binary(max_size=3)
)
def test_no_shuffled_lines_raise_anything_but_our_own_error(
    lines: list[bytes], position: int, noise: bytes
) -> None:
    data = b"v=0\n" + b"\n".join(lines)
    with contextlib.suppress(MediaError):
        sdp.audio_of(data[:position] + noise + data[position:])


def test_srtp_is_audio_only_where_it_may_be_secured() -> None:
    line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
    data = with_lines(line, media="m=audio 4000 RTP/SAVP 0")
    key = audio_of(data, secured=True).key
    assert key is not None
    assert key.tag == 1
    with pytest.raises(
        NoAudio, match=r"^no audio over RTP/AVP in the description \(m=audio 4000 RTP/SAVP\)$"
    ):
        audio_of(data)
    with pytest.raises(NoAudio, match=r"^no audio over RTP/AVP or RTP/SAVP in"):
        audio_of(with_lines(media="m=audio 4000 RTP/SAVP 0"), secured=True)


@pytest.mark.parametrize(("host", "is_nowhere"), [("0.0.0.0", True), ("::", True), ("192.0.2.1", False)])
def test_the_address_of_zeros_is_nowhere(host: str, is_nowhere: bool) -> None:
    assert MediaAddress(host, 4000).is_nowhere is is_nowhere
