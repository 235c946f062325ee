"""From the link of an empty server to a joined call between two softphones, with no step outside the browser but starting them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.phones import Aside, aside
from tests.browser.portal import LOGIN, NAME, PASSWORD, Portal, owner_link, portal_of
from tests.peers.baresip import Baresip
from tests.peers.server import Deployment, Server, destination_number
from tests.peers.tool import LOOPBACK, free_sip_port
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ, compare, hears

pytestmark = pytest.mark.peer

NUMBER = destination_number(7)


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data folder is empty; the trunk's port is where the second phone will be."""
    deployment = Deployment(
        data_dir=tmp_path_factory.mktemp("empty"),
        account_id="",
        authorization="",
        user_port=0,
        trunk_port=free_sip_port(),
        host=LOOPBACK,
    )
    with Server.running(deployment) as server:
        yield server


@pytest.fixture
def beside() -> Iterator[Aside]:
    """Where the phones live."""
    with aside() as beside:
        yield beside


def next_step(page: Page, title: str) -> None:
    """The guide says that this is what to do now."""
    expect(page.locator("[aria-current=step] h2")).to_contain_text(title)


def test_from_nothing_to_the_first_call(
    empty_server: Server, beside: Aside, browser: Browser, tmp_path: Path
) -> None:
    destination = beside.open(
        Baresip.running(
            f"+{NUMBER}",
            port=empty_server.deployment.trunk_port,
            tone_hz=DESTINATION_TONE_HZ,
            folder=tmp_path / "destination",
            picks_up=False,
        )
    )
    with portal_of(empty_server, browser) as portal:
        page = begin(portal)
        page.get_by_role("link", name="First steps").first.click()
        next_step(page, "A way to those who are called")
        expect(page.get_by_role("status")).to_contain_text("SIP is taken at 127.0.0.1 only")
        portal.require_accessible()
        add_trunk(portal)

        page.get_by_role("link", name="First steps").first.click()
        next_step(page, "A line for your phone")
        page.get_by_role("main").get_by_role("link", name="Add a line").click()
        page.get_by_label("Number", exact=True).fill("201")
        page.get_by_label("Whose line it is").fill("Ann")
        portal.require_accessible()
        page.get_by_role("button", name="Add the line").click()
        user = register(portal, beside, tmp_path / "user")

        page.get_by_role("button", name="Test this phone").click()
        beside.wait_for(answer_and_press(user))
        expect(page.get_by_role("main")).to_contain_text("It works")
        expect(page.get_by_role("listitem").filter(has_text="Key 1 arrived")).to_be_visible()
        portal.require_accessible()

        page.get_by_role("main").get_by_role("link", name="First steps").click()
        next_step(page, "The first call")
        page.get_by_role("link", name="Call somebody").click()
        page.get_by_label("Number", exact=True).press_sequentially(NUMBER[1:])
        page.get_by_role("button", name="Call", exact=True).click()
        page.wait_for_url("**/dial/calls/*")
        stage = page.locator(".call-stage")
        expect(stage).to_contain_text("Your phone is ringing")
        beside.wait_for(user.event("CALL_INCOMING"))
        beside.do(user.accept)
        expect(stage).to_contain_text("It rings there")
        beside.wait_for(destination.event("CALL_INCOMING"))
        beside.wait_for(listen_and_answer(user, destination))
        expect(stage).to_contain_text("You are talking")
        beside.wait_for(hears(destination, USER_TONE_HZ))
        beside.wait_for(hears(user, DESTINATION_TONE_HZ))
        page.get_by_role("button", name="Hang up").click()
        expect(stage).to_contain_text("The call is over")
        for phone in (user, destination):
            beside.wait_for(phone.event("CALL_CLOSED"))

        portal.open("/start")
        next_step(page, "A key for your programs")
        page.get_by_role("main").get_by_role("link", name="API Integration").click()
        page.wait_for_url("**/settings/api")
    compare(user, destination)


def begin(portal: Portal) -> Page:
    """The owner and the company, by the link that the server printed."""
    page = portal.open("/welcome/" + owner_link(portal.server))
    page.get_by_label("Its name").fill("Acme")
    page.get_by_label("Country").fill("US")
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("Name or e-mail address to sign in with").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url(portal.url("/"))
    return page


def add_trunk(portal: Portal) -> None:
    """The way to the second phone, which is tested."""
    page = portal.page
    page.get_by_role("main").get_by_role("link", name="Add a trunk").click()
    page.get_by_label("What the trunk is called").fill("carrier")
    page.get_by_label("Address", exact=True).fill(f"sip:{LOOPBACK}:{portal.server.deployment.trunk_port}")
    portal.require_accessible()
    page.get_by_role("button", name="Add the trunk").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    page.get_by_role("button", name="Test this trunk").click()
    expect(page.get_by_role("status")).to_contain_text("It answers")
    portal.require_accessible()


def register(portal: Portal, beside: Aside, folder: Path) -> Baresip:
    """Start a softphone with what the page shows; the page notices."""
    page = portal.page
    server, username, password = (
        page.get_by_role("textbox", name=name).input_value()
        for name in ("Server", "SIP user name", "Password")
    )
    expect(page.get_by_role("main")).to_contain_text("No phone is registered")
    portal.require_accessible()
    uri = f"sip:{username}@{server};transport=tcp"
    phone = beside.open(
        Baresip.registered(uri, password, tone_hz=USER_TONE_HZ, folder=folder, picks_up=False)
    )
    expect(page.get_by_role("main")).to_contain_text("baresip v")
    return phone


async def answer_and_press(phone: Baresip) -> None:
    """Pick up the next call, listen, and press 1, until the other side hangs up."""
    await phone.event("CALL_INCOMING")
    phone.accept()
    await phone.hears_for(1.0)
    phone.press("1")
    await phone.event("CALL_CLOSED")


async def listen_and_answer(user: Baresip, destination: Baresip) -> None:
    """Let it ring for a moment, as people do, and pick up."""
    # baresip hears nothing of a stream that another one follows within its first packets.
    await user.hears_for(1.5)
    destination.accept()
    await destination.event("CALL_ESTABLISHED")
