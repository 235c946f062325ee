"""The request that places a call, as text."""

import json
import subprocess

from ringbridge.demo.curl import http_url
from ringbridge.service.example import authorization, curl_command


def test_authorization_is_that_of_the_api_document() -> None:
    assert authorization("lol", "secure") == "Basic bG9sOnNlY3VyZQ=="


def test_a_server_on_every_address_is_reached_by_loopback() -> None:
    assert http_url("0.0.0.0", 8080) == "http://127.0.0.1:8080"
    assert http_url("::", 8080) == "http://[::1]:8080"
    assert http_url("2001:db8::7", 80) == "http://[2001:db8::7]:80"
    assert http_url("calls.example", 80) == "http://calls.example:80"


def test_a_shell_reads_the_command_as_it_is_meant() -> None:
    command = curl_command("http://127.0.0.1:80", "Basic abc=", "+1 (817) 562-9657", "15125292329")

    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    words = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split(
        "\0"
    )

    assert words[:3] == ["-X", "POST", "http://127.0.0.1:80/api/v1/call"]
    assert words[3:8] == ["-H", "Content-Type: application/json", "-H", "Authorization: Basic abc=", "-d"]
    assert json.loads(words[8]) == {"user_line": "+1 (817) 562-9657", "destination_line": "15125292329"}
