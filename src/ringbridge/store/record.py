"""The record of a call, which every ended call has once: what bills, reports and disputes are made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ended call. Points in time are UTC seconds since 1970, None where the call did not come that far.

    user_target, destination_target: the SIP URI that was dialled. user_caller_number, destination_caller_number:
    the number that the phone showed. Ring seconds end with the leg's answer or its end, talk seconds are from the
    destination's answer to the end of the call.
    """

    call_id: str
    account_id: str
    key_id: str
    user_number: str
    user_target: str
    user_trunk: str | None
    user_caller_number: str
    destination_number: str
    destination_target: str
    destination_trunk: str | None
    destination_caller_number: str
    accepted_at: float
    outcome: str
    cause: str
    ended_by: str
    ended_at: float
    user_dialed_at: float | None
    user_ringing_at: float | None
    user_answered_at: float | None
    user_ended_at: float | None
    user_cause: str | None
    user_sip_status: int | None
    user_q850: int | None
    destination_dialed_at: float | None
    destination_ringing_at: float | None
    destination_answered_at: float | None
    destination_ended_at: float | None
    destination_cause: str | None
    destination_sip_status: int | None
    destination_q850: int | None
    user_ring_seconds: float
    destination_ring_seconds: float
    talk_seconds: float
