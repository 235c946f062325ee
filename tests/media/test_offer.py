import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.media.crypto import CryptoKey
from ringbridge.media.errors import MalformedSdp, NoAudio, NoCommonCodec
from ringbridge.media.offer import answer, common, has_voice, offer
from ringbridge.media.sdp import (
    G722,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Codec,
    Direction,
    MediaAddress,
    Origin,
    audio_of,
    parse,
)

HERE = MediaAddress("192.0.2.1", 20000)
SUPPORTED = (G722, PCMU, PCMA, TELEPHONE_EVENT)


def offered(*media: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 7 8 IN IP4 192.0.2.10", "c=IN IP4 192.0.2.10", "t=3 4", *media]).encode()


def test_an_offer_is_written_line_by_line() -> None:
    data = offer(HERE, (PCMU, TELEPHONE_EVENT), session_id=42, version=1)
    assert data == (
        b"v=0\r\n"
        b"o=- 42 1 IN IP4 192.0.2.1\r\n"
        b"s=-\r\n"
        b"c=IN IP4 192.0.2.1\r\n"
        b"t=0 0\r\n"
        b"m=audio 20000 RTP/AVP 0 101\r\n"
        b"a=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-15\r\n"
        b"a=ptime:20\r\n"
        b"a=sendrecv\r\n"
    )


def test_an_offer_over_ipv6_says_so() -> None:
    data = offer(MediaAddress("2001:db8::1", 20000), (PCMU,), session_id=42, version=1)
    assert b"o=- 42 1 IN IP6 2001:db8::1\r\n" in data
    assert b"c=IN IP6 2001:db8::1\r\n" in data


def test_an_answer_keeps_the_offerers_payload_types_order_and_times() -> None:
    data = answer(
        offered(
            "m=audio 4000 RTP/AVP 96 8 97 0",
            "a=rtpmap:96 opus/48000/2",
            "a=rtpmap:97 TELEPHONE-EVENT/8000",
            "a=fmtp:97 0-16",
        ),
        HERE,
        SUPPORTED,
        session_id=42,
        version=2,
    )
    assert data == (
        b"v=0\r\n"
        b"o=- 42 2 IN IP4 192.0.2.1\r\n"
        b"s=-\r\n"
        b"c=IN IP4 192.0.2.1\r\n"
        b"t=3 4\r\n"
        b"m=audio 20000 RTP/AVP 8 97 0\r\n"
        b"a=rtpmap:8 PCMA/8000\r\n"
        b"a=rtpmap:97 TELEPHONE-EVENT/8000\r\n"
        b"a=fmtp:97 0-16\r\n"
        b"a=rtpmap:0 PCMU/8000\r\n"
        b"a=ptime:20\r\n"
        b"a=sendrecv\r\n"
    )


def test_a_parsed_offer_can_be_answered_too() -> None:
    data = offered("m=audio 4000 RTP/AVP 0")
    assert answer(parse(data), HERE, SUPPORTED, session_id=1, version=1) == answer(
        data, HERE, SUPPORTED, session_id=1, version=1
    )


def test_the_other_media_lines_are_refused_in_their_places() -> None:
    data = answer(
        offered(
            "m=video 4002 RTP/AVP 96 97",
            "m=audio 4000 RTP/AVP 0",
            "m=audio 4004 RTP/SAVP 0",
            "m=application 4006 UDP/DTLS/SCTP webrtc-datachannel",
        ),
        HERE,
        SUPPORTED,
        session_id=1,
        version=1,
    )
    assert [line for line in data.decode().split("\r\n") if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 96",
        "m=audio 20000 RTP/AVP 0",
        "m=audio 0 RTP/SAVP 0",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sendrecv", Direction.SENDRECV),
        ("sendonly", Direction.RECVONLY),
        ("recvonly", Direction.SENDONLY),
        ("inactive", Direction.INACTIVE),
    ],
)
def test_the_direction_is_mirrored(theirs: str, ours: Direction) -> None:
    data = answer(offered("m=audio 4000 RTP/AVP 0", f"a={theirs}"), HERE, SUPPORTED, session_id=1, version=1)
    assert audio_of(data).direction is ours


@pytest.mark.parametrize(
    ("media", "error", "reason"),
    [
        ("m=audio 4000 RTP/SAVP 0", NoAudio, "the offer has no audio over RTP/AVP"),
        ("m=audio 4000 RTP/AVP 3 18", NoCommonCodec, "none of the offered codecs is supported (GSM, G729)"),
        ("m=audio 4000 RTP/AVP 96", NoCommonCodec, "none of the offered codecs is supported (none named)"),
        ("m=audio 4000 RTP/AVP 13", NoCommonCodec, "none of the offered codecs is supported (CN)"),
        ("m=audio", MalformedSdp, "unreadable media line 'm=audio'"),
    ],
)
def test_an_offer_that_cannot_be_answered_is_refused_with_a_reason(
    media: str, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error) as refusal:
        answer(offered(media), HERE, SUPPORTED, session_id=1, version=1)
    assert type(refusal.value) is error
    assert str(refusal.value) == reason


