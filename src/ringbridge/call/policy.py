"""Which valid numbers an account may call. Pure; emergency numbers never get this far (see `number`).

The type that libphonenumber gives is not enough: it calls satellite phones mobile and Italian service numbers
fixed lines, so prefixes are refused beside types. Countries are compared by region, never by country code:
+1 809 is the Dominican Republic and +44 7911 is Guernsey.
"""

from ringbridge.call.directory import Account, AccountLimits
from ringbridge.call.number import Number, NumberType
from ringbridge.call.quiet import is_quiet

# Whoever calls these pays the owner of the number, or cannot know beforehand what it costs.
REFUSED_TYPES = frozenset(
    {
        NumberType.PREMIUM_RATE,
        NumberType.SHARED_COST,
        NumberType.PERSONAL_NUMBER,
        NumberType.PAGER,
        NumberType.VOICEMAIL,
        NumberType.UAN,
        NumberType.UNKNOWN,
    }
)

# Satellites and global services (ITU-T E.164 Annex to the Operational Bulletin, "shared country codes"), then
# national ranges of paid services that carry an innocent type.
REFUSED_PREFIXES = (
    "+870",
    "+878",
    "+881",
    "+882",
    "+883",
    "+888",
    "+979",
    "+390899",
    "+3989",
    "+4470",
)


def refusal(number: Number, limits: AccountLimits, account: Account, utc_now: float) -> str | None:
    """Why `account` may not call `number` at `utc_now` (UTC seconds since 1970), as a stable code; None when it may.

    One code for every list of kinds of numbers, so that an answer does not tell which list to work around.
    """
    countries = limits.countries or (account.country,)
    if (
        number.type in REFUSED_TYPES
        or number.region not in countries
        or number.e164.startswith((*REFUSED_PREFIXES, *limits.refused_prefixes))
    ):
        return "destination_not_allowed"
    if is_quiet(number.e164, limits.quiet_hours, utc_now):
        return "quiet_hours"
    return None
