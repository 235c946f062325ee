"""A small OpenID provider, which asks nobody for a password: whoever comes is `email`."""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

CLIENT_ID, CLIENT_SECRET = "ring bridge", "s3cret&%"


@dataclass(kw_only=True)
class Provider:
    """What it says is to be set by a test: `claims` are put over those that are right."""

    email: str = "owner@example.com"
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    has_user_info: bool = False
    user_info: dict[str, Any] = field(default_factory=dict)
    now: float = 0.0
    issuer: str = ""
    is_down: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def configuration(self, request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=502)
        known = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
        }
        if self.has_user_info:
            known["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return web.json_response(known | self.metadata)

    async def authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = query
        back = URL(query["redirect_uri"]).update_query(code=code, state=query["state"])
        raise web.HTTPFound(back)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        header = request.headers.get("Authorization", "")
        if header:
            words = base64.b64decode(header.removeprefix("Basic ")).decode()
            is_known = words == "ring%20bridge:s3cret%26%25"
        else:
            is_known = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        asked = self._codes.pop(form["code"], None)
        if asked is None or not is_known or asked["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT_ID,
            "exp": self.now + 300,
            "iat": self.now,
            "auth_time": self.now,
            "nonce": asked["nonce"],
        }
        if not self.has_user_info:
            claims |= {"email": self.email, "email_verified": True}
        claims |= self.claims
        parts = ({"alg": "RS256"}, claims)
        text = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
        )
        token = f"{text}.c2lnbmF0dXJl"
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": token})

    async def userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        told = {"sub": "248289761001", "email": self.email, "email_verified": True}
        return web.json_response(told | self.user_info)


@asynccontextmanager
async def openid_provider(now: float) -> AsyncIterator[Provider]:
    """A running one; `now` is UTC seconds since 1970."""
    provider = Provider(now=now)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.configuration)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/userinfo", provider.userinfo)
    async with TestServer(app) as server:
        provider.issuer = f"http://127.0.0.1:{server.port}"
        yield provider
