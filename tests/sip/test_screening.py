"""Requests that nobody could work on."""

import pytest

from ringbridge.sip.headers import Headers
from ringbridge.sip.message import Request
from ringbridge.sip.screening import refusal_of


def make_request(
    method: str = "INVITE", *fields: tuple[str, str], uri: str = "sip:alice@192.0.2.1", body: bytes = b""
) -> Request:
    return Request(method=method, uri=uri, headers=Headers.of(fields), body=body)


@pytest.mark.parametrize("method", ["INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "OPTIONS"])
def test_the_methods_that_we_allow_pass(method: str) -> None:
    assert refusal_of(make_request(method)) is None


ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS")


@pytest.mark.parametrize("method", ["REGISTER", "INFO", "REFER", "SUBSCRIBE"])
def test_a_method_that_we_know_but_do_not_allow_is_405(method: str) -> None:
    assert refusal_of(make_request(method)) == (405, (ALLOW,))


def test_a_method_that_nobody_knows_is_501() -> None:
    assert refusal_of(make_request("NEWMETHOD")) == (501, (ALLOW,))


@pytest.mark.parametrize("uri", ["nobodyKnowsThisScheme:totallyopaquecontent", "http://example.com"])
def test_a_scheme_that_we_do_not_know_is_416(uri: str) -> None:
    assert refusal_of(make_request(uri=uri)) == (416, ())


@pytest.mark.parametrize("uri", ["SIPS:alice@192.0.2.1", "tel:+18175550100"])
def test_the_schemes_that_we_know_pass_in_any_case(uri: str) -> None:
    assert refusal_of(make_request(uri=uri)) is None


def test_a_required_extension_that_we_lack_is_420_and_named() -> None:
    request = make_request("INVITE", ("Require", "timer, 100rel"), ("Require", "nothingSupportsThis"))

    assert refusal_of(request) == (420, (("Unsupported", "100rel, nothingSupportsThis"),))


def test_a_required_extension_that_we_have_passes() -> None:
    assert refusal_of(make_request("INVITE", ("Require", "timer"))) is None


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/mixed;boundary=x"])
def test_a_body_that_is_no_sdp_is_415(content_type: str) -> None:
    request = make_request("UPDATE", ("Content-Type", content_type), body=b"?")

    assert refusal_of(request) == (415, (("Accept", "application/sdp"),))


def test_a_body_without_a_type_is_415() -> None:
    assert refusal_of(make_request(body=b"?")) == (415, (("Accept", "application/sdp"),))


def test_a_compressed_body_is_415() -> None:
    request = make_request(
        "INVITE", ("Content-Type", "application/sdp"), ("Content-Encoding", "gzip"), body=b"?"
    )

    assert refusal_of(request) == (415, (("Accept-Encoding", "identity"),))


def test_sdp_passes_and_the_body_of_a_bye_is_nobodys_business() -> None:
    assert refusal_of(make_request("INVITE", ("Content-Type", "Application/SDP;a=b"), body=b"?")) is None
    assert refusal_of(make_request("BYE", ("Content-Type", "text/plain"), body=b"?")) is None
