"""Where settings come from, and the one sentence for each that is wrong."""

import os
import stat
import threading
from pathlib import Path

import pytest

from ringbridge.config import PortRange, Settings, SettingsError, default_data_dir, load_pepper, load_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("RINGBRIDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RINGBRIDGE_DATA_DIR", str(tmp_path / "data"))


def test_without_settings_everything_listens_on_loopback(tmp_path: Path) -> None:
    settings, file, warnings = load_settings(tmp_path)

    assert (settings.http_host, settings.sip_host, settings.media_host) == ("127.0.0.1",) * 3
    assert (settings.http_port, settings.sip_port, settings.media_ports) == (
        8080,
        5060,
        PortRange(20000, 29999),
    )
    assert settings.database_url == f"sqlite:///{tmp_path}/data/ringbridge.db"
    assert (file, warnings) == (None, ())


def test_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringbridge.toml").write_text('http_port = 81\nsip_port = 5080\nsip_host = "10.1.2.3"\n')
    monkeypatch.setenv("RINGBRIDGE_HTTP_PORT", "82")

    settings, file, _ = load_settings(tmp_path)

    assert (settings.http_port, settings.sip_port) == (82, 5080)
    assert settings.media_host == "10.1.2.3"
    assert file == tmp_path / "ringbridge.toml"


def test_the_file_in_the_data_folder_is_read_when_there_is_none_here(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ringbridge.toml").write_text("drain_seconds = 3\n")

    assert load_settings(tmp_path).settings.drain_seconds == 3.0


@pytest.mark.parametrize(
    ("text", "address"), [("media.example.com:2223", ("media.example.com", 2223)), ("[::1]:7", ("::1", 7))]
)
def test_another_media_relay_may_be_chosen(
    text: str, address: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(tmp_path).settings.media_relay == "rtpio"
    monkeypatch.setenv("RINGBRIDGE_MEDIA_RELAY", "RTPengine")
    monkeypatch.setenv("RINGBRIDGE_RTPENGINE", text)
    settings = load_settings(tmp_path).settings
    assert (settings.media_relay, settings.rtpengine) == ("rtpengine", address)


def test_files_and_origins_may_come_from_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringbridge.toml").write_text(
        'sip_tls_certificate = "~/tls/full.pem"\nsip_wss_origins = ["https://crm.example.com"]\n'
    )
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("RINGBRIDGE_SIP_TLS_KEY", "/etc/tls/key.pem")
    settings = load_settings(tmp_path).settings

    assert settings.sip_tls_certificate == Path("/home/ada/tls/full.pem")
    assert settings.sip_tls_key == Path("/etc/tls/key.pem")
    assert settings.sip_wss_origins == ("https://crm.example.com",)
    monkeypatch.setenv("RINGBRIDGE_SIP_WSS_ORIGINS", "https://a.example, http://127.0.0.1:8080")
    assert load_settings(tmp_path).settings.sip_wss_origins == ("https://a.example", "http://127.0.0.1:8080")


def test_what_phones_prove_their_password_with_is_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(tmp_path).settings.sip_digest_algorithms == ("MD5",)
    monkeypatch.setenv("RINGBRIDGE_SIP_DIGEST_ALGORITHMS", "SHA-256, MD5")
    assert load_settings(tmp_path).settings.sip_digest_algorithms == ("SHA-256", "MD5")
    monkeypatch.setenv("RINGBRIDGE_SIP_DIGEST_ALGORITHMS", "SHA-1")
    with pytest.raises(SettingsError, match=r"RINGBRIDGE_SIP_DIGEST_ALGORITHMS is 'SHA-1', but takes MD5"):
        load_settings(tmp_path)


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_SIP_PORT", "")

    assert load_settings(tmp_path).settings.sip_port == 5060


def test_root_keeps_its_data_with_the_machine_and_a_user_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    assert default_data_dir(0) == Path("/var/lib/ringbridge")
    assert default_data_dir(1000) == Path("/home/ada/.local/share/ringbridge")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "HTTP_PORT",
            "80a",
            "RINGBRIDGE_HTTP_PORT is '80a', but takes a port number from 0 to 65535 (0 is any free port)",
        ),
        (
            "SIP_PORT",
            "65536",
            "RINGBRIDGE_SIP_PORT is '65536', but takes a port number from 0 to 65535 (0 is any free port)",
        ),
        (
            "SIP_HOST",
            "0.0.0.0",
            (
                "RINGBRIDGE_SIP_HOST is '0.0.0.0', but takes the IP address of this machine that phones and trunks "
                "reach, not a name and not 0.0.0.0"
            ),
        ),
        (
            "MEDIA_PORTS",
            "29999-20000",
            (
                "RINGBRIDGE_MEDIA_PORTS is '29999-20000', but takes FIRST-LAST with at least four ports from 1024 to "
                "65535, for example 20000-29999"
            ),
        ),
        (
            "RTPENGINE",
            "localhost",
            (
                "RINGBRIDGE_RTPENGINE is 'localhost', but takes HOST:PORT of rtpengine's --listen-tcp-ng, "
                "for example 127.0.0.1:2223 or [::1]:2223"
            ),
        ),
        (
            "SIP_WSS_ORIGINS",
            "https://crm.example.com,crm.example.org",
            (
                "RINGBRIDGE_SIP_WSS_ORIGINS is 'https://crm.example.com,crm.example.org', but takes origins of web "
                "pages parted by commas, for example https://crm.example.com"
            ),
        ),
        (
            "OPENID_ISSUER",
            "http://login.example.com",
            (
                "RINGBRIDGE_OPENID_ISSUER is 'http://login.example.com', but takes the address of an OpenID provider, "
                "for example https://login.example.com"
            ),
        ),
        (
            "OPENID_ISSUER",
            "https://login.example.com",
            (
                "RINGBRIDGE_OPENID_ISSUER is set: RINGBRIDGE_OPENID_CLIENT_ID has to say what the provider knows this "
                "server by"
            ),
        ),
        ("SECOND_FACTOR", "always", "RINGBRIDGE_SECOND_FACTOR is 'always', but takes offered or required"),
        ("LOG_LEVEL", "loud", "RINGBRIDGE_LOG_LEVEL is 'loud', but takes debug, info, warning or error"),
        ("INSECURE_HTTP", "maybe", "RINGBRIDGE_INSECURE_HTTP is 'maybe', but takes true or false"),
        ("DRAIN_SECONDS", "-1", "RINGBRIDGE_DRAIN_SECONDS is '-1', but takes seconds from 0 to 3600"),
        (
            "DATABASE_URL",
            "mysql://root:hunter2@db/calls",
            "RINGBRIDGE_DATABASE_URL takes sqlite:////absolute/path.db or postgresql://user:password@host/database",
        ),
        (
            "HTTP_HOST",
            "calls..example",
            "RINGBRIDGE_HTTP_HOST is 'calls..example', but takes the IP address or name to listen on for HTTP",
        ),
        (
            "HTTP_HOST",
            "0.0.0.0",
            (
                "RINGBRIDGE_HTTP_HOST is 0.0.0.0, and plain HTTP would carry the API keys over the network: keep "
                "127.0.0.1 behind a TLS proxy, or set RINGBRIDGE_INSECURE_HTTP=true if that network is yours"
            ),
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"RINGBRIDGE_{name}", value)

    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)

    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "http_port = -1",
            "http_port in {file} is -1, but takes a port number from 0 to 65535 (0 is any free port)",
        ),
        ("data_dir = 5", "data_dir in {file} is 5, but takes a folder that the server may write"),
        (
            "http_port",
            "{file} is not TOML: Expected '=' after a key in a key/value pair (at end of document)",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    monkeypatch.delenv("RINGBRIDGE_DATA_DIR")
    file = tmp_path / "ringbridge.toml"
    file.write_text(text)

    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)

    assert str(error.value) == sentence.format(file=file)


