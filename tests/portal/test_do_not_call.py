"""The page of numbers that are not called, and that of rates: searched, added to, read from files."""

import aiohttp
import pytest

from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.rates import RateTable
from tests.portal.conftest import ACCOUNT_ID, OTHER_ACCOUNT_ID, Client, Desk

NUMBER = "+15125292329"


def numbers(desk: Desk, account_id: str = ACCOUNT_ID) -> dict[str, str | None]:
    return {entry.number: entry.reason for entry in DoNotCallList(desk.database, account_id).entries()}


def upload(data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", data, filename="list.csv", content_type="text/csv")
    return form


async def test_a_number_is_added_with_why_and_removed(desk: Desk, operator: Client) -> None:
    assert "No number is on the list." in (await operator.get("/do-not-call")).text
    added = await operator.post("/do-not-call", {"number": "(512) 529-2329", "reason": "asked <us>"})
    assert added.location == "/do-not-call"
    assert (numbers(desk), numbers(desk, OTHER_ACCOUNT_ID)) == ({NUMBER: "asked <us>"}, {})
    assert await desk.directory.is_barred(ACCOUNT_ID, NUMBER)
    shown = (await operator.get("/do-not-call")).text
    assert "asked &lt;us&gt;" in shown
    assert "+15125292329 is not called any more." in shown
    assert (await operator.post("/do-not-call/remove", {"number": NUMBER})).location == "/do-not-call"
    assert numbers(desk) == {}
    assert (await operator.post("/do-not-call/remove", {"number": NUMBER})).status == 404


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": "hello"}, "This is not a telephone number."),
        ({"number": "911"}, "This is an emergency number."),
        ({"number": "5125292329"}, "This number is on the list already."),
        ({"reason": "a" * 201}, "Use at most 200 characters."),
    ],
)
async def test_a_wrong_field_is_said_beside_it(
    desk: Desk, operator: Client, fields: dict[str, str], sentence: str
) -> None:
    DoNotCallList(desk.database, ACCOUNT_ID).add({NUMBER: None}, at=1.0)
    reply = await operator.post("/do-not-call", {"number": "5125292330", "reason": "why"} | fields)
    assert (reply.status, sentence in reply.text, "emergency" in sentence) == (
        400,
        True,
        fields == {"number": "911"},
    )
    assert list(numbers(desk)) == [NUMBER]


async def test_the_list_is_searched_and_comes_in_pages(desk: Desk, auditor: Client) -> None:
    every = [f"+1512529{last:04}" for last in range(60)]
    DoNotCallList(desk.database, ACCOUNT_ID).add(dict.fromkeys(every), at=1.0)
    first = await auditor.get("/do-not-call")
    assert (every[49] in first.text, every[50] in first.text) == (True, False)
    second = await auditor.get(first.value(r'rel="next" href="([^"]+)"').replace("&amp;", "&"))
    assert (every[49] in second.text, every[59] in second.text) == (False, True)
    found = (await auditor.get("/do-not-call?search=512+529-0007")).text
    assert (every[7] in found, every[8] in found) == (True, False)
    assert every[41] in (await auditor.get("/do-not-call?search=%2B1512529004")).text
    assert "No number on the list begins so." in (await auditor.get("/do-not-call?search=hello")).text


async def test_a_file_is_taken_whole_or_not_at_all(desk: Desk, operator: Client) -> None:
    good = b"number,reason\n5125292329,asked us\n5125292330,\n"
    assert (await operator.post("/do-not-call/import", upload(good))).location == "/do-not-call"
    assert numbers(desk) == {NUMBER: "asked us", "+15125292330": None}
    assert "Added: 2." in (await operator.get("/do-not-call")).text
    await operator.post("/do-not-call/import", upload(b"5125292330\n5125292331\n"))
    assert "Added: 1. On the list already: 1." in (await operator.get("/do-not-call")).text
    for data, sentence in (
        (b"5125292332\nhello\n", "Row 2: hello is not a telephone number. No number was added."),
        (b"\xff\xfe", "The file is not text in UTF-8"),
        (b"", "Choose a file with numbers in its first column."),
    ):
        refused = await operator.post("/do-not-call/import", upload(data))
        assert (refused.status, sentence in refused.text) == (400, True)
    assert len(numbers(desk)) == 3


async def test_a_long_file_is_written_in_parts_and_one_that_is_too_long_is_refused(
    desk: Desk, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.service.do_not_call.BATCH", 2)
    monkeypatch.setattr("ringbridge.service.do_not_call.MOST_IMPORTED", 5)
    data = b"".join(b"512529%04d\n" % last for last in range(5))
    assert (await operator.post("/do-not-call/import", upload(data))).location == "/do-not-call"
    assert "Added: 5." in (await operator.get("/do-not-call")).text
    added = [entry for entry in SqlAuditLog(desk.database).last(9) if entry.action == "do_not_call.added"]
    assert [entry.after for entry in reversed(added)] == ['{"numbers":2}', '{"numbers":2}', '{"numbers":1}']
    refused = await operator.post("/do-not-call/import", upload(data + b"5125299999\n"))
    assert (refused.status, "The file has more than" in refused.text) == (400, True)
    assert len(numbers(desk)) == 5


async def test_who_may_not_change_the_list(auditor: Client, user: Client) -> None:
    for path in ("/do-not-call", "/do-not-call/import", "/do-not-call/remove"):
        assert (await auditor.post(path, {"number": NUMBER})).status == 403
    assert "Add a number" not in (await auditor.get("/do-not-call")).text
    assert (await user.get("/do-not-call")).status == 403


async def test_rates_are_exchanged_by_who_runs_the_server(
    desk: Desk, owner: Client, operator: Client
) -> None:
    assert "There are no rates." in (await operator.get("/limits/rates")).text
    data = b"prefix,per_minute\n+1,0.01\n+1876,0.2\n"
    assert (await operator.post("/limits/rates", upload(data))).status == 403
    assert (await owner.post("/limits/rates", upload(data))).location == "/limits/rates"
    assert RateTable(desk.database).all() == {"+1": 10_000, "+1876": 200_000}
    found = (await operator.get("/limits/rates?search=%2B18765")).text
    assert ("0.20" in found, "0.01" in found) == (True, True)
    assert "0.20" not in (await operator.get("/limits/rates?search=512")).text
    refused = await owner.post("/limits/rates", upload(b"prefix,per_minute\n+1,cheap\n"))
    assert (refused.status, "Row 2: write a prefix" in refused.text) == (400, True)
    assert len(RateTable(desk.database).all()) == 2
