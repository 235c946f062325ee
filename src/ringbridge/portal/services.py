"""What pages use: one value with all services, which `bootstrap` fills."""

from dataclasses import dataclass

from ringbridge.service.actions import CallActions
from ringbridge.service.audit import AuditService
from ringbridge.service.board import Board
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.dialler import Dialler
from ringbridge.service.favourites import FavouriteService
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.links import LinkService
from ringbridge.service.origins import OriginService
from ringbridge.service.profile import ProfileService
from ringbridge.service.records import RecordService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignInService
from ringbridge.service.users import UserService
from ringbridge.service.webhooks import WebhookService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services, by what they are about."""

    sign_in: SignInService
    users: UserService
    links: LinkService
    profiles: ProfileService
    second_factor: SecondFactor
    favourites: FavouriteService
    dialler: Dialler
    actions: CallActions
    calls: CallService
    board: Board
    records: RecordService
    keys: KeyService
    lines: LineService
    limits: LimitService
    webhooks: WebhookService
    origins: OriginService
    schedules: ScheduleService
    audit: AuditService
    clock: Clock
