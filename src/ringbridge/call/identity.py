"""Somebody else who says who people are: an OpenID provider, as sign-in asks it. Pure."""

from typing import NamedTuple, Protocol

from ringbridge.call.errors import CallError
from ringbridge.call.user import SignInRefused


class IdentityUnavailable(CallError):
    """The provider does not answer, or not as OpenID Connect has it; the text is for the log."""

    code = "identity_unavailable"


class IdentityRefused(SignInRefused):
    """The provider vouches for nobody, or for nobody whom this server knows; the text is for the log."""

    code = "identity_refused"


class Identity(NamedTuple):
    """Whom the provider vouches for. `email` is in lower case; '' for one that it has not verified."""

    subject: str
    email: str


class IdentityProvider(Protocol):
    """Asks the provider. Both raise IdentityUnavailable."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    async def sign_in_url(
        self, *, redirect_uri: str, state: str, nonce: str, verifier: str, again: bool
    ) -> str:
        """Where the browser goes to sign in. `again`: with the password, even if it is signed in there."""
        ...

    async def identity(
        self, code: str, *, redirect_uri: str, nonce: str, verifier: str, again: bool
    ) -> Identity:
        """Who came back with `code`. Raises IdentityRefused where that is not what was asked for."""
        ...
