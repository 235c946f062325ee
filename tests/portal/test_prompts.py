"""The page of prompts: heard, replaced by recordings of any kind, put back; from the next call on."""

import io
import math
import struct
import wave
from dataclasses import replace
from itertools import pairwise

import aiohttp
import pytest

from ringbridge.call.model import Prompt
from ringbridge.call.prompt import SPOKEN
from ringbridge.engines.native.prompts import PAYLOAD_TYPES
from ringbridge.media.g711 import decode_mu_law
from ringbridge.portal.pages.prompts import FAULTS, WORDS
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import Client, Desk


def recording(seconds: float = 0.5, rate: int = 44_100, channels: int = 2, tone: float = 440.0) -> bytes:
    """A WAVE file of a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        for index in range(int(seconds * rate)):
            sample = round(12_000 * math.sin(2 * math.pi * tone * index / rate))
            writer.writeframesraw(struct.pack("<h", sample) * channels)
    return file.getvalue()


def upload(data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(data), filename="hold.wav", content_type="audio/wav")
    return form


def crossings(data: bytes) -> int:
    """How often the mu-law sound goes from below zero to above: once for each period."""
    samples = decode_mu_law(data)
    return sum(one < 0 <= other for one, other in pairwise(samples))


def test_every_spoken_prompt_has_its_words() -> None:
    assert WORDS.keys() == set(SPOKEN)
    tones = {Prompt.RINGBACK, Prompt.ON_HOLD, Prompt.HUNG_UP, Prompt.SILENCE}
    assert set(Prompt) - set(SPOKEN) == tones


async def test_prompts_are_listed_by_language_and_heard(operator: Client) -> None:
    english = (await operator.get("/prompts")).text
    assert "Please hold" in english
    assert "Built in" in english
    assert "Not there: said in English" in (await operator.get("/prompts?language=nl")).text
    assert (await operator.get("/prompts?language=..")).status == 404
    with wave.open(io.BytesIO(await heard(operator, "/prompts/es/hold/sound"))) as file:
        assert file.getnframes() == 24_800
    assert (await operator.get("/prompts/nl/hold/sound")).status == 404
    assert (await operator.get("/prompts/tone/hold/sound")).status == 404
    assert (await operator.get("/prompts/en/silence/sound")).status == 404


async def test_a_recording_is_played_from_the_next_call_on(desk: Desk, owner: Client) -> None:
    built_in = desk.prompts.find("hold", "en")
    assert built_in is not None
    reply = await owner.post("/prompts/en/hold", upload(recording()))
    assert reply.location == "/prompts?language=en"
    own = desk.prompts.find("hold", "en-GB")
    assert own is not None
    assert own.stem != built_in.stem
    octets = [own.stem.with_name(f"hold.{number}").read_bytes() for number in PAYLOAD_TYPES]
    assert {len(each) for each in octets} == {4000}
    assert abs(crossings(octets[0]) - 220) <= 2
    assert not list(own.stem.parent.glob(".new-*"))
    page = (await owner.get("/prompts?language=en")).text
    assert ("Your own" in page, "0.5 seconds" in page) == (True, True)
    (entry,) = SqlAuditLog(desk.database).last(1)
    assert (entry.action, entry.target_id, entry.actor.id) == ("prompt.replaced", "en/hold", "id-owner")
    with wave.open(io.BytesIO(await heard(owner, "/prompts/en/hold/sound"))) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 4000)

    assert (await owner.post("/prompts/en/hold/restore")).location == "/prompts?language=en"
    assert desk.prompts.find("hold", "en") == built_in
    assert SqlAuditLog(desk.database).last(1)[0].action == "prompt.restored"
    assert (await owner.post("/prompts/en/hold/restore")).status == 404


async def heard(client: Client, path: str) -> bytes:
    async with client.session.get(client.url + path) as answer:
        return await answer.read()


async def test_a_language_of_ones_own_is_begun_with_one_prompt(desk: Desk, owner: Client) -> None:
    await owner.post("/prompts/nl/busy", upload(recording(rate=8_000, channels=1)))
    dutch, english = desk.prompts.find("busy", "nl"), desk.prompts.find("hold", "nl")
    assert dutch is not None
    assert english is not None
    assert (dutch.stem.parent.name, english.stem.parent.name) == ("nl", "en")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_wave"),
        (b"ID3\x04" + bytes(1000), "not_wave"),
        (recording()[:20], "broken_wave"),
        (recording(rate=2_000), "unsupported_wave"),
        (recording(seconds=20.1, rate=8_000, channels=1), "sound_too_long"),
        (recording(seconds=0.0), "empty_sound"),
    ],
)
async def test_what_is_no_recording_is_refused_and_changes_nothing(
    desk: Desk, owner: Client, data: bytes, code: str
) -> None:
    before = desk.prompts.find("hold", "en")
    reply = await owner.post("/prompts/en/hold", upload(data))
    assert (reply.status, FAULTS[code] in reply.text) == (400, True)
    assert desk.prompts.find("hold", "en") == before


async def test_a_file_that_is_too_large_is_not_read(owner: Client) -> None:
    assert (await owner.post("/prompts/en/hold", upload(bytes(9 * 1024 * 1024)))).status == 413


async def test_who_may_not_change_them(desk: Desk, owner: Client, operator: Client, user: Client) -> None:
    sound = recording(rate=8_000)
    assert "Replace" not in (await operator.get("/prompts")).text
    assert (await operator.post("/prompts/en/hold", upload(sound))).status == 403
    assert (await user.get("/prompts")).status == 403
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, runs_server=False))
    assert (await owner.post("/prompts/en/hold", upload(sound))).status == 403
    assert (await owner.post("/prompts/en/hold/restore")).status == 403
