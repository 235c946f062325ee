"""Where each leg goes and what its phone shows. Pure.

The user's own phone shows who is being called; over the public network it shows a number of the account, because
showing somebody else's there is what carriers refuse as spoofing. The destination sees the user's own number, or the
account's main number when the line is only an internal extension.
"""

from collections.abc import Sequence
from typing import assert_never

from ringbridge.call.directory import Account, Line, LineKind, Trunk
from ringbridge.call.errors import CannotPlaceCalls
from ringbridge.call.model import Party


def user_party(line: Line, account: Account, trunks: Sequence[Trunk], destination_number: str) -> Party:
    """How the user's line is rung for a call to `destination_number`; raises CannotPlaceCalls."""
    calling = f"Calling {destination_number}"
    match line.kind:
        case LineKind.URI:
            return Party(
                number=line.number,
                target=line.uri or "",
                caller_number=destination_number,
                caller_name=calling,
            )
        case LineKind.DEVICE:
            return Party(number=line.number, target="", caller_number=destination_number, caller_name=calling)
        case LineKind.TRUNK:
            trunk = _trunk(trunks, line.trunk)
            own_number = account.main_number or line.number
            return Party(
                number=line.number,
                target=trunk_target(trunk, line.number),
                trunk=trunk.name,
                caller_number=own_number,
                caller_name=account.name,
            )
        case _:
            assert_never(line.kind)


def destination_party(number: str, line: Line, account: Account, trunks: Sequence[Trunk]) -> Party:
    """How `number` is dialled for the user at `line`; raises CannotPlaceCalls when there is no trunk."""
    trunk = _trunk(trunks, None)
    return Party(
        number=number,
        target=trunk_target(trunk, number),
        trunk=trunk.name,
        caller_number=line.number if line.number.startswith("+") else account.main_number or line.number,
        caller_name=line.name,
    )


def trunk_target(trunk: Trunk, number: str) -> str:
    """The Request-URI for `number` over `trunk`: the trunk's own URI with the number as its user part."""
    scheme, _, rest = trunk.uri.partition(":")
    return f"{scheme}:{number}@{rest.rpartition('@')[2]}"


def _trunk(trunks: Sequence[Trunk], name: str | None) -> Trunk:
    """The named trunk, or the default one for None."""
    for trunk in trunks:
        if name is None or trunk.name == name:
            return trunk
    raise CannotPlaceCalls("no_trunk")
