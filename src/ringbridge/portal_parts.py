"""The portal put together: its users, sessions and pages over the database and the services that `bootstrap` has."""

from dataclasses import dataclass

from sqlalchemy import Engine
from starlette.types import ASGIApp

from ringbridge.call.ports import Directory
from ringbridge.portal.app import create_portal
from ringbridge.portal.services import Services
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
from ringbridge.service.passwords import Passwords
from ringbridge.service.profile import ProfileService
from ringbridge.service.records import RecordService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignInService
from ringbridge.service.users import UserService
from ringbridge.service.webhooks import WebhookService
from ringbridge.store.favourites import SqlFavourites
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The pages, and who may sign in there."""

    app: ASGIApp
    links: LinkService
    sign_in: SignInService


def open_portal(
    database: Engine,
    directory: Directory,
    pepper: bytes,
    clock: Clock,
    *,
    calls: CallService,
    records: RecordService,
    keys: KeyService,
    lines: LineService,
    limits: LimitService,
    webhooks: WebhookService,
    schedules: ScheduleService,
    audit: AuditService,
) -> Portal:
    """The portal over `database`; `pepper` is what second factors are derived from."""
    users, sessions, passwords = SqlUsers(database), SqlSessions(database), Passwords()
    second_factor = SecondFactor(users, pepper, clock)
    profiles = ProfileService(users, sessions, passwords, second_factor)
    links = LinkService(users, sessions, profiles, passwords, clock)
    services = Services(
        sign_in=SignInService(users, sessions, passwords, second_factor, clock),
        users=UserService(users, sessions, directory, clock),
        links=links,
        profiles=profiles,
        second_factor=second_factor,
        favourites=FavouriteService(SqlFavourites(database)),
        dialler=Dialler(calls, clock),
        actions=CallActions(calls),
        calls=calls,
        board=Board(calls, clock),
        records=records,
        keys=keys,
        lines=lines,
        limits=limits,
        webhooks=webhooks,
        origins=OriginService(SqlOrigins(database), clock),
        schedules=schedules,
        audit=audit,
        clock=clock,
    )
    return Portal(app=create_portal(services), links=links, sign_in=services.sign_in)
