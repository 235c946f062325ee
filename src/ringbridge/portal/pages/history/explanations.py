"""Why calls fail, in plain words, and what to do about it: for every outcome, every cause, and every refusal of a request."""

from typing import NamedTuple

from ringbridge.call.cause import Cause, Outcome
from ringbridge.portal.language import marked


class Explanation(NamedTuple):
    """What happened, and what to do; '' where nothing is to be done. English; `View.text` translates."""

    what: str
    do: str = ""


_CALL_AGAIN = marked("Call again later.")
_CHECK_PHONE = marked(
    "Look whether the phone is on, connected and registered: the page Lines shows it, and can ring it."
)
_CHECK_TRUNK = marked("Look at the trunk on the page Trunks. If it is up, ask the carrier.")
_CHECK_NUMBER = marked("Look at the number: is a digit missing or too much, is the area code there?")
_CHECK_NETWORK = marked(
    "Look at firewall and network between this server and the phone: audio needs the ports of media, in both directions."
)
_ASK_OPERATOR = marked("Whoever runs this server finds the reason in its log, by the id of the call.")
_ASK_OWNER = marked("An owner of the account can change that on the page Limits.")
_TRY_SOON = marked("Try again in a moment.")
_MEND_PROGRAM = marked("Mend the program that asks: docs/api.md says what it has to send.")

OUTCOMES: dict[Outcome, Explanation] = {
    Outcome.COMPLETED: Explanation(marked("Both sides talked.")),
    Outcome.USER_NO_ANSWER: Explanation(
        marked("The user's phone rang, and nobody picked it up in time. The destination was not called."),
        marked("Call again when somebody is at the phone. How long it rings is one of the limits."),
    ),
    Outcome.USER_BUSY: Explanation(
        marked("The user's phone was busy. The destination was not called."),
        marked("Wait for the end of the other call. A scheduled call can wait until the user is free."),
    ),
    Outcome.USER_DECLINED: Explanation(
        marked("Somebody pressed decline on the user's phone. The destination was not called."),
        marked("Call again. If nobody declined, look whether the phone is set to do not disturb."),
    ),
    Outcome.USER_UNREACHABLE: Explanation(
        marked("The user's phone could not be reached. The destination was not called."), _CHECK_PHONE
    ),
    Outcome.USER_HUNG_UP: Explanation(
        marked("The user picked up, and hung up before the destination answered."), ""
    ),
    Outcome.NOT_CONFIRMED: Explanation(
        marked("The user's phone was picked up, but 1 was not pressed: it was perhaps a mailbox."),
        marked("Press 1 when asked. Lines whose phones have no mailbox need not ask: see the page Lines."),
    ),
    Outcome.DESTINATION_NO_ANSWER: Explanation(
        marked("The destination rang, and nobody picked it up in time."), _CALL_AGAIN
    ),
    Outcome.DESTINATION_BUSY: Explanation(marked("The destination was busy."), _CALL_AGAIN),
    Outcome.DESTINATION_DECLINED: Explanation(marked("The destination declined the call."), _CALL_AGAIN),
    Outcome.DESTINATION_INVALID: Explanation(
        marked("The network says that the number of the destination is not in use."), _CHECK_NUMBER
    ),
    Outcome.DESTINATION_UNREACHABLE: Explanation(
        marked("The destination could not be reached: its phone, or the way there, did not work."),
        _CHECK_TRUNK,
    ),
    Outcome.CANCELED: Explanation(
        marked("Somebody ended the call before it was answered, here or by a program."), ""
    ),
    Outcome.INTERRUPTED: Explanation(
        marked("The server was stopped while the call was up. It is never dialled again by itself."),
        marked("Call again."),
    ),
    Outcome.FAILED: Explanation(marked("The server could not carry the call."), _ASK_OPERATOR),
    Outcome.BLOCKED: Explanation(
        marked("A rule of the account refused the call. Nobody was called."),
        marked("The cause says which rule."),
    ),
    Outcome.EXPIRED: Explanation(
        marked("The scheduled call could not be placed in its time."),
        marked("Schedule it again, with a longer window if the line is often busy."),
    ),
}

