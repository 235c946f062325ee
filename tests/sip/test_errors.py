import pytest

from ringbridge.sip import errors
from ringbridge.sip.errors import (
    DigestUnsupported,
    LocalUseError,
    MalformedField,
    MalformedMessage,
    MalformedStream,
    MalformedUri,
    SipError,
    Unlocatable,
)
from ringbridge.sip.headers import Headers
from ringbridge.sip.message import Request


@pytest.mark.parametrize(
    "error",
    [
        MalformedMessage,
        MalformedStream,
        MalformedField,
        MalformedUri,
        DigestUnsupported,
        Unlocatable,
        LocalUseError,
    ],
)
def test_every_error_of_the_package_can_be_caught_as_one(error: type[Exception]) -> None:
    assert issubclass(error, SipError)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}

    assert errors.__doc__ is not None
    assert [name for name in sorted(defined) if name not in errors.__doc__] == []


def test_a_malformed_uri_is_a_malformed_field() -> None:
    assert issubclass(MalformedUri, MalformedField)


def test_a_malformed_message_deserves_400_and_no_answer_unless_told_otherwise() -> None:
    error = MalformedMessage("no good")

    assert (str(error), error.status, error.request) == ("no good", 400, None)


def test_a_malformed_message_carries_the_request_to_answer() -> None:
    request = Request(method="INVITE", uri="sip:desk@example.org", headers=Headers.of([]))

    assert MalformedMessage("no good", status=505, request=request).request is request
