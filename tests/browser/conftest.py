"""Debian's Chromium at a real server. `portal` is nobody's browser, `owner` the owner's."""

import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.pages import furnish
from tests.browser.portal import CHROMIUM, PATIENCE_MILLISECONDS, Portal, launch, portal_of
from tests.peers.server import Deployment, Server

# Five seconds, if nobody says otherwise: less than a busy machine may need.
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Debian's chromium")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """An account with three lines, a key, a trunk and what the pages show besides, and no owner yet."""
    deployment = Deployment.provision(tmp_path_factory.mktemp("portal") / "data", lines=3)
    furnish(deployment)
    return deployment


@pytest.fixture(scope="module")
def new_server(provisioned: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's own that nobody owns yet."""
    with Server.running(provisioned.copied_to(tmp_path_factory.mktemp("new") / "data")) as server:
        yield server


@pytest.fixture(scope="module")
def owned_server(
    provisioned: Deployment, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of the module's own with an owner (`portal.LOGIN`, `portal.PASSWORD`)."""
    with Server.running(provisioned.copied_to(tmp_path_factory.mktemp("owned") / "data")) as server:
        with portal_of(server, browser) as portal:
            portal.make_owner()
        yield server


@pytest.fixture
def portal(owned_server: Server, browser: Browser) -> Iterator[Portal]:
    """A browser at the owned server, not signed in."""
    with portal_of(owned_server, browser) as portal:
        yield portal


@pytest.fixture
def owner(portal: Portal) -> Portal:
    """The owner's browser, signed in."""
    portal.sign_in()
    portal.page.wait_for_url(portal.url("/"))
    return portal


@pytest.fixture(scope="package")
def other_site() -> Iterator[str]:
    """Another site, with a page whose button sends a form to the address that its own query names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = html.escape(self.path.partition("?")[2])
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                f"<!DOCTYPE html><title>Elsewhere</title><link rel=icon href='data:,'>"
                f"<form method=post action='{target}'><button>Win a prize</button></form>".encode()
            )

        def log_message(self, *arguments: object) -> None:
            pass

    # By name, since the same address would be the same site.
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()
