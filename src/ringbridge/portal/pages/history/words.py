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