def test_an_offer_without_an_address_is_malformed() -> None:
    with pytest.raises(MalformedSdp, match=r"^the audio stream has no connection address$"):
        answer(b"v=0\nm=audio 4000 RTP/AVP 0", HERE, SUPPORTED, session_id=1, version=1)


def test_common_codecs_are_theirs_in_their_order() -> None:
    theirs = (Codec(96, "telephone-event", 8000), PCMA, Codec(3, "GSM", 8000), PCMU)
    assert common(SUPPORTED, theirs) == (Codec(96, "telephone-event", 8000), PCMA, PCMU)
    assert common((), theirs) == ()


def test_key_presses_and_comfort_noise_are_no_voice() -> None:
    assert has_voice((TELEPHONE_EVENT, PCMU))
    assert not has_voice((TELEPHONE_EVENT, Codec(13, "CN", 8000)))
    assert not has_voice(())


codecs = st.builds(
    Codec,
    payload_type=st.integers(96, 127),
    name=st.from_regex(r"[A-Za-z0-9.-]{1,20}", fullmatch=True),
    clock_rate=st.integers(1, 192_000),
    parameters=st.none() | st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
    channels=st.integers(1, 8),
)
hosts = st.ip_addresses().filter(lambda ip: not ip.is_multicast and str(ip) != "255.255.255.255").map(str)


@given(
    st.builds(MediaAddress, hosts, st.integers(1, 65_535)),
    st.lists(codecs, min_size=1, max_size=10, unique_by=lambda codec: codec.payload_type),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.sampled_from(Direction),
)
def test_what_is_offered_is_what_is_read(
    address: MediaAddress, codecs: list[Codec], session_id: int, version: int, direction: Direction
) -> None:
    audio = audio_of(offer(address, codecs, session_id=session_id, version=version, direction=direction))
    assert audio.address == address
    assert audio.codecs == tuple(codecs)
    assert audio.origin == Origin(session_id, version)
    assert audio.direction is direction
    assert audio.ptime_ms == 20


OUR_KEY = CryptoKey(1, bytes(range(30)))
THEIR_LINE = "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40


def test_an_offer_of_srtp_alone_says_so_in_its_profile() -> None:
    data = offer(HERE, (PCMU,), session_id=42, version=1, key=OUR_KEY, secured=True)
    assert b"m=audio 20000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAEC" in data
    assert audio_of(data, secured=True).key == OUR_KEY


def test_an_offer_of_optional_srtp_is_plain_rtp_with_a_key_beside_it() -> None:
    data = offer(HERE, (PCMU,), session_id=42, version=1, key=OUR_KEY)
    assert b"m=audio 20000 RTP/AVP 0\r\na=crypto:1 " in data
    assert (audio_of(data, secured=True).key, audio_of(data).key) == (OUR_KEY, None)


@pytest.mark.parametrize("transport", ["RTP/SAVP", "RTP/AVP"])
def test_an_answer_to_srtp_has_our_key_under_their_tag(transport: str) -> None:
    data = answer(
        offered(f"m=audio 4000 {transport} 0", THEIR_LINE),
        HERE,
        SUPPORTED,
        session_id=1,
        version=1,
        key=OUR_KEY,
    )
    assert f"m=audio 20000 {transport} 0\r\na=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:AAEC".encode() in data


def test_an_answer_has_no_key_when_none_was_offered_or_we_have_none() -> None:
    plain = offered("m=audio 4000 RTP/AVP 0")
    assert b"crypto" not in answer(plain, HERE, SUPPORTED, session_id=1, version=1, key=OUR_KEY)
    optional = offered("m=audio 4000 RTP/AVP 0", THEIR_LINE)
    assert b"crypto" not in answer(optional, HERE, SUPPORTED, session_id=1, version=1)


def test_srtp_without_a_key_that_we_can_use_is_refused() -> None:
    data = offered("m=audio 4000 RTP/SAVP 0", THEIR_LINE.replace("_80", "_32"))
    with pytest.raises(NoAudio, match=r"^the offer has no audio over RTP/AVP or RTP/SAVP$"):
        answer(data, HERE, SUPPORTED, session_id=1, version=1, key=OUR_KEY)


def test_the_plain_line_of_a_phone_that_offers_both_is_taken_only_without_a_key() -> None:
    both = offered("m=audio 4000 RTP/SAVP 0", THEIR_LINE, "m=audio 4002 RTP/AVP 0")
    assert b"m=audio 20000 RTP/SAVP 0" in answer(both, HERE, SUPPORTED, session_id=1, version=1, key=OUR_KEY)
    assert b"m=audio 0 RTP/SAVP 0" in answer(both, HERE, SUPPORTED, session_id=1, version=1)
