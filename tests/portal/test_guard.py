"""What every answer says to browsers, requests from other sites, static files, and pages that are not there."""

import gzip
import re

import pytest

from ringbridge.portal.assets import Assets
from ringbridge.portal.navigation import ENTRIES
from tests.portal.catalogues import PORTAL
from tests.portal.conftest import PASSWORD, Client

SENTENCE = "This was sent by another site"


@pytest.mark.parametrize("path", ["/login", "/", "/nothing", "/static/nothing.css", "/users"])
async def test_browsers_are_told_what_pages_may_do(owner: Client, path: str) -> None:
    reply = await owner.get(path)
    assert reply.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "{url}"},
    ],
)
async def test_what_another_site_sends_is_refused(owner: Client, headers: dict[str, str]) -> None:
    named = {name: value.replace("{url}", owner.url) for name, value in headers.items()}
    reply = await owner.post("/logout", **named)
    assert (reply.status, SENTENCE in reply.text) == (403, True)
    assert (await owner.get("/profile")).status == 200


async def test_an_older_browser_names_the_origin(owner: Client) -> None:
    async with owner.session.post(owner.url + "/logout", allow_redirects=False) as answer:
        assert answer.status == 403
    origin = {"Origin": "http://evil.example"}
    async with owner.session.post(owner.url + "/logout", headers=origin, allow_redirects=False) as answer:
        assert answer.status == 403
    origin = {"Origin": owner.url}
    async with owner.session.post(owner.url + "/logout", headers=origin, allow_redirects=False) as answer:
        assert answer.status == 303


async def test_a_page_that_is_not_there_is_a_page(owner: Client, visitor: Client) -> None:
    reply = await owner.get("/nothing")
    assert (reply.status, "There is no such page" in reply.text) == (404, True)
    assert (await owner.get("/users/")).status == 404
    assert "No existe" not in (await visitor.get("/nothing")).text
    assert "Esta página no existe" in (await visitor.get("/nothing", **{"Accept-Language": "es"})).text
    part = await visitor.get("/nothing", **{"HX-Request": "true"})
    assert (part.status, part.text.startswith('<div class="alert')) == (404, True)


async def test_a_script_is_led_on_as_a_whole_page(visitor: Client) -> None:
    reply = await visitor.get(
        "/dashboard/now", **{"HX-Request": "true", "Referer": f"{visitor.url}/dashboard"}
    )
    assert (reply.status, reply.headers["hx-redirect"]) == (200, "/login?next=/dashboard")


async def test_whoever_sends_a_form_too_late_is_led_back_to_it(visitor: Client) -> None:
    reply = await visitor.post("/lines", {"number": "201"}, Referer=f"{visitor.url}/lines/new")
    assert reply.location == "/login?next=/lines/new"
    assert "Your session is over" in (await visitor.get(reply.location)).text
    # Another site is no place to come back to.
    reply = await visitor.get("/dashboard/now", Referer="https://evil.example//evil.example/x")
    assert reply.location == "/login?next=/"


async def test_too_long_a_form_is_refused(visitor: Client) -> None:
    assert (await visitor.post("/login", {"login": "x" * 70_000, "password": PASSWORD})).status == 413


async def test_files_are_compressed_and_kept_for_good(visitor: Client) -> None:
    path = Assets().path("portal.css")
    plain = await visitor.get(path, **{"Accept-Encoding": "identity"})
    packed = await visitor.get(path, **{"Accept-Encoding": "gzip"})
    assert plain.text == packed.text
    assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-type"] == "text/css; charset=utf-8"
    for missing in ("/static/portal.css", "/static/vendor/htmx.LICENSE", "/static/../app.py"):
        assert (await visitor.get(missing)).status == 404


async def test_the_first_page_is_light(owner: Client) -> None:
    page = (await owner.get("/")).text
    paths = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert len(paths) >= 5
    octets = len(gzip.compress(page.encode()))
    for path in paths:
        async with owner.session.get(owner.url + path, auto_decompress=False) as answer:
            octets += len(await answer.read())
    assert octets < 300_000


async def test_the_side_has_what_there_is_and_one_may_open(owner: Client, user: Client) -> None:
    page = (await owner.get("/users")).text
    shown = set(re.findall(r'class="nav-link" href="([^"]+)"', page))
    assert "/users" in shown
    assert shown <= {entry.path for entry in ENTRIES}
    for path in shown:
        assert (await owner.get(path)).status == 200, path
    assert 'aria-current="page"' in page
    assert "/users" not in re.findall(r'class="nav-link" href="([^"]+)"', (await user.get("/")).text)


async def test_language_and_theme_are_the_users_choice(owner: Client, visitor: Client) -> None:
    assert (await owner.post("/profile/appearance", {"language": "es", "theme": "dark"})).status == 303
    page = (await owner.get("/profile")).text
    assert '<html lang="es" data-theme="dark" data-bs-theme="dark">' in page
    assert "Su perfil" in page
    assert (await owner.post("/profile/appearance", {"language": "xx", "theme": "dark"})).status == 404
    assert (await visitor.post("/language", {"language": "es"})).location == "/login"
    assert "Contraseña" in (await visitor.get("/login")).text


def test_templates_and_scripts_ask_no_other_host_and_have_nothing_inline() -> None:
    for file in (*PORTAL.rglob("*.html"), *(PORTAL / "static").glob("*.*")):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), file
        assert not re.search(r"<[^>{]*\s(style|on[a-z]+)=|<script>|<style", text), file
