"""Photographs the pages of tests/browser/pages.py: see scripts/screenshots."""

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.history_furniture import begin_calls
from tests.browser.pages import OPEN_PAGES, PAGES, furnish
from tests.browser.portal import launch, portal_of
from tests.peers.server import Deployment, Server

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
SCHEMES = ("light", "dark")


def file_of(name: str, device: str, scheme: str) -> Path:
    """Where the picture of a page is kept."""
    return FOLDER / f"{name}-{device}-{scheme}.png"


def photograph(server: Server, browser: Browser, prefix: str) -> None:
    """All pages whose name begins with `prefix`."""
    for scheme in SCHEMES:
        for device, (width, height) in WIDTHS.items():
            with portal_of(server, browser, width=width, height=height, scheme=scheme) as portal:
                for signed_in, pages in ((False, OPEN_PAGES), (True, PAGES)):
                    if signed_in:
                        portal.sign_in()
                        portal.page.wait_for_url(portal.url("/"))
                    for name, path in pages.items():
                        if name.startswith(prefix):
                            portal.page.set_viewport_size({"width": width, "height": height})
                            portal.open(path)
                            # As high as the page, so that what stays in place as it scrolls reaches to its end.
                            whole = portal.page.evaluate("document.documentElement.scrollHeight")
                            portal.page.set_viewport_size({"width": width, "height": max(height, whole)})
                            save(portal.page.screenshot(), file_of(name, device, scheme))


def save(picture: bytes, file: Path) -> None:
    """With 256 colours, which pages do not exceed by much: a third of the size."""
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file.relative_to(FOLDER.parents[1]), file.stat().st_size)  # noqa: T201


def main(prefix: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment.provision(Path(folder) / "data", lines=3)
        furnish(deployment)
        with Server.running(deployment) as server, sync_playwright() as playwright:
            browser = launch(playwright)
            with portal_of(server, browser) as portal:
                portal.make_owner()
            begin_calls(server)
            photograph(server, browser, prefix)
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