CAUSES: dict[Cause, Explanation] = {
    Cause.NORMAL: Explanation(marked("Somebody hung up, as calls end.")),
    Cause.BUSY: Explanation(marked("The phone was busy."), _CALL_AGAIN),
    Cause.NO_ANSWER: Explanation(marked("Nobody picked up in time."), _CALL_AGAIN),
    Cause.DECLINED: Explanation(marked("Somebody declined the call."), _CALL_AGAIN),
    Cause.INVALID_NUMBER: Explanation(marked("The number is not in use."), _CHECK_NUMBER),
    Cause.UNREACHABLE: Explanation(
        marked("The phone is switched off, not registered, or has no network."), _CHECK_PHONE
    ),
    Cause.NO_RESPONSE: Explanation(
        marked("Nothing at all came back from where the call was sent."),
        marked("Look whether the address is right and whether a firewall is in the way."),
    ),
    Cause.FORBIDDEN: Explanation(
        marked("The far end does not allow this call, or this caller id."),
        marked("Ask the carrier, or whoever runs that telephone system, what it allows."),
    ),
    Cause.AUTHENTICATION_FAILED: Explanation(
        marked("The far end did not accept the user name or the password of the trunk."),
        marked("Enter them again on the page Trunks, and test the trunk."),
    ),
    Cause.INCOMPATIBLE_MEDIA: Explanation(
        marked("The two ends have no way to send audio in common."),
        marked("Allow G.711 (PCMU or PCMA) on the phone or trunk, and let both encrypt, or neither."),
    ),
    Cause.NETWORK_FAILURE: Explanation(marked("The network behind the trunk failed."), _CHECK_TRUNK),
    Cause.CANCELED: Explanation(marked("Somebody ended the call, here or by a program.")),
    Cause.NO_ACK: Explanation(
        marked("The phone answered, but never confirmed that it heard our reply."), _CHECK_NETWORK
    ),
    Cause.SESSION_EXPIRED: Explanation(
        marked("The far end stopped to confirm that the call is still up."), _CHECK_NETWORK
    ),
    Cause.CALL_LIMIT: Explanation(marked("The call was as long as one call may be."), _ASK_OWNER),
    Cause.NOT_CONFIRMED: Explanation(
        marked("Whoever picked up did not press 1."),
        marked("Press 1 when asked. Lines whose phones have no mailbox need not ask: see the page Lines."),
    ),
    Cause.CONGESTION: Explanation(marked("The network had no free circuit."), _TRY_SOON),
    Cause.NO_MEDIA_PORTS: Explanation(
        marked("This server had no free port for audio."),
        marked("Allow more ports (RINGBRIDGE_MEDIA_PORTS), two for each leg."),
    ),
    Cause.MEDIA_FAILED: Explanation(
        marked("The part of this server that carries audio did not work."), _ASK_OPERATOR
    ),
    Cause.MEDIA_TIMEOUT: Explanation(
        marked("No more audio came from one side: its phone, or the way to it, was gone."), _CHECK_NETWORK
    ),
    Cause.INTERRUPTED: Explanation(
        marked("The server was stopped while the call was up."), marked("Call again.")
    ),
    Cause.DRAINED: Explanation(
        marked("The server was shut down, and waited as long as it may."), marked("Call again.")
    ),
    Cause.INTERNAL: Explanation(marked("A fault in this server ended the call."), _ASK_OPERATOR),
    Cause.DESTINATION_NOT_ALLOWED: Explanation(
        marked("The account may not call this number: its country or its kind is not allowed."), _ASK_OWNER
    ),
    Cause.EMERGENCY_NUMBER: Explanation(
        marked("Emergency numbers are not called from here: help would be sent to the wrong place."),
        marked("Dial it on the phone itself."),
    ),
    Cause.DO_NOT_CALL: Explanation(
        marked("The number is on the account's do-not-call list."),
        marked("Whoever may change the list finds it on the page Do not call."),
    ),
    Cause.QUIET_HOURS: Explanation(
        marked("It was too late or too early where that number is."),
        marked("Call within the hours that the page Limits shows."),
    ),
    Cause.NO_RATE: Explanation(
        marked("The account has a limit of money, and what this call costs is not known."),
        marked("Whoever runs this server adds a rate for that number."),
    ),
    Cause.SPEND_LIMIT: Explanation(
        marked("The call could have cost more than the account may still spend."), _ASK_OWNER
    ),
    Cause.LIMIT_EXCEEDED: Explanation(
        marked("The account or the line had as many calls as it may have at once or in that time."),
        marked("Try again in a moment. An owner of the account can change that on the page Limits."),
    ),
    Cause.EXPIRED: Explanation(
        marked("The time in which the scheduled call could be placed was over."),
        marked("Schedule it again, with a longer window if the line is often busy."),
    ),
    Cause.INVALID_CREDENTIALS: Explanation(
        marked(
            "The key is wrong, expired or revoked, may not be used from there, or its account is suspended."
        ),
        marked("Look at the key on the page API Integration, and make a new one if need be."),
    ),
    Cause.UNKNOWN_LINE: Explanation(
        marked("The account has no line with this number, or the key may not use it."),
        marked("Add the line on the page Lines, or look at how the number is written."),
    ),
    Cause.NOT_OWN_NUMBER: Explanation(
        marked("The caller id that was asked for is no number of the account."),
        marked("Ask for the number of a line, or for the account's main number."),
    ),
    Cause.ABOVE_LIMIT: Explanation(
        marked("The call was asked for with a time that is longer than the account may have."), _ASK_OWNER
    ),
}

