"""The server as a process: what it says when it starts, when it cannot, and how it ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.server import END_SECONDS, Server, environment, failed_start


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(tmp_path: Path, kind: signal.Signals) -> None:
    with Server(tmp_path) as server:
        server.process.send_signal(kind)

        assert server.process.wait(END_SECONDS) == 0


def test_it_says_where_it_listens(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ringbridge", "serve"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(4)]
        process.terminate()

    assert [words[0] for words in said] == ["HTTP", "SIP", "RTP", "data"]
    assert said[0][1].startswith("http://127.0.0.1:")
    assert said[3][1] == str(tmp_path)


def test_ports_for_audio_that_are_not_its_own_are_not_said_and_a_relay_that_is_not_up_is_waited_for(
    tmp_path: Path,
) -> None:
    with socket.socket() as closed:
        # Bound, so that nobody else listens there, but not listening.
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        settings = {"RINGBRIDGE_MEDIA_RELAY": "rtpengine", "RINGBRIDGE_RTPENGINE": f"127.0.0.1:{port}"}
        process = subprocess.Popen(
            [sys.executable, "-m", "ringbridge", "serve"],
            env=environment(tmp_path, **settings),
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            said = [process.stdout.readline().rstrip() for _ in range(4)]
            process.terminate()

    assert said[2] == f"RTP   by rtpengine, controlled at 127.0.0.1:{port}"
    assert process.returncode == 0


def test_a_relay_whose_name_is_wrong_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    status, err = failed_start(
        tmp_path, RINGBRIDGE_MEDIA_RELAY="rtpengine", RINGBRIDGE_RTPENGINE="media..example:2223"
    )

    assert status == 2
    assert err.startswith("ringbridge: rtpengine does not answer at media..example:2223 (")
    assert err.count("\n") == 1


def test_a_taken_http_port_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert failed_start(tmp_path, RINGBRIDGE_HTTP_PORT=port) == (
            2,
            (
                f"ringbridge: cannot listen for HTTP on 127.0.0.1 port {port} (the port is in use): "
                "set RINGBRIDGE_HTTP_PORT to a free one\n"
            ),
        )


def test_a_taken_sip_port_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])

        assert failed_start(tmp_path, RINGBRIDGE_SIP_PORT=port) == (
            2,
            (
                f"ringbridge: cannot listen for SIP on 127.0.0.1 port {port} (the port is in use): "
                "set RINGBRIDGE_SIP_PORT to a free one\n"
            ),
        )


@pytest.mark.parametrize(
    ("what", "host", "reason"),
    [
        ("HTTP", "192.0.2.1", "this machine has no such address"),
        ("HTTP", "calls.invalid", "the name cannot be looked up"),
        ("SIP", "192.0.2.1", "this machine has no such address"),
    ],
)
def test_an_address_that_is_not_ours_is_one_sentence_and_status_2(
    tmp_path: Path, what: str, host: str, reason: str
) -> None:
    settings = {f"RINGBRIDGE_{what}_HOST": host, "RINGBRIDGE_INSECURE_HTTP": "true"}

    assert failed_start(tmp_path, **settings) == (
        2,
        (
            f"ringbridge: cannot listen for {what} on {host} port 0 ({reason}): "
            f"set RINGBRIDGE_{what}_HOST to an address of this machine\n"
        ),
    )


def test_a_folder_that_cannot_be_written_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert failed_start(tmp_path / "file") == (
        2,
        (
            f"ringbridge: cannot use the data folder {tmp_path}/file (File exists): "
            "set RINGBRIDGE_DATA_DIR to a folder that this user may write\n"
        ),
    )


def test_a_second_server_on_the_same_data_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    with Server(tmp_path):
        status, err = failed_start(tmp_path)

    assert status == 2
    assert err.startswith("ringbridge: Another ringbridge server works with this database.")
    assert err.count("\n") == 1


def test_a_missing_media_relay_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "rtp"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text('raise ModuleNotFoundError("No module named rtp.io")\n')

    status, err = failed_start(tmp_path / "data", PYTHONPATH=str(hidden.parent))

    assert status == 2
    assert err.startswith(
        "ringbridge: the media relay rtp.io cannot be loaded: install it with `pip install rtp.io`"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), ("hello", "")])
def test_authorities_that_cannot_be_read_are_one_sentence_and_status_2(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    status, err = failed_start(tmp_path / "data", RINGBRIDGE_SIP_TLS_CA=str(file))

    assert status == 2
    assert err.startswith(f"ringbridge: no authorities can be read from {file}: {reason}")
    assert err.count("\n") == 1


def test_a_wrong_setting_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    assert failed_start(tmp_path, RINGBRIDGE_MEDIA_PORTS="many") == (
        2,
        (
            "ringbridge: RINGBRIDGE_MEDIA_PORTS is 'many', but takes FIRST-LAST with at least four ports from "
            "1024 to 65535, for example 20000-29999\n"
        ),
    )
