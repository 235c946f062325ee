"""The four transaction machines of RFC 3261 section 17, as amended by RFC 6026, as tables and nothing else.

A row says: in this state, on this input, do these actions in this order and be in that state. The inputs are what the
wire, the transaction's user and its alarms can bring; the actions are done by `client_transaction` and
`server_transaction`. A pair that is not here cannot happen, and raises if it does; what comes late is listed with no
actions. Timers keep the letters of RFC 3261 table 4.

One state of the figures is missing: Proceeding of the non-INVITE server. Nothing but an INVITE gets a provisional
answer from this package, as RFC 4320 asks.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class _Key(Enum):
    """A member that is told from others as the one object that it is: Enum's own hash is computed in Python."""

    __hash__ = object.__hash__


class ClientState(_Key):
    """Figures 5 and 6 of RFC 3261, with Accepted of RFC 6026, and Left of our own."""

    CALLING = "calling"
    LEFT = "its user went elsewhere before anybody answered: nothing is repeated, and late answers are heard"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class ClientInput(_Key):
    """What happens to a client transaction."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    REPEAT_DUE = "Timer A or E"
    GIVE_UP_DUE = "Timer B or F"
    LINGER_DUE = "Timer D, K or M"
    SEND_FAILED = "transport error"
    CONNECTION_LOST = "its connection broke, and was not one made for its sake"
    LEAVING = "its user goes elsewhere, and is still to hear what comes"
    ABANDONED = "given up by its user"


class ClientAction(Enum):
    """What a client transaction does."""

    REPEAT = "send the request again; twice the interval, without end (Timer A)"
    REPEAT_CAPPED = "send the request again; twice the interval, up to T2 (Timer E)"
    REPEAT_SLOWLY = "send the request again; T2 until the next (Timer E in Proceeding)"
    STOP = "stop all timers"
    STOP_REPEATING = "stop the repeating timer"
    END = "stop all timers and be forgotten"
    ACKNOWLEDGE = "send ACK for the refusal"
    SEND_ANEW = "send the request again by a new connection, to where the last one may have brought it"
    HAND_UP = "hand the response to the user"
    REPORT_TIMEOUT = "tell the user that no answer came"
    REPORT_SEND_FAILURE = "tell the user that the network refused"
    START_D = "absorb repeated refusals"
    START_K = "absorb repeated answers"
    START_M = "let repeated and forked 2xx through"


class ClientStep(NamedTuple):
    """One row of a client table."""

    state: ClientState
    actions: tuple[ClientAction, ...]


ClientTable = dict[tuple[ClientState, ClientInput], ClientStep]


def _invite_client() -> ClientTable:
    calling, left, proceeding = ClientState.CALLING, ClientState.LEFT, ClientState.PROCEEDING
    accepted, completed, over = ClientState.ACCEPTED, ClientState.COMPLETED, ClientState.TERMINATED
    in_, do = ClientInput, ClientAction
    succeed = ClientStep(accepted, (do.STOP, do.START_M, do.HAND_UP))
    fail = ClientStep(completed, (do.STOP, do.START_D, do.ACKNOWLEDGE, do.HAND_UP))
    return {
        (calling, in_.REPEAT_DUE): ClientStep(calling, (do.REPEAT,)),
        (calling, in_.GIVE_UP_DUE): ClientStep(over, (do.END, do.REPORT_TIMEOUT)),
        (calling, in_.SEND_FAILED): ClientStep(over, (do.END, do.REPORT_SEND_FAILURE)),
        (calling, in_.CONNECTION_LOST): ClientStep(calling, (do.SEND_ANEW,)),
        (calling, in_.ABANDONED): ClientStep(over, (do.END,)),
        (calling, in_.PROVISIONAL): ClientStep(proceeding, (do.STOP, do.HAND_UP)),
        (calling, in_.SUCCESS): succeed,
        (calling, in_.FAILURE): fail,
        (calling, in_.LEAVING): ClientStep(left, (do.STOP_REPEATING,)),
        # Else the same person could be rung over two trunks, once this one wakes up.
        (left, in_.CONNECTION_LOST): ClientStep(left, ()),
        (left, in_.GIVE_UP_DUE): ClientStep(over, (do.END, do.REPORT_TIMEOUT)),
        (left, in_.SEND_FAILED): ClientStep(over, (do.END, do.REPORT_SEND_FAILURE)),
        (left, in_.PROVISIONAL): ClientStep(proceeding, (do.STOP, do.HAND_UP)),
        (left, in_.SUCCESS): succeed,
        (left, in_.FAILURE): fail,
        (proceeding, in_.PROVISIONAL): ClientStep(proceeding, (do.HAND_UP,)),
        (proceeding, in_.SUCCESS): succeed,
        (proceeding, in_.FAILURE): fail,
        (proceeding, in_.ABANDONED): ClientStep(over, (do.END,)),
        # The phone rings already: what failed was not this INVITE, and the answer may still come.
        (proceeding, in_.SEND_FAILED): ClientStep(proceeding, ()),
        # RFC 3261 section 18.2.2: the peer makes a new connection for its answer.
        (proceeding, in_.CONNECTION_LOST): ClientStep(proceeding, ()),
        (accepted, in_.SUCCESS): ClientStep(accepted, (do.HAND_UP,)),
        (accepted, in_.LINGER_DUE): ClientStep(over, (do.END,)),
        # RFC 6026 section 8.4: other answers are late in Accepted; section 7.2: so is a transport error.
        (accepted, in_.PROVISIONAL): ClientStep(accepted, ()),
        (accepted, in_.FAILURE): ClientStep(accepted, ()),
        (accepted, in_.SEND_FAILED): ClientStep(accepted, ()),
        (accepted, in_.CONNECTION_LOST): ClientStep(accepted, ()),
        (accepted, in_.ABANDONED): ClientStep(accepted, ()),
        (completed, in_.FAILURE): ClientStep(completed, (do.ACKNOWLEDGE,)),
        (completed, in_.LINGER_DUE): ClientStep(over, (do.END,)),
        (completed, in_.PROVISIONAL): ClientStep(completed, ()),
        (completed, in_.SUCCESS): ClientStep(completed, ()),
        (completed, in_.SEND_FAILED): ClientStep(completed, ()),
        (completed, in_.CONNECTION_LOST): ClientStep(completed, ()),
        (completed, in_.ABANDONED): ClientStep(completed, ()),
        # Whoever gives an INVITE up need not know that it has ended meanwhile.
        (over, in_.ABANDONED): ClientStep(over, ()),
    }


def _non_invite_client() -> ClientTable:
    trying, proceeding = ClientState.TRYING, ClientState.PROCEEDING
    completed, over = ClientState.COMPLETED, ClientState.TERMINATED
    in_, do = ClientInput, ClientAction
    finish = ClientStep(completed, (do.STOP, do.START_K, do.HAND_UP))
    give_up = ClientStep(over, (do.END, do.REPORT_TIMEOUT))
    break_off = ClientStep(over, (do.END, do.REPORT_SEND_FAILURE))
    return {
        (trying, in_.REPEAT_DUE): ClientStep(trying, (do.REPEAT_CAPPED,)),
        (trying, in_.GIVE_UP_DUE): give_up,
        (trying, in_.SEND_FAILED): break_off,
        (trying, in_.CONNECTION_LOST): ClientStep(trying, (do.SEND_ANEW,)),
        (trying, in_.ABANDONED): ClientStep(over, (do.END,)),
        (trying, in_.PROVISIONAL): ClientStep(proceeding, (do.HAND_UP,)),
        (trying, in_.SUCCESS): finish,
        (trying, in_.FAILURE): finish,
        (proceeding, in_.REPEAT_DUE): ClientStep(proceeding, (do.REPEAT_SLOWLY,)),
        (proceeding, in_.GIVE_UP_DUE): give_up,
        (proceeding, in_.SEND_FAILED): break_off,
        (proceeding, in_.CONNECTION_LOST): ClientStep(proceeding, (do.SEND_ANEW,)),
        (proceeding, in_.ABANDONED): ClientStep(over, (do.END,)),
        (proceeding, in_.PROVISIONAL): ClientStep(proceeding, (do.HAND_UP,)),
        (proceeding, in_.SUCCESS): finish,
        (proceeding, in_.FAILURE): finish,
        (completed, in_.LINGER_DUE): ClientStep(over, (do.END,)),
        (completed, in_.PROVISIONAL): ClientStep(completed, ()),
        (completed, in_.SUCCESS): ClientStep(completed, ()),
        (completed, in_.FAILURE): ClientStep(completed, ()),
        (completed, in_.SEND_FAILED): ClientStep(completed, ()),
        (completed, in_.CONNECTION_LOST): ClientStep(completed, ()),
    }


class ServerState(_Key):
    """Figures 7 and 8 of RFC 3261, with Accepted of RFC 6026."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class ServerInput(_Key):
    """What happens to a server transaction."""

    REQUEST = "the request again"
    ACK = "ACK within the transaction"
    SEND_PROVISIONAL = "its user answers 1xx"
    SEND_SUCCESS = "its user answers 2xx"
    SEND_FAILURE = "its user answers 300-699"
    REPEAT_DUE = "Timer G"
    GIVE_UP_DUE = "Timer H"
    LINGER_DUE = "Timer I, J or L"


