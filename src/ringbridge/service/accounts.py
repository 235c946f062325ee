"""What is said of an account, as its people change it."""

import asyncio
from dataclasses import replace

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption
from ringbridge.call.ports import AccountStore
from ringbridge.service.details import checked_account
from ringbridge.service.sign_in import SignedIn


class AccountService:
    """The account of whoever asks. All methods raise StoreUnavailable."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts

    async def change(self, by: SignedIn, *, name: str, country: str, language: str, main_number: str) -> None:
        """Put these in place of what there is. Raises InvalidOption."""

        def changed(before: Account) -> Account:
            wanted = replace(
                before, name=name, country=country, language=language, main_number=main_number or None
            )
            try:
                return checked_account(wanted)
            except InvalidOption as error:
                # There it is a field among those of a person.
                if error.option == "account_name":
                    raise InvalidOption("name", error.code) from error
                raise

        await asyncio.to_thread(self._accounts.change_account, by.account.id, changed)
