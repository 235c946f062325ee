"""From the link of an empty server to a joined call between two SIP phones, with no step outside the browser but starting them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.phones import Telephones, telephones
from tests.browser.portal import LOGIN, NAME, PASSWORD, Portal, owner_link, portal_of
from tests.peers.phone import Phone
from tests.peers.registrant import DeviceAccount, Registrant
from tests.peers.server import Deployment, Server, destination_number
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, free_sip_port, poll
from tests.scenarios.sound import USER_HZ, ear_of, voice_of

NUMBER = destination_number(7)
# What the Request-URI says at a phone that registered: its own contact.
CONTACT = "phone"


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data folder is empty; the ports are where the two phones will be."""
    deployment = Deployment(
        data_dir=tmp_path_factory.mktemp("empty"),
        account_id="",
        authorization="",
        user_port=free_sip_port(),
        trunk_port=free_sip_port(),
        host=LOOPBACK,
    )
    with Server.running(deployment) as server:
        yield server


@pytest.fixture
def phones(empty_server: Server) -> Iterator[Telephones]:
    with telephones(empty_server.deployment) as phones:
        yield phones


def next_step(page: Page, title: str) -> None:
    """The guide says that this is what to do now."""
    expect(page.locator("[aria-current=step] h2")).to_contain_text(title)


def test_from_nothing_to_the_first_call(empty_server: Server, phones: Telephones, browser: Browser) -> None:
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
        register(portal, phones)

        tried = phones.begin(answer_and_press(phones.user))
        page.get_by_role("button", name="Test this phone").click()
        expect(page.get_by_role("main")).to_contain_text("It works")
        expect(page.get_by_role("listitem").filter(has_text="Key 1 arrived")).to_be_visible()
        tried.result(WAIT_SECONDS)
        portal.require_accessible()

        page.get_by_role("main").get_by_role("link", name="First steps").click()
        next_step(page, "The first call")
        page.get_by_role("link", name="Call somebody").click()
        page.get_by_label("Number", exact=True).press_sequentially(NUMBER[1:])
        page.get_by_role("button", name="Call", exact=True).click()
        page.wait_for_url("**/dial/calls/*")
        stage = page.locator(".call-stage")
        expect(stage).to_contain_text("Your phone is ringing")
        answer_second(phones)
        expect(stage).to_contain_text("It rings there")
        phones.do(phones.destination_leg(NUMBER).answer)
        expect(stage).to_contain_text("You are talking")
        page.get_by_role("button", name="Hang up").click()
        expect(stage).to_contain_text("The call is over")

        portal.open("/start")
        next_step(page, "A key for your programs")
        page.get_by_role("main").get_by_role("link", name="API Integration").click()
        page.wait_for_url("**/settings/api")


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
    # The phone there answers no OPTIONS, as some carriers do not.
    expect(page.get_by_role("status")).to_contain_text("No answer")
    portal.require_accessible()


def register(portal: Portal, phones: Telephones) -> None:
    """Enter in the phone what the page shows; the page notices."""
    page = portal.page
    host, _, port = page.get_by_role("textbox", name="Server").input_value().rpartition(":")
    username = page.get_by_role("textbox", name="SIP user name").input_value()
    password = page.get_by_role("textbox", name="Password").input_value()
    account = DeviceAccount(username=username, password=password)
    expect(page.get_by_role("main")).to_contain_text("No phone is registered")
    portal.require_accessible()
    registrant = Registrant(phones.user, (host, int(port)), account)
    assert phones.begin(registrant.register()).result(WAIT_SECONDS).status == 200
    expect(page.get_by_role("main")).to_contain_text("Test Phone 1.0")


async def answer_and_press(phone: Phone) -> None:
    """Pick up the next call, listen, and press 1."""
    with voice_of(phone, USER_HZ) as voice:
        leg = await phone.leg_to(CONTACT)
        leg.answer()
        await voice.hear()
        voice.press("1", ear_of(leg))
        await leg.settled()


def answer_second(phones: Telephones) -> None:
    """Pick up the user's phone, which was called before."""

    async def answer() -> None:
        await poll(_count, lambda count: count == 2, "the second call")
        phones.user.legs[-1].answer()

    async def _count() -> int:
        return len(phones.user.legs)

    phones.begin(answer()).result(2 * WAIT_SECONDS)
