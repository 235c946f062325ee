"""Who may call and over what: accounts, their lines and limits, and the trunks, as values.

The store keeps them; the service looks them up; nothing here reaches a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer. `country` (ISO 3166 letters) is how its national numbers are read; `main_number` its own E.164 number.

    ends_calls: whether its calls that were up ended with its suspension.
    """

    id: str
    name: str
    country: str = "US"
    language: str = "en"
    main_number: str | None = None
    suspended: bool = False
    ends_calls: bool = False


class LineKind(Enum):
    """How a line's phone is reached."""

    URI = "uri"
    DEVICE = "device"
    TRUNK = "trunk"


class Srtp(Enum):
    """Whether audio is encrypted on the way (RFC 3711): never, where the far end can, or else no call."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class NumberFormat(Enum):
    """How a trunk writes numbers: E.164 with its plus, without it, or as they are dialled in the account's country."""

    E164_PLUS = "e164+"
    E164 = "e164"
    NATIONAL = "national"


class CallerIdPolicy(Enum):
    """Where a trunk wants the caller's number: in From; asserted besides (RFC 3325); or asserted only, and withheld in From."""

    FROM = "from"
    ASSERTED = "asserted"
    ANONYMOUS_FROM = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A number of the account, and how its phone is reached: at a fixed SIP URI, where its device registered, or over a trunk.

    confirm: whether whoever answers must press 1 before the destination is dialled; None leaves it to `must_confirm`.
    auto_answer: the phone is asked to pick up by itself. nat: its audio may come from elsewhere than it says.
    """

    id: str
    account_id: str
    number: str
    name: str | None = None
    kind: LineKind
    uri: str | None = None
    trunk: str | None = None
    sip_username: str | None = None
    language: str | None = None
    confirm: bool | None = None
    auto_answer: bool = False
    srtp: Srtp = Srtp.OFF
    nat: bool = False

    @property
    def must_confirm(self) -> bool:
        """By default only what is behind a trunk is asked: there a mailbox may answer, and take the user's place."""
        return self.kind is LineKind.TRUNK if self.confirm is None else self.confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a phone that registers is known by: its line, and `digests`, algorithm -> H(A1) of RFC 7616 in hexadecimal."""

    line_id: str
    account_id: str
    digests: Mapping[str, str] = field(repr=False)


class Phone(NamedTuple):
    """A phone that is registered: where it is, and what it calls itself."""

    transport: str
    host: str
    port: int
    user_agent: str | None


class RegisteredDevice(NamedTuple):
    """A phone that is registered, as it was stored: where, what it calls itself, and until when it counts (UTC seconds)."""

    transport: str
    host: str
    port: int
    user_agent: str | None
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A way to the public network.

    registers: whether this server registers at it. prefixes: the beginnings of the numbers that it carries, with plus;
    none means all. Of those with the longest prefix the one with the lowest `position` is tried first; the same
    position is shared by `weight`. channels: calls at once. number_prefix: what is dialled in front of every number.
    nat: its audio may come from elsewhere than it says. tls_ca, tls_certificate, tls_key: files in PEM form.
    """

    id: str
    name: str
    uri: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    position: int = 0
    registers: bool = False
    prefixes: tuple[str, ...] = ()
    weight: int = 1
    channels: int | None = None
    calls_per_second: int | None = None
    number_format: NumberFormat = NumberFormat.E164_PLUS
    number_prefix: str = ""
    caller_id: CallerIdPolicy = CallerIdPolicy.FROM
    srtp: Srtp = Srtp.OFF
    nat: bool = False
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """What an account may do. Field names are the KEY of `ringbridge limits set KEY=VALUE`; seconds end in `_s` there as here.

    concurrent: calls at once. per_user: calls at once for one line. rate: accepted calls in any one second.
    duplicates_s: a repeated click on the same pair within this time, while the first still rings the user, is the same call.
    countries: ISO 3166 letters that may be called; empty means the account's own country only. refused_prefixes: with plus.
    per_minute, user_per_minute, destination_per_10_minutes: accepted calls of the account, of one line, to one number.
    quiet_hours: `21:00-08:00` by the destination's clock, when it is not called; "" for never.
    spend_*: millionths of the currency that calls of that time may cost, the longest that each may take.
    short_calls_per_hour: of less than ten seconds to one country; more suspend the account.
    keys: API keys that are valid at once, and twice as many while they are being exchanged.
    None means no limit.
    """

    concurrent: int = 20
    per_user: int = 1
    rate: int = 10
    duplicates_s: float = 3.0
    countries: tuple[str, ...] = ()
    user_ring_s: float = 30.0
    confirm_s: float = 10.0
    destination_ring_s: float = 60.0
    call_s: float = 3600.0
    per_minute: int | None = None
    user_per_minute: int | None = None
    destination_per_10_minutes: int | None = None
    refused_prefixes: tuple[str, ...] = ()
    quiet_hours: str = ""
    spend_per_call: int | None = None
    spend_per_hour: int | None = None
    spend_per_day: int | None = None
    spend_per_month: int | None = None
    short_calls_per_hour: int | None = None
    keys: int = 20

    @property
    def limits_money(self) -> bool:
        """Whether calls may only be placed whose price is known."""
        return not (
            self.spend_per_call is None
            and self.spend_per_hour is None
            and self.spend_per_day is None
            and self.spend_per_month is None
        )


# Four hours: the ceiling that carriers put on a call, so that a forgotten one cannot cost a night.
HARD_CALL_SECONDS = 14_400.0
