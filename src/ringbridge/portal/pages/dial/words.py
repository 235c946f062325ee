"""What the pages for dialling call things. Everything is said to the one who calls."""

from ringbridge.call.model import LegState, State
from ringbridge.call.number import NumberType
from ringbridge.call.schedule import Retry
from ringbridge.portal.language import marked

# What is going on, by the state of the call.
STAGES: dict[str, str] = {
    State.SCHEDULED.value: marked("This call waits for its time."),
    State.ACCEPTED.value: marked("Your phone is about to ring."),
    State.RINGING_USER.value: marked("Your phone is ringing: pick it up."),
    State.CONFIRMING.value: marked("Press 1 on your phone to go on."),
    State.DIALING_DESTINATION.value: marked("The number is being dialled."),
    State.RINGING_DESTINATION.value: marked("It rings there."),
    State.CONNECTED.value: marked("You are talking."),
    State.HELD.value: marked("On hold."),
    State.TRANSFERRING.value: marked("Somebody else is being called."),
    State.RETURNING.value: marked("Nobody answered there: you are being joined again."),
    State.ANNOUNCING.value: marked("One side has hung up. The other is being told."),
    State.ENDED.value: marked("The call is over."),
}

LEGS: dict[str, str] = {
    LegState.NONE.value: marked("not called yet"),
    LegState.DIALING.value: marked("being dialled"),
    LegState.RINGING.value: marked("ringing"),
    LegState.EARLY_MEDIA.value: marked("ringing, with sound"),
    LegState.ANSWERED.value: marked("on the phone"),
    LegState.ENDED.value: marked("hung up"),
}

# Where it says something that people do not expect.
KINDS: dict[NumberType, str] = {
    NumberType.FIXED_LINE: marked("landline"),
    NumberType.MOBILE: marked("mobile"),
    NumberType.TOLL_FREE: marked("toll-free"),
    NumberType.PREMIUM_RATE: marked("premium rate"),
    NumberType.SHARED_COST: marked("shared cost"),
    NumberType.VOIP: marked("Internet telephony"),
    NumberType.PERSONAL_NUMBER: marked("personal number"),
    NumberType.PAGER: marked("pager"),
    NumberType.UAN: marked("company number"),
    NumberType.VOICEMAIL: marked("voice mail"),
}

# By what the field says: so many attempts in all, and so long from the end of one to the next.
AGAIN: dict[str, tuple[str, Retry]] = {
    "minutes": (
        marked("Try again after 5 minutes, 3 times in all"),
        Retry(max_attempts=3, after_seconds=300.0),
    ),
    "quarters": (
        marked("Try again after 15 minutes, 5 times in all"),
        Retry(max_attempts=5, after_seconds=900.0),
    ),
    "hours": (
        marked("Try again after an hour, 8 times in all"),
        Retry(max_attempts=8, after_seconds=3600.0),
    ),
}

# Why there is no call, and what to do: by the codes of errors.
REFUSALS: dict[str, str] = {
    "emergency_number": marked(
        "Emergency numbers are not called from here: help would be sent to the wrong place. Use a telephone."
    ),
    "account_suspended": marked(
        "Your account is suspended: nobody can call. An owner or your administrator can change that."
    ),
    "same_as_user_line": marked("This is the line that calls. Choose another number."),
    "destination_not_allowed": marked("Your account does not allow calls to this number."),
    "do_not_call": marked("This number is on the do-not-call list."),
    "quiet_hours": marked("It is too late or too early to call there. Try again in the morning."),
    "no_rate": marked("What this call would cost is not known, so it is not placed. Ask your administrator."),
    "spend_limit": marked("This call could cost more than your account has left to spend."),
    "limit_exceeded": marked("A limit of your account is reached. Try again later."),
    "limit_per_user": marked("This line is in as many calls as it may. Try again when one is over."),
    "limit_concurrent": marked("As many calls are up as may be. Try again when one is over."),
    "limit_rate": marked("Your account has placed as many calls in this second as it may. Try again."),
    "limit_per_minute": marked(
        "Your account has placed as many calls in a minute as it may. Try again in a minute."
    ),
    "limit_user_per_minute": marked(
        "This line has placed as many calls in a minute as it may. Try again in a minute."
    ),
    "limit_destination_per_10_minutes": marked(
        "This number was called as often in ten minutes as it may be. Try again later."
    ),
    "limit_scheduled": marked(
        "Your account has 1,000 scheduled calls, which is the most. Call one off first."
    ),
    "limit_scheduled_per_minute": marked(
        "Your account has scheduled as many calls in a minute as it may. Try again in a minute."
    ),
    "nothing_to_wait_for": marked("Choose when, or that it is tried again; to call now, press Call."),
    "in_the_past": marked("This is over. Choose a time that is to come."),
    "too_far_ahead": marked("Choose a time within the next 30 days."),
    "limit_is_zero": marked(
        "A limit of your account is 0, so that nobody can call. An owner or your administrator can change that."
    ),
    "engine_down": marked("The server cannot place calls just now. Try again in a moment."),
    "no_trunk": marked("No trunk carries calls to this number. Ask your administrator."),
    "trunk_full": marked("All channels of the trunk are taken. Try again in a moment."),
    "first_click_failed": marked("The call could not be placed. Try again."),
    "draining": marked("The server is being restarted. Try again in a minute."),
    "idempotency_key_reused": marked(
        "This page has placed a call already. Press Call again for another one."
    ),
    "request_in_progress": marked("This call is being placed."),
    "already_in_call": marked("This is one of those who talk already."),
    "wrong_state": marked("The call is not where this can be done any more."),
    "too_many_actions": marked("This call has had all the actions that a call gets."),
    "invalid_digits": marked("Use the keys 0 to 9, * and #, and a comma for a pause of a second."),
    "invalid_favourite_name": marked("Use at most 60 characters."),
    "too_many_favourites": marked("You have 50 favourites, which is the most. Remove one first."),
    "invalid_link": marked("The link had no telephone number in it. Type it here."),
}
