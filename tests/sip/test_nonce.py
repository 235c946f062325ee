"""Which of our nonces may be used, and how often."""

from ringbridge.sip.nonce import Nonces

LIFE_SECONDS = 300.0
PHONE = "192.0.2.7"


def make_nonces(key: bytes = b"secret") -> Nonces:
    return Nonces(key, LIFE_SECONDS)


def test_a_nonce_may_be_used_with_ever_higher_counts() -> None:
    nonces = make_nonces()
    nonce = nonces.make(PHONE, "a1", 1000.0)

    assert nonces.take(nonce, 1, PHONE, 1001.0)
    assert nonces.take(nonce, 2, PHONE, 1002.0)
    assert nonces.take(nonce, 9, PHONE, 1003.0)


def test_a_nonce_with_a_count_that_was_used_is_a_replay() -> None:
    nonces = make_nonces()
    nonce = nonces.make(PHONE, "a1", 1000.0)
    nonces.take(nonce, 5, PHONE, 1001.0)

    assert not nonces.take(nonce, 5, PHONE, 1002.0)
    assert not nonces.take(nonce, 4, PHONE, 1002.0)


def test_a_nonce_is_good_for_its_life_only() -> None:
    nonces = make_nonces()
    nonce = nonces.make(PHONE, "a1", 1000.0)

    assert nonces.take(nonce, 1, PHONE, 1000.0 + LIFE_SECONDS)
    assert not nonces.take(nonce, 2, PHONE, 1000.5 + LIFE_SECONDS)


def test_a_nonce_is_good_for_who_asked_for_it_only() -> None:
    nonces = make_nonces()
    nonce = nonces.make(PHONE, "a1", 1000.0)

    assert not nonces.take(nonce, 1, "192.0.2.8", 1001.0)


def test_nonces_of_one_moment_differ() -> None:
    nonces = make_nonces()

    assert nonces.make(PHONE, "a1", 1000.0) != nonces.make(PHONE, "a2", 1000.0)


def test_what_another_process_or_nobody_made_is_refused() -> None:
    nonces = make_nonces()
    own = nonces.make(PHONE, "a1", 1000.0)
    altered = ("0" if own[0] != "0" else "1") + own[1:]

    for foreign in (make_nonces(b"other").make(PHONE, "a1", 1000.0), altered, "", "x", "\udcff" * 50):
        assert not nonces.take(foreign, 1, PHONE, 1001.0)


def test_only_nonces_that_were_used_are_remembered_and_only_for_their_life() -> None:
    nonces = make_nonces()
    for number in range(100):
        nonces.make(PHONE, f"unused{number}", 1000.0)
    assert len(nonces) == 0
    for number in range(10):
        nonces.take(nonces.make(PHONE, f"used{number}", 1000.0), 1, PHONE, 1000.0)
    assert len(nonces) == 10

    later = 1001.0 + LIFE_SECONDS
    nonces.take(nonces.make(PHONE, "later", later), 1, PHONE, later)

    assert len(nonces) == 1
