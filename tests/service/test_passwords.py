"""Which passwords are taken, and that comparing takes the same work whether there is such a user or not."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from ringbridge.call.user import UnusablePassword
from ringbridge.service import passwords
from ringbridge.service.passwords import Passwords

PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven char", "too_short"),
        ("x" * 257, "too_long"),
        ("aaaaaaaaaaaaaa", "too_common"),
        ("Password1234!", "too_common"),
        ("1qaz2wsx3edc", "too_common"),
        ("michaeljackson", "too_common"),
        ("RingbridgeRingbridge", "too_common"),
        ("ANN@example.com1", "too_common"),
        ("ann.ann.ann.ann", "too_common"),
        ("Aa1!" * 64, "too_common"),
    ],
)
async def test_some_passwords_are_nobodys(password: str, code: str) -> None:
    with pytest.raises(UnusablePassword) as caught:
        await Passwords().require_usable(password, login="ann@example.com")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "password",
    [PASSWORD, "ñandú ñandú ñandú", "twelve chars", "\ud800 quiet zorbing", "q7vz tk9w" + "x" * 200],
)
async def test_a_sentence_will_do(password: str) -> None:
    await Passwords().require_usable(password, login="ann@example.com")


async def test_of_many_signs_only_the_rest_is_reckoned() -> None:
    # All ways to read these would take half a minute, so what they hide is looked at by itself.
    signs = "4@8({[<3691!|0$5+7%2"
    await Passwords().require_usable(signs * 2, login="ann@example.com")
    with pytest.raises(UnusablePassword):
        await Passwords().require_usable("@8({[<!|$+%3password1", login="ann@example.com")


async def test_the_right_password_is_known_again_and_no_other() -> None:
    kept = await Passwords().hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await Passwords().verify(PASSWORD, kept)
    assert not await Passwords().verify(PASSWORD + "r", kept)
    assert not await Passwords().verify(PASSWORD, "no hash at all")
    assert not await Passwords().verify(PASSWORD + "x" * 256, kept)


async def test_one_way_of_typing_is_as_good_as_another() -> None:
    kept = await Passwords().hash("ma\u00f1ana ma\u00f1ana")
    assert await Passwords().verify("man\u0303ana man\u0303ana", kept)
    assert not await Passwords().verify("\ud800" * 12, kept)


async def test_nobodys_password_takes_as_much_work() -> None:
    kept = await Passwords().hash(PASSWORD)
    assert extract_parameters(passwords._NOBODYS) == extract_parameters(kept)
    assert not await Passwords().verify(PASSWORD, None)


async def test_two_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2)

    class Counting(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            both.wait(60.0)
            with lock:
                at_once -= 1
            return "a hash"

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    keeper = Passwords()
    await asyncio.gather(*(keeper.hash(PASSWORD) for _ in range(6)))
    assert most == 2
