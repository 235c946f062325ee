"""Of which keys the doctor speaks, and of which it does not."""

from dataclasses import replace

import pytest

from ringbridge.call.key import ApiKey, KeyUse
from ringbridge.cli.key_state import key_findings

DAY = 86_400.0
NOW = 1_000 * DAY
KEY = ApiKey(
    id="0G3kZr81Qa",
    account_id="1009683",
    name="CRM",
    secret_digest="0f",
    created_at=NOW - 300 * DAY,
    expires_at=NOW + 65 * DAY,
)


def used(days_ago: float) -> KeyUse:
    return KeyUse(NOW - days_ago * DAY, "192.0.2.1")


@pytest.mark.parametrize(
    ("key", "use"),
    [
        (KEY, used(0)),
        (KEY, used(89)),
        (replace(KEY, created_at=NOW - 89 * DAY), None),
        (replace(KEY, not_before=NOW + DAY), None),
        (replace(KEY, not_before=NOW - 89 * DAY), None),
        # What ends soon and is not used ends by itself; so does the old one of two keys once its program has the new one.
        (replace(KEY, expires_at=NOW + DAY), used(40)),
        (replace(KEY, expires_at=NOW), used(0)),
        (replace(KEY, revoked_at=NOW - DAY), used(100)),
    ],
)
def test_most_keys_are_not_spoken_of(key: ApiKey, use: KeyUse | None) -> None:
    assert list(key_findings(key, use, NOW)) == []


@pytest.mark.parametrize(
    ("key", "use", "found", "mend"),
    [
        (KEY, used(90), "last used 1972-06-29", "if nobody needs it: ringbridge key revoke 0G3kZr81Qa"),
        (KEY, None, "never used since 1971-12-02", "if nobody needs it: ringbridge key revoke 0G3kZr81Qa"),
        (
            replace(KEY, expires_at=NOW + 29 * DAY),
            used(1),
            "is in use and ends 1972-10-26",
            "give its program a new one: ringbridge key rotate 0G3kZr81Qa",
        ),
    ],
)
def test_what_is_forgotten_or_ends_soon_is_told_with_what_to_do(
    key: ApiKey, use: KeyUse | None, found: str, mend: str
) -> None:
    [finding] = key_findings(key, use, NOW)
    assert (finding.level.value, finding.subject, finding.mend) == ("warn", "key 0G3kZr81Qa", mend)
    assert finding.found.startswith("'CRM' of account 1009683")
    assert found in finding.found