# Those that are causes, too, are told of there.
REFUSALS: dict[str, Explanation] = {
    "missing_field": Explanation(marked("The request did not say who is to be called."), _MEND_PROGRAM),
    "invalid_number": Explanation(
        marked("The request had something that is no telephone number."), _CHECK_NUMBER
    ),
    "invalid_field": Explanation(
        marked("A field of the request had a value that it cannot have."), _MEND_PROGRAM
    ),
    "unknown_field": Explanation(marked("The request had a field that there is not."), _MEND_PROGRAM),
    "malformed_body": Explanation(marked("The request could not be read."), _MEND_PROGRAM),
    "body_too_large": Explanation(marked("The request was too long."), _MEND_PROGRAM),
    "unsupported_media_type": Explanation(marked("The request was neither JSON nor a form."), _MEND_PROGRAM),
    "missing_scope": Explanation(
        marked("The key may not do what was asked."),
        marked("Make a key with that scope on the page API Integration."),
    ),
    "too_many_failures": Explanation(
        marked("Too many wrong keys came from that address."),
        marked("Mend the key in the program, and wait for a minute."),
    ),
    "not_with_a_token": Explanation(
        marked("A token for browsers can ask for a call between two numbers, and for no more."),
        marked("Ask with a key from a server, or leave the other options out."),
    ),
    "same_as_user_line": Explanation(
        marked("The destination is the user's own line."), marked("Call another number.")
    ),
    "already_in_call": Explanation(
        marked("The call was to be transferred to somebody who is in it."),
        marked("Transfer it to another number."),
    ),
    "in_the_past": Explanation(
        marked("The call was to be placed at a time that is over."), marked("Choose a later time.")
    ),
    "too_far_ahead": Explanation(
        marked("The call was to be placed more than 30 days from now."), marked("Choose an earlier time.")
    ),
    "request_in_progress": Explanation(marked("The same request was being carried out already."), _TRY_SOON),
    "idempotency_key_reused": Explanation(
        marked("An Idempotency-Key was used for another request."),
        marked("Mend the program that asks: each new call needs a new Idempotency-Key."),
    ),
    "draining": Explanation(marked("The server was being stopped and took no new calls."), _TRY_SOON),
    "engine_down": Explanation(
        marked("The server could carry no calls: its SIP or its audio side was down."), _ASK_OPERATOR
    ),
    "no_trunk": Explanation(
        marked("No trunk leads to that number."),
        marked("Add a trunk on the page Trunks, or look at the prefixes of those that are there."),
    ),
    "trunk_full": Explanation(
        marked("All trunks to that number carried as many calls as they may."),
        marked("Try again in a moment. If it happens often, the trunk needs more channels."),
    ),
    "first_click_failed": Explanation(
        marked("This was a second click on a call that could not be placed."), _TRY_SOON
    ),
    "store_unavailable": Explanation(
        marked("The database did not answer, so the call was not placed."), _ASK_OPERATOR
    ),
    "wrong_state": Explanation(
        marked("The call was not where this can be done, such as a hold of a call that rings."),
        marked("Wait until both talk."),
    ),
    "too_many_actions": Explanation(marked("Too much was asked of one call in a short time."), _TRY_SOON),
    "call_already_ended": Explanation(marked("The call that was to be ended was over already.")),
}

# Of the causes, those that refuse a request before anybody is called, or a scheduled call.
REFUSING_CAUSES = tuple(Cause)[list(Cause).index(Cause.DESTINATION_NOT_ALLOWED) :]