class ServerAction(Enum):
    """What a server transaction does."""

    SEND = "send the answer, and keep it"
    REPEAT = "send the last answer again"
    REPEAT_CAPPED = "send the last answer again; twice the interval, up to T2 (Timer G)"
    STOP = "stop all timers"
    END = "stop all timers and be forgotten"
    START_G_AND_H = "repeat the refusal until its ACK"
    START_I = "absorb repeated ACKs"
    START_J = "repeat the answer for repeated requests"
    START_L = "absorb repeated INVITEs while the user repeats its 2xx"


class ServerStep(NamedTuple):
    """One row of a server table."""

    state: ServerState
    actions: tuple[ServerAction, ...]


ServerTable = dict[tuple[ServerState, ServerInput], ServerStep]


def _invite_server() -> ServerTable:
    proceeding, accepted = ServerState.PROCEEDING, ServerState.ACCEPTED
    completed, confirmed, over = ServerState.COMPLETED, ServerState.CONFIRMED, ServerState.TERMINATED
    in_, do = ServerInput, ServerAction
    return {
        (proceeding, in_.REQUEST): ServerStep(proceeding, (do.REPEAT,)),
        (proceeding, in_.SEND_PROVISIONAL): ServerStep(proceeding, (do.SEND,)),
        (proceeding, in_.SEND_SUCCESS): ServerStep(accepted, (do.SEND, do.START_L)),
        (proceeding, in_.SEND_FAILURE): ServerStep(completed, (do.SEND, do.START_G_AND_H)),
        # Nothing final was sent that it could acknowledge.
        (proceeding, in_.ACK): ServerStep(proceeding, ()),
        (accepted, in_.REQUEST): ServerStep(accepted, ()),
        (accepted, in_.SEND_SUCCESS): ServerStep(accepted, (do.SEND,)),
        (accepted, in_.LINGER_DUE): ServerStep(over, (do.END,)),
        # A peer that puts the INVITE's branch on the ACK for a 2xx: the endpoint gives it to the dialog.
        (accepted, in_.ACK): ServerStep(accepted, ()),
        (completed, in_.REQUEST): ServerStep(completed, (do.REPEAT,)),
        (completed, in_.REPEAT_DUE): ServerStep(completed, (do.REPEAT_CAPPED,)),
        (completed, in_.GIVE_UP_DUE): ServerStep(over, (do.END,)),
        (completed, in_.ACK): ServerStep(confirmed, (do.STOP, do.START_I)),
        (confirmed, in_.REQUEST): ServerStep(confirmed, ()),
        (confirmed, in_.ACK): ServerStep(confirmed, ()),
        (confirmed, in_.LINGER_DUE): ServerStep(over, (do.END,)),
    }


def _non_invite_server() -> ServerTable:
    trying, completed, over = ServerState.TRYING, ServerState.COMPLETED, ServerState.TERMINATED
    in_, do = ServerInput, ServerAction
    return {
        (trying, in_.REQUEST): ServerStep(trying, ()),
        (trying, in_.SEND_SUCCESS): ServerStep(completed, (do.SEND, do.START_J)),
        (trying, in_.SEND_FAILURE): ServerStep(completed, (do.SEND, do.START_J)),
        (completed, in_.REQUEST): ServerStep(completed, (do.REPEAT,)),
        (completed, in_.LINGER_DUE): ServerStep(over, (do.END,)),
    }


INVITE_CLIENT = _invite_client()
NON_INVITE_CLIENT = _non_invite_client()
INVITE_SERVER = _invite_server()
NON_INVITE_SERVER = _non_invite_server()
