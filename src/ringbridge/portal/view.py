"""One request for a page: who asks, what was sent, and how to answer. Every handler takes a View and returns a Response."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from babel.numbers import format_decimal
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Message

from ringbridge.call.directory import Account
from ringbridge.call.money import amount_text
from ringbridge.call.passkey import Place, PlaceUnusable, place_of
from ringbridge.call.user import SECOND_FACTOR_ROLES, Right, User
from ringbridge.portal import navigation
from ringbridge.portal.assets import Assets
from ringbridge.portal.form import Form, Texts
from ringbridge.portal.guard import Cookies, cookies_for
from ringbridge.portal.language import LANGUAGES, Language, preferred
from ringbridge.portal.rendering import render
from ringbridge.portal.services import Services
from ringbridge.portal.words import FALLBACK_FAULT, FAULTS
from ringbridge.service.authentication import Caller
from ringbridge.service.sign_in import LONGEST_SECONDS, SignedIn, Visitor

MOST_FORM_OCTETS = 64 * 1024
# Every country of the world may be ticked.
MOST_FIELDS = 500
NO_WORDS: Mapping[str, str] = {}
THEMES = ("system", "light", "dark")

_LONGEST_FLASH = 500
_AMOUNT = "#,##0.00####"


class SessionOver(Exception):
    """The session ended while its form was being sent."""


class View:
    """One request. `signed_in` is who asks; on pages that need nobody it may be None, and then `user` cannot be had."""

    def __init__(
        self,
        request: Request,
        services: Services,
        assets: Assets,
        paths: frozenset[str],
        signed_in: SignedIn | None,
    ) -> None:
        self.request = request
        self.services = services
        self.signed_in = signed_in
        self._assets = assets
        self._paths = paths
        self._flash: tuple[str, str] | None = None
        self._sent: FormData | None = None

    @property
    def me(self) -> SignedIn:
        """Who is signed in."""
        assert self.signed_in is not None, "a page that needs nobody has asked who it is"
        return self.signed_in

    @property
    def user(self) -> User:
        """Who is signed in."""
        return self.me.user

    @property
    def account(self) -> Account:
        """Their account: the only one that they may see anything of."""
        return self.me.account

    @property
    def caller(self) -> Caller:
        """As whom the services know them: what every call of a service takes."""
        return self.me.caller

    @property
    def visitor(self) -> Visitor:
        """Where the request comes from."""
        client = self.request.client
        return Visitor("" if client is None else client.host, self.request.headers.get("user-agent", ""))

    @property
    def place(self) -> Place:
        """Where the browser has the portal: what its passkeys are bound to. Raises PlaceUnusable."""
        return place_of(self.request.url.scheme, self.request.headers.get("host", ""))

    @property
    def place_fault(self) -> str | None:
        """Why no browser has passkeys there, as a code; None where they work."""
        try:
            place_of(self.request.url.scheme, self.request.headers.get("host", ""))
        except PlaceUnusable as error:
            return error.code
        return None

    @property
    def cookies(self) -> Cookies:
        """How this request's cookies are named."""
        return cookies_for(self.request.scope)

    @property
    def token(self) -> str | None:
        """What the session's cookie says."""
        return self.request.cookies.get(self.cookies.session)

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks for a part of a page (htmx)."""
        return "hx-request" in self.request.headers

    @cached_property
    def language(self) -> Language:
        """Of this answer: the user's own choice, that of the browser's cookie, or what the browser asks for."""
        own = None if self.signed_in is None else self.signed_in.user.language
        accept = self.request.headers.get("accept-language", "")
        return preferred(own, self.request.cookies.get("language"), accept=accept)

    @property
    def theme(self) -> str:
        """`light`, `dark`, or `system`."""
        theme = self.request.cookies.get("theme", "")
        return theme if theme in THEMES else "system"

    def text(self, text: str, **values: object) -> str:
        """`text` in the language of the page, with `{names}` filled in."""
        translated = self.language.text(text)
        return translated.format(**values) if values else translated

    def amount(self, micros: int) -> str:
        """Millionths of the currency as the language writes amounts of money."""
        return format_decimal(Decimal(amount_text(micros)), format=_AMOUNT, locale=self.language.locale)

    def fault(self, code: str, words: Mapping[str, str] = NO_WORDS) -> str:
        """The sentence for an error's code: of an area's own `words`, or of `words.FAULTS`."""
        text = words.get(code) or FAULTS.get(code)
        return self.text(FALLBACK_FAULT, code=code) if text is None else self.text(text)

    @property
    def needs_second_factor(self) -> bool:
        """Whether whoever is signed in has to set one up before anything else."""
        return (
            self.services.second_factor_required
            and self.user.role in SECOND_FACTOR_ROLES
            and self.user.totp_seed is None
        )

    def may(self, right: Right) -> bool:
        """Whether whoever asks has the right."""
        return self.signed_in is not None and self.signed_in.user.may(right)

    async def form(self, *, most_octets: int = MOST_FORM_OCTETS) -> Form:
        """The fields that were sent. Raises HTTPException for too many octets, and SessionOver."""
        receive = self.request.receive
        received = 0

        async def receive_within_bounds() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most_octets:
                raise HTTPException(413)
            return message

        request = Request(self.request.scope, receive_within_bounds)
        sent = self._sent = await request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=most_octets)
        texts: dict[str, list[str]] = {}
        files: dict[str, UploadFile] = {}
        for name, value in sent.multi_items():
            if isinstance(value, UploadFile):
                files[name] = value
            else:
                texts.setdefault(name, []).append(value)
        await self._require_session()
        return Form(texts, files)

    async def _require_session(self) -> None:
        """Whoever sends a form for minutes does nothing with it once their session was ended. Raises SessionOver."""
        if self.signed_in is None or self.token is None:
            return
        if await self.services.sign_in.find(self.token, counts=False) is None:
            raise SessionOver

    async def close(self) -> None:
        """Let go of the files that were sent."""
        if self._sent is not None:
            await self._sent.close()

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """The answer with a page, or a part of one. `values` are the template's names beside those of every page."""
        flash = self._flash or self._kept_flash()
        entry = navigation.current(self.request.url.path)
        entries = [each for each in navigation.ENTRIES if each.path in self._paths and self.may(each.right)]
        html = render(
            template,
            self.language,
            {
                "view": self,
                "user": None if self.signed_in is None else self.signed_in.user,
                "account": None if self.signed_in is None else self.signed_in.account,
                "language": self.language.code,
                "languages": LANGUAGES,
                "theme": self.theme,
                "asset": self._assets.path,
                "entries": [each for each in entries if each.path not in navigation.SETTINGS],
                "settings": [each for each in entries if each.path in navigation.SETTINGS],
                "entry": entry,
                "flash": flash,
                "may": self.may,
                "Right": Right,
                **values,
            },
        )
        response = HTMLResponse(html, status)
        if self.cookies.flash in self.request.cookies and not self.is_fragment:
            response.delete_cookie(
                self.cookies.flash, secure=self.cookies.is_secure, httponly=True, samesite="lax"
            )
        return response

    def form_page(
        self,
        template: str,
        values: Mapping[str, str],
        faults: Mapping[str, str] | None = None,
        *,
        words: Mapping[str, str] = NO_WORDS,
        **more: Any,
    ) -> Response:
        """A page with a form: `values` are what its fields show, `faults` maps names of fields to codes (`fault_of`).

        words: an area's own sentences for codes, `marked`.
        """
        status = 400 if faults else 200
        sentences = {name: self.fault(code, words) for name, code in (faults or {}).items()}
        return self.page(template, status=status, values=Texts(values), faults=Texts(sentences), **more)

    def go(self, path: str, *, flash: str | None = None, kind: str = "success") -> Response:
        """The answer that leads to another page of ours, which shows `flash` above everything else.

        flash: a sentence, translated; kind: success, info, warning or danger.
        """
        # 303: whatever it was, the next request is a GET (RFC 9110 section 15.4.4). A script's request would follow it
        # by itself and get a whole page where it wants a part of one: htmx has a header of its own.
        response = (
            Response(status_code=200, headers={"hx-redirect": path})
            if self.is_fragment
            else Response(status_code=303, headers={"location": path})
        )
        if flash is not None:
            value = quote(json.dumps([kind, flash[:_LONGEST_FLASH]]))
            self._set_cookie(response, self.cookies.flash, value, life_seconds=60)
        return response

    def begin_session(self, response: Response, token: str) -> Response:
        """Give the browser its session."""
        self._set_cookie(response, self.cookies.session, token, life_seconds=int(LONGEST_SECONDS))
        return response

    def end_session(self, response: Response) -> Response:
        """Take it back."""
        response.delete_cookie(
            self.cookies.session, secure=self.cookies.is_secure, httponly=True, samesite="lax"
        )
        return response

    def prefer(self, response: Response, name: str, value: str) -> Response:
        """Keep a choice of the browser's (`theme`, `language`) for a year. No secret: scripts may read and set it."""
        response.set_cookie(name, value, max_age=365 * 86_400, secure=self.cookies.is_secure, samesite="lax")
        return response

    def _set_cookie(self, response: Response, name: str, value: str, *, life_seconds: int) -> None:
        # Lax, so that a link from a mail or a chat finds its reader signed in; nothing is changed by following one.
        response.set_cookie(
            name,
            value,
            max_age=life_seconds,
            secure=self.cookies.is_secure,
            httponly=True,
            samesite="lax",
        )

    def _kept_flash(self) -> tuple[str, str] | None:
        if self.is_fragment:
            return None
        try:
            kind, text = json.loads(unquote(self.request.cookies.get(self.cookies.flash, "")))
        except (TypeError, ValueError, RecursionError):
            # None, or one that is not ours: pages of other ports of the same host may set it.
            return None
        return (kind, str(text)) if kind in ("success", "info", "warning", "danger") else None
