"""What pages call the states of calls and legs, and the lines of a call's history. English; `View.text` translates."""

from ringbridge.call.model import LegState, State
from ringbridge.portal.language import marked
from ringbridge.portal.words import Badge

STATES: dict[str, Badge] = {
    State.SCHEDULED.value: Badge(marked("Scheduled"), "azure"),
    State.ACCEPTED.value: Badge(marked("Accepted"), "azure"),
    State.RINGING_USER.value: Badge(marked("Calling the user"), "yellow"),
    State.CONFIRMING.value: Badge(marked("Asking the user to press 1"), "yellow"),
    State.DIALING_DESTINATION.value: Badge(marked("Dialling the destination"), "yellow"),
    State.RINGING_DESTINATION.value: Badge(marked("Destination rings"), "yellow"),
    State.CONNECTED.value: Badge(marked("Talking"), "green"),
    State.HELD.value: Badge(marked("On hold"), "purple"),
    State.TRANSFERRING.value: Badge(marked("Being transferred"), "purple"),
    State.RETURNING.value: Badge(marked("Transfer failed"), "purple"),
    State.ANNOUNCING.value: Badge(marked("Hears why it failed"), "red"),
    State.ENDED.value: Badge(marked("Over"), "azure"),
}

LEG_STATES: dict[str, str] = {
    LegState.NONE.value: marked("Not dialled yet"),
    LegState.DIALING.value: marked("Being dialled"),
    LegState.RINGING.value: marked("Rings"),
    LegState.EARLY_MEDIA.value: marked("Rings, with sound"),
    LegState.ANSWERED.value: marked("Answered"),
    LegState.ENDED.value: marked("Ended"),
}

EVENTS: dict[str, str] = {
    "accepted": marked("The call was accepted"),
    "blocked": marked("A rule of the account refused the call"),
    "scheduled": marked("The call was scheduled"),
    "attempt_started": marked("An attempt began"),
    "attempt_failed": marked("The attempt failed; another one follows"),
    "cancel_requested": marked("The call was called off"),
    "user_dialing": marked("The user's phone is dialled"),
    "user_ringing": marked("The user's phone rings"),
    "user_early_media": marked("The user's network sends sound"),
    "user_answered": marked("The user picked up"),
    "user_confirmed": marked("The user pressed 1"),
    "user_ended": marked("The user's phone is gone"),
    "destination_dialing": marked("The destination is dialled"),
    "destination_ringing": marked("The destination rings"),
    "destination_early_media": marked("The destination's network sends sound"),
    "destination_answered": marked("The destination picked up"),
    "destination_confirmed": marked("The destination pressed 1"),
    "destination_ended": marked("The destination is gone"),
    "third_dialing": marked("The third is dialled"),
    "third_ringing": marked("The third rings"),
    "third_early_media": marked("The third's network sends sound"),
    "third_answered": marked("The third picked up"),
    "third_confirmed": marked("The third pressed 1"),
    "third_ended": marked("The third is gone"),
    "connected": marked("Both hear each other"),
    "held": marked("One of the two is on hold"),
    "resumed": marked("They talk again"),
    "transferring": marked("A transfer was asked for"),
    "transferred": marked("The transfer is done"),
    "transfer_failed": marked("The transfer failed"),
    "digits_sent": marked("Keys were pressed for somebody to hear"),
    "ended": marked("The call was over"),
}

ENDED_BY: dict[str, str] = {
    "user": marked("The user"),
    "destination": marked("The destination"),
    "third": marked("The third"),
    "api": marked("Somebody here, or a program"),
    "server": marked("This server"),
}
