"""What pages use: one value with all services, which `bootstrap` fills."""

import ipaddress
from dataclasses import dataclass
from typing import NamedTuple

from ringbridge.service.accounts import AccountService
from ringbridge.service.actions import CallActions
from ringbridge.service.audit import AuditService
from ringbridge.service.board import Board
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.dialler import Dialler
from ringbridge.service.do_not_call import DoNotCallService
from ringbridge.service.favourites import FavouriteService
from ringbridge.service.first_steps import FirstSteps
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.line_book import LineBook
from ringbridge.service.lines import LineService
from ringbridge.service.links import LinkService
from ringbridge.service.origins import OriginService
from ringbridge.service.overview import OverviewService
from ringbridge.service.passkeys import PasskeyService
from ringbridge.service.phone_test import PhoneTests
from ringbridge.service.profile import ProfileService
from ringbridge.service.prompts import PromptService
from ringbridge.service.rates import RateService
from ringbridge.service.records import RecordService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignInService
from ringbridge.service.single_sign_on import SingleSignOn
from ringbridge.service.statistics import StatisticsService
from ringbridge.service.tokens import Tokens
from ringbridge.service.trunks import TrunkService
from ringbridge.service.users import UserService
from ringbridge.service.webhooks import WebhookService


class PhoneServer(NamedTuple):
    """Where phones register: UDP and TCP at `port`, TLS at `tls_port` if there is a certificate; and whether the relay encrypts audio."""

    host: str
    port: int
    tls_port: int | None
    encrypts_audio: bool

    @property
    def is_for_this_machine(self) -> bool:
        """Whether phones elsewhere cannot reach it."""
        return ipaddress.ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services, by what they are about."""

    sign_in: SignInService
    single_sign_on: SingleSignOn | None
    second_factor_required: bool
    users: UserService
    links: LinkService
    profiles: ProfileService
    second_factor: SecondFactor
    passkeys: PasskeyService
    favourites: FavouriteService
    dialler: Dialler
    actions: CallActions
    tokens: Tokens
    calls: CallService
    board: Board
    records: RecordService
    keys: KeyService
    lines: LineService
    line_book: LineBook
    trunks: TrunkService
    phone_tests: PhoneTests
    phone_server: PhoneServer
    accounts: AccountService
    first_steps: FirstSteps
    limits: LimitService
    rates: RateService
    prompts: PromptService
    do_not_call: DoNotCallService
    webhooks: WebhookService
    statistics: StatisticsService
    overview: OverviewService
    origins: OriginService
    schedules: ScheduleService
    audit: AuditService
    clock: Clock
