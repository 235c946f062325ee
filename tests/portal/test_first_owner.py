"""The first start: who follows the link makes the owner, and the account where there is none."""

import pytest

from ringbridge.store.users import SqlUsers
from tests.portal.conftest import PASSWORD, Desk

FIELDS = {
    "account_name": "Blue Bottle",
    "country": "gb",
    "main_number": "020 7946 0958",
    "name": "Ann",
    "login": "Ann@Example.com",
    "password": PASSWORD,
}


async def link(desk: Desk) -> str:
    token = await desk.portal.links.owner_link()
    assert token is not None
    return f"/welcome/{token}"


async def test_owner_and_account_are_made(new_desk: Desk) -> None:
    client, path = await new_desk.client(), await link(new_desk)
    assert (await client.get(path)).status == 200
    assert (await client.post(path, FIELDS)).location == "/"
    (account,) = new_desk.administration.accounts()
    assert (account.name, account.country, account.main_number) == ("Blue Bottle", "GB", "+442079460958")
    owner = SqlUsers(new_desk.database).by_login("ann@example.com")
    assert owner is not None
    assert (owner.account_id, owner.role.value, owner.runs_server) == (account.id, "owner", True)
    assert "Blue Bottle" in (await client.get("/users")).text
    assert await new_desk.portal.links.owner_link() is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("country", "XX", "This is not a country."),
        ("account_name", "", "Use 1 to 100 characters."),
        ("main_number", "hello", "This is not a telephone number."),
        ("login", "a", "Use 2 to 128 characters without blanks."),
        ("password", "password1234", "This is one of the first passwords that guessers try."),
    ],
)
async def test_a_wrong_field_leaves_the_link_as_it_is(
    new_desk: Desk, field: str, value: str, sentence: str
) -> None:
    client, path = await new_desk.client(), await link(new_desk)
    reply = await client.post(path, FIELDS | {field: value})
    assert (reply.status, sentence in reply.text) == (400, True)
    assert PASSWORD not in reply.text
    assert new_desk.administration.accounts() == []
    assert (await client.post(path, FIELDS)).status == 303


async def test_with_accounts_one_of_them_is_chosen(new_desk: Desk) -> None:
    account = new_desk.administration.add_account("Acme", account_id="1009683")
    client, path = await new_desk.client(), await link(new_desk)
    assert "Acme (1009683)" in (await client.get(path)).text
    assert "There is no such account." in (await client.post(path, FIELDS | {"account": "7"})).text
    assert (await client.post(path, FIELDS | {"account": account.id})).status == 303
    assert new_desk.administration.accounts() == [account]


async def test_the_link_is_too_old_after_ten_minutes_and_a_new_one_ends_it(new_desk: Desk) -> None:
    client, path = await new_desk.client(), await link(new_desk)
    newer = await link(new_desk)
    assert (await client.get(path)).status == 410
    new_desk.clock.skipped_seconds += 599.0
    assert (await client.get(newer)).status == 200
    new_desk.clock.skipped_seconds += 1.0
    assert (await client.post(newer, FIELDS)).status == 410
    assert new_desk.administration.accounts() == []
