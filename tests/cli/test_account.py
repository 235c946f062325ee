"""Accounts on the command line."""

import json
from pathlib import Path

from ringbridge.store.administration import Administration
from ringbridge.store.database import open_database
from tests.cli.conftest import Ringbridge


def test_an_account_is_added_and_its_id_is_all_that_is_printed(ringbridge: Ringbridge) -> None:
    status, out, _ = ringbridge("account", "add", "--name", "Blue Bottle")

    assert status == 0
    assert out.strip().isdigit()
    assert len(out.strip()) == 7


def test_accounts_are_listed_for_people_and_for_programs(ringbridge: Ringbridge, account: str) -> None:
    ringbridge(
        "account", "add", "--name", "Bleu", "--id", "7", "--country", "fr", "--main-number", "0142685300"
    )

    assert ringbridge("account", "list").out == (
        "id       name         country  language  main_number   suspended\n"
        "1009683  Blue Bottle  US       en        -             no\n"
        "7        Bleu         FR       en        +33142685300  no\n"
    )
    assert [row["name"] for row in json.loads(ringbridge("account", "list", "--json").out)] == [
        "Blue Bottle",
        "Bleu",
    ]


def test_without_accounts_the_list_says_how_to_add_one(ringbridge: Ringbridge) -> None:
    assert ringbridge("account", "list") == (
        0,
        "",
        'no accounts yet: ringbridge account add --name "Blue Bottle"\n',
    )


def test_an_account_is_shown_with_how_much_it_has(ringbridge: Ringbridge, account: str) -> None:
    ringbridge("key", "create", "--account", account)

    [row] = json.loads(ringbridge("account", "show", account, "--json").out)

    assert (row["id"], row["keys"], row["lines"]) == (account, 1, 0)


def test_an_account_may_be_suspended_with_its_calls(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    def ends_calls() -> bool:
        [found] = Administration(open_database(f"sqlite:///{tmp_path}/data/ringbridge.db")).accounts()
        return found.ends_calls

    for word, ends in (("--end-calls", True), (None, False)):
        ringbridge("account", "suspend", account, *([word] if word else []))
        assert ends_calls() == ends


def test_an_account_is_suspended_and_resumed(ringbridge: Ringbridge, account: str) -> None:
    def is_suspended() -> bool:
        [row] = json.loads(ringbridge("account", "list", "--json").out)
        return bool(row["suspended"])

    assert ringbridge("account", "suspend", account) == (0, "", "")
    assert is_suspended()
    assert ringbridge("account", "resume", account) == (0, "", "")
    assert not is_suspended()
    assert ringbridge("account", "suspend", "2").err == "ringbridge: There is no account 2.\n"


def test_what_is_no_country_no_number_no_id_and_no_free_id_is_refused(
    ringbridge: Ringbridge, account: str
) -> None:
    add = ("account", "add", "--name", "Bleu")

    assert ringbridge(*add, "--country", "England").err == (
        "ringbridge: 'England' is not a country: give its two letters, such as US or GB\n"
    )
    assert ringbridge(*add, "--main-number", "12").err == "ringbridge: '12' is not a telephone number in US\n"
    assert ringbridge(*add, "--id", "blue").err == "ringbridge: --id takes up to 20 digits, not 'blue'\n"
    assert ringbridge(*add, "--language", "tlh").err == (
        "ringbridge: --language takes en, es, fr, de, pt or it, not 'tlh'\n"
    )
    assert ringbridge(*add, "--main-number", "911").err == "ringbridge: '911' is an emergency number in US\n"
    assert ringbridge("account", "add", "--name", " ").err == (
        "ringbridge: a name has at least one character that can be seen\n"
    )
    assert ringbridge(*add, "--id", account).err == (
        "ringbridge: There is an account 1009683 already. Give another id, or none.\n"
    )


def test_what_is_given_of_an_account_changes_and_nothing_else(ringbridge: Ringbridge, account: str) -> None:
    def now() -> dict[str, object]:
        [row] = json.loads(ringbridge("account", "list", "--json").out)
        return dict(row)

    before = now()

    words = ("--country", "fr", "--language", "FR", "--main-number", "0142685300")
    assert ringbridge("account", "set", account, *words) == (0, "", "")
    changed = before | {"country": "FR", "language": "fr", "main_number": "+33142685300"}
    assert now() == changed
    assert ringbridge("account", "set", account, "--name", "Bleu", "--unset", "main-number") == (0, "", "")
    assert now() == changed | {"name": "Bleu", "main_number": None}


def test_a_change_of_an_account_that_cannot_be_is_one_sentence(ringbridge: Ringbridge, account: str) -> None:
    def refusal(*words: str) -> str:
        status, out, err = ringbridge("account", "set", *words)
        assert (status, out) == (2, "")
        return err.removeprefix("ringbridge: ")

    assert refusal(account) == "nothing to change: give the options that are to be different\n"
    assert refusal("2", "--name", "X") == "There is no account 2.\n"
    assert refusal(account, "--language", "xx") == "--language takes en, es, fr, de, pt or it, not 'xx'\n"
    assert refusal(account, "--main-number", "+18175629657", "--unset", "main-number") == (
        "--main-number and --unset main-number do not go together\n"
    )
