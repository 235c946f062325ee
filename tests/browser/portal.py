"""A browser at the portal of a real server: signing in, and what every page must keep to whatever it shows."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.peers.server import Server
from tests.peers.tool import LOOPBACK

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For a machine half as fast that does much else.
PATIENCE_MILLISECONDS = 60_000

LOGIN = "ann@example.com"
NAME = "Ann Owner"
PASSWORD = "correct horse battery staple"

_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
THEMES = ("light", "dark")
_RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"]


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@dataclass(kw_only=True)
class Portal:
    """The portal of `server` in a browser context of its own, which is nobody's yet. origin: how the browser names it.

    complaints: what the console said, what the policy forbade, what failed; foreign: requests to other hosts.
    """

    server: Server
    origin: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)
    foreign_is_expected: bool = False

    def url(self, path: str) -> str:
        """The address of `path`."""
        return self.origin + path

    def open(self, path: str) -> Page:
        """Go to a page, which must be there."""
        answer = self.page.goto(self.url(path))
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    def sign_in(self, login: str = LOGIN, password: str = PASSWORD) -> Page:
        """Through the form."""
        self.open("/login")
        self.page.get_by_label("Name or e-mail address").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        return self.page

    def make_owner(self) -> Page:
        """Follow the link that the server printed at its start, and fill in the form; whoever does that is signed in."""
        self.open("/welcome/" + owner_link(self.server))
        self.page.get_by_label("Your name").fill(NAME)
        self.page.get_by_label("Name or e-mail address to sign in with").fill(LOGIN)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Begin").click()
        self.page.wait_for_url(self.url("/"))
        return self.page

    def require_accessible(self) -> None:
        """No serious fault that axe finds in the page as it is now, in light and dark (WCAG 2.2 AA)."""
        for theme in THEMES:
            self.page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
            # Themes differ in their colours.
            faults = self._axe({} if theme == THEMES[0] else {"runOnly": _RULES_OF_COLOURS})
            assert not faults, f"{self.page.url} in {theme}:\n" + "\n".join(faults)

    def _axe(self, options: dict[str, list[str]]) -> list[str]:
        if not self.page.evaluate("() => 'axe' in window"):
            # Not as a script of the page, which its policy would not let in.
            self.page.evaluate(_AXE.read_text() + "; 0")
        found = self.page.evaluate(
            "options => axe.run(document, {resultTypes: ['violations'], ...options})", options
        )
        return [
            f"{each['id']} ({each['impact']}): {each['help']}\n    "
            + "\n    ".join(
                f"{node['html'][:200]} {json.dumps(node['any'][:1])[:400]}" for node in each["nodes"][:5]
            )
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    def require_clean(self) -> None:
        """Nothing was asked of another host, and nothing was complained of."""
        assert self.foreign_is_expected or not self.foreign, f"requests to other hosts: {self.foreign}"
        unexpected = [
            each
            for each in self.complaints
            if not any(f"status of {status}" in each for status in self.expected_statuses)
        ]
        assert not unexpected, "\n".join(unexpected)


@contextmanager
def portal_of(
    server: Server,
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: str = "light",
    host: str = LOOPBACK,
) -> Iterator[Portal]:
    """A context of its own at `host`; at the end of the block what every page must keep to is checked."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-US",
        timezone_id="America/Chicago",
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    origin = f"http://{host}:{server.http_port}"
    portal = Portal(server=server, origin=origin, context=context, page=page)

    def note_request(url: str) -> None:
        if urlsplit(url).scheme in ("http", "https") and not url.startswith(origin + "/"):
            portal.foreign.append(url)

    context.on("request", lambda request: note_request(request.url))
    context.on(
        "console",
        lambda message: (
            portal.complaints.append(f"{message.type}: {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    context.on("weberror", lambda error: portal.complaints.append(str(error.error)))
    try:
        yield portal
        portal.require_clean()
    finally:
        context.close()


def owner_link(server: Server) -> str:
    """The token of the link that the server printed at its start."""
    match = re.search(r"/welcome/([A-Za-z0-9_-]+)", server.log.read_text())
    assert match is not None, server.last_words()
    return match[1]
