"""The steps of a call as the benchmark reads them from a capture file."""

import struct
from pathlib import Path

from bench.capture import percentiles, read_ladders

SERVER, USER, DESTINATION = 5060, 16001, 16002


def packet(at_seconds: float, source: int, target: int, text: str) -> bytes:
    """One record of a pcap file: an Ethernet frame with a UDP datagram between loopback addresses."""
    payload = text.replace("\n", "\r\n").encode()
    udp = struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x7F000001, 0x7F000001) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    whole, part = divmod(round(at_seconds * 1_000_000), 1_000_000)
    return struct.pack("<IIII", whole, part, len(frame), len(frame)) + frame


def message(start: str, call_id: str, method: str) -> str:
    return f"{start}\nCall-ID: {call_id}\nCSeq: 1 {method}\n\n"


def capture_file(folder: Path, *packets: bytes) -> Path:
    path = folder / "capture.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1) + b"".join(packets))
    return path


def test_the_two_legs_of_a_call_are_paired_by_the_last_digits_of_their_numbers(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        packet(10.001, SERVER, USER, message("INVITE sip:18175620042@127.0.0.1 SIP/2.0", "a", "INVITE")),
        packet(10.010, USER, SERVER, message("SIP/2.0 200 OK", "a", "INVITE")),
        packet(10.0115, SERVER, DESTINATION, message("INVITE sip:+15125290042@h SIP/2.0", "b", "INVITE")),
        packet(10.020, DESTINATION, SERVER, message("SIP/2.0 200 OK", "b", "INVITE")),
        packet(10.0205, SERVER, DESTINATION, message("ACK sip:phone@h SIP/2.0", "b", "ACK")),
        packet(11.0, DESTINATION, SERVER, message("BYE sip:server@h SIP/2.0", "b", "BYE")),
        packet(11.002, SERVER, USER, message("BYE sip:phone@h SIP/2.0", "a", "BYE")),
    )

    delays = read_ladders(path, USER, DESTINATION, digits=4).delays_ms({"0042": 10.0})

    assert {step: [round(value, 3) for value in values] for step, values in delays.items()} == {
        "request to user INVITE": [1.0],
        "user 200 to destination INVITE": [1.5],
        "destination 200 to ACK": [0.5],
        "BYE to BYE": [2.0],
    }


def test_a_repeated_message_is_counted_and_its_first_time_kept(tmp_path: Path) -> None:
    invite = message("INVITE sip:18175620042@127.0.0.1 SIP/2.0", "a", "INVITE")
    path = capture_file(tmp_path, packet(1.0, SERVER, USER, invite), packet(1.5, SERVER, USER, invite))

    ladders = read_ladders(path, USER, DESTINATION, digits=4)

    assert ladders.calls == {"0042": {"user INVITE": 1.0}}
    assert dict(ladders.repeated) == {"INVITE": 1}


def test_what_is_no_message_of_a_known_call_is_passed_over(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        packet(1.0, SERVER, USER, "no SIP at all"),
        packet(1.1, USER, SERVER, message("SIP/2.0 200 OK", "unknown", "INVITE")),
    )

    assert read_ladders(path, USER, DESTINATION, digits=4).calls == {}


def test_percentiles_of_a_hundred_and_one_values_are_the_values_themselves() -> None:
    assert percentiles([float(value) for value in range(101)]) == {"p50": 50.0, "p90": 90.0, "p99": 99.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p90": 7.0, "p99": 7.0}
