"""Where each leg goes and what its phone shows. Pure.

The user's own phone shows who is being called; over the public network it shows a number of the account, because
showing somebody else's there is what carriers refuse as spoofing. The destination sees the user's own number, or the
account's main number when the line is only an internal extension.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import assert_never

from ringbridge.call.directory import Account, CallerIdPolicy, Line, LineKind, Trunk
from ringbridge.call.errors import CannotPlaceCalls
from ringbridge.call.model import Party, Route
from ringbridge.call.number import written

# Each attempt takes seconds of somebody who waits; a fourth carrier is not going to know better.
MOST_ROUTES = 3


def user_party(
    line: Line,
    account: Account,
    trunks: Sequence[Trunk],
    destination_number: str,
    caller_id: str | None = None,
) -> Party:
    """How the user's line is rung for a call to `destination_number`; raises CannotPlaceCalls.

    caller_id: the number of the account that the phone shows instead.
    """
    match line.kind:
        case LineKind.URI | LineKind.DEVICE:
            route = Route(
                target=line.uri or "",
                caller_number=caller_id or destination_number,
                caller_name=f"Calling {destination_number}",
                srtp=line.srtp,
                nat=line.nat,
            )
        case LineKind.TRUNK:
            trunk = next((trunk for trunk in trunks if trunk.name == line.trunk), None)
            if trunk is None:
                raise CannotPlaceCalls("no_trunk")
            own_number = caller_id or account.main_number or line.number
            route = _route_over(trunk, line.number, own_number, account.name, account)
        case _:
            assert_never(line.kind)
    return Party(
        number=line.number,
        name=line.name,
        routes=(route,),
        device=line.id if line.kind is LineKind.DEVICE else None,
        auto_answer=line.auto_answer,
    )


def destination_party(
    number: str,
    line: Line,
    account: Account,
    trunks: Sequence[Trunk],
    fraction: float,
    caller_id: str | None = None,
) -> Party:
    """How `number` is dialled for the user at `line`; raises CannotPlaceCalls when no trunk carries it.

    fraction: a random number from 0.0 up to and without 1.0, which shares the calls among trunks by their weights.
    caller_id: the number of the account that the destination sees, instead of the line's.
    """
    own_number = line.number if line.number.startswith("+") else account.main_number or line.number
    own_number = caller_id or own_number
    carriers = trunks_for(number, trunks, fraction)
    if not carriers:
        raise CannotPlaceCalls("no_trunk")
    routes = (_route_over(trunk, number, own_number, line.name, account) for trunk in carriers)
    return Party(number=number, routes=tuple(routes))


def trunks_for(number: str, trunks: Iterable[Trunk], fraction: float) -> list[Trunk]:
    """The trunks to try for `number`, in order: by the longest prefix, then by position, then as their weights have it."""
    ranks: dict[tuple[int, int], list[Trunk]] = {}
    for trunk in trunks:
        fitting = [len(prefix) for prefix in trunk.prefixes or ("",) if number.startswith(prefix)]
        if fitting:
            ranks.setdefault((-max(fitting), trunk.position), []).append(trunk)
    ordered = (trunk for rank in sorted(ranks) for trunk in _shared(ranks[rank], fraction))
    return list(ordered)[:MOST_ROUTES]


def trunk_target(trunk: Trunk, number: str) -> str:
    """The Request-URI for `number`, written as the trunk wants it: the trunk's own URI with it as the user part."""
    scheme, _, rest = trunk.uri.partition(":")
    # RFC 3261 section 25.1 has no number sign in a user part.
    return f"{scheme}:{number.replace('#', '%23')}@{rest.rpartition('@')[2]}"


def _shared(trunks: list[Trunk], fraction: float) -> list[Trunk]:
    """The trunks of one rank, each before the others as often as its share of the weights says (as RFC 2782)."""
    left, ordered = list(trunks), []
    while len(left) > 1:
        edges = list(accumulate(trunk.weight for trunk in left))
        point = fraction * edges[-1]
        index = min(bisect_right(edges, point), len(left) - 1)
        trunk = left.pop(index)
        ordered.append(trunk)
        # Where in the share of this trunk the point fell is as random as the point was.
        fraction = (point - (edges[index] - trunk.weight)) / trunk.weight
    return ordered + left


def _dialled(trunk: Trunk, number: str, country: str) -> str:
    """`number` as the trunk wants it dialled. An extension, and what keeps its plus, gets no prefix."""
    text = written(number, trunk.number_format, country)
    return text if text == number or text.startswith("+") else trunk.number_prefix + text


def _route_over(trunk: Trunk, number: str, own_number: str, name: str | None, account: Account) -> Route:
    """The way to `number` over `trunk`, which is shown or told `own_number`, a number of the account."""
    shown = written(own_number, trunk.number_format, account.country)
    # An extension means nothing out there: nobody could vouch for it.
    asserted = shown if trunk.caller_id is not CallerIdPolicy.FROM and own_number.startswith("+") else None
    is_private = trunk.caller_id is CallerIdPolicy.ANONYMOUS_FROM
    return Route(
        trunk=trunk.name,
        target=trunk_target(trunk, _dialled(trunk, number, account.country)),
        caller_number="anonymous" if is_private else shown,
        caller_name="Anonymous" if is_private else name,
        asserted_number=asserted,
        is_private=is_private,
        srtp=trunk.srtp,
        nat=trunk.nat,
    )
