"""What an OpenID provider's answer may be, as errors of the house."""

import pytest

from ringbridge.call.errors import CallError
from ringbridge.call.identity import IdentityRefused, IdentityUnavailable
from ringbridge.call.user import SignInRefused


@pytest.mark.parametrize(
    ("error", "code", "is_no"),
    [
        (IdentityUnavailable("it does not answer"), "identity_unavailable", False),
        (IdentityRefused("it knows nobody of that name"), "identity_refused", True),
    ],
)
def test_only_a_no_counts_as_a_refused_sign_in(error: CallError, code: str, is_no: bool) -> None:
    assert (error.code, isinstance(error, SignInRefused)) == (code, is_no)