def test_open_http_is_allowed_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_HTTP_HOST", "0.0.0.0")
    monkeypatch.setenv("RINGBRIDGE_INSECURE_HTTP", "true")

    assert load_settings(tmp_path).settings.http_is_open is True


def test_an_unknown_name_is_warned_of_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_HTP_PORT", "1")
    file = tmp_path / "ringbridge.toml"
    file.write_text("colour = 1\n")

    assert load_settings(tmp_path).warnings == (
        "RINGBRIDGE_HTP_PORT is not a setting; did you mean RINGBRIDGE_HTTP_PORT?",
        f"colour in {file} is not a setting",
    )


def test_the_password_of_the_database_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_DATABASE_URL", "postgresql://ringbridge:hunter2@db/calls")

    assert "hunter2" not in repr(load_settings(tmp_path).settings)


def test_the_secret_of_the_openid_client_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_OPENID_ISSUER", "http://localhost:9000/realms/x")
    monkeypatch.setenv("RINGBRIDGE_OPENID_CLIENT_ID", "ringbridge")
    monkeypatch.setenv("RINGBRIDGE_OPENID_CLIENT_SECRET", "hunter2")
    settings = load_settings(tmp_path).settings

    assert (settings.openid_issuer, settings.openid_client_secret) == (
        "http://localhost:9000/realms/x",
        "hunter2",
    )
    assert "hunter2" not in repr(settings)
    monkeypatch.delenv("RINGBRIDGE_OPENID_CLIENT_SECRET")
    (tmp_path / "ringbridge.toml").write_text("openid_client_secret = 4711\n")
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert "4711" not in str(error.value)


def test_everybody_who_makes_the_pepper_at_once_gets_the_same(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_pepper(tmp_path / "data", has_keys=False)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(pepper) for pepper in found] == [32] * 8
    assert len(set(found)) == 1
    assert os.listdir(tmp_path / "data") == ["pepper"]
    assert stat.S_IMODE((tmp_path / "data" / "pepper").stat().st_mode) == 0o600


def test_a_cut_pepper_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(b"short")

    with pytest.raises(SettingsError) as error:
        load_pepper(tmp_path, has_keys=True)

    assert str(error.value) == (
        f"{tmp_path}/pepper is damaged: restore it from a backup, or delete it and give up all keys with "
        "`ringbridge key revoke --all`"
    )


def test_a_lost_pepper_is_not_made_anew_while_there_are_keys(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pepper is missing, .*: restore it from a backup, or give up"):
        load_pepper(tmp_path, has_keys=True)

    assert not (tmp_path / "pepper").exists()
    assert load_pepper(tmp_path, has_keys=False) == load_pepper(tmp_path, has_keys=True)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError) as error:
        load_pepper(tmp_path / "file" / "data", has_keys=False)

    assert str(error.value) == (
        f"cannot use the data folder {tmp_path}/file/data (Not a directory): "
        "set RINGBRIDGE_DATA_DIR to a folder that this user may write"
    )


def test_every_setting_is_in_the_documentation() -> None:
    page = Path(__file__).parent.parent / "docs" / "configuration.md"
    described = {
        line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `RINGBRIDGE_")
    }

    assert described == {f"RINGBRIDGE_{name.upper()}" for name in Settings.model_fields}
