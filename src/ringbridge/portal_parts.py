"""The portal put together: its users, sessions and pages over the database and the services that `bootstrap` has."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from starlette.types import ASGIApp

from ringbridge.addresses import goes_over_tls, sip_address
from ringbridge.api.services import Services as ApiServices
from ringbridge.call.identity import IdentityProvider
from ringbridge.call.ports import Directory
from ringbridge.call.prompt import PromptKeeper
from ringbridge.call.trunk_state import Probe, TrunkStatus
from ringbridge.config import Settings
from ringbridge.openid import OpenIdProvider
from ringbridge.portal.app import create_portal
from ringbridge.portal.services import PhoneServer, Services
from ringbridge.service.accounts import AccountService
from ringbridge.service.actions import CallActions
from ringbridge.service.board import Board
from ringbridge.service.clock import Clock
from ringbridge.service.dialler import Dialler
from ringbridge.service.do_not_call import DoNotCallService
from ringbridge.service.failed_sign_ins import FailedSignIns
from ringbridge.service.favourites import FavouriteService
from ringbridge.service.first_steps import FirstSteps
from ringbridge.service.line_book import Addresses, LineBook
from ringbridge.service.links import LinkService
from ringbridge.service.origins import OriginService
from ringbridge.service.overview import OverviewService
from ringbridge.service.passkeys import PasskeyService
from ringbridge.service.passwords import Passwords
from ringbridge.service.phone_test import PhoneTests
from ringbridge.service.profile import ProfileService
from ringbridge.service.prompts import PromptService
from ringbridge.service.rates import RateService
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignInService
from ringbridge.service.single_sign_on import SingleSignOn
from ringbridge.service.statistics import StatisticsService
from ringbridge.service.trunks import TrunkService
from ringbridge.service.users import UserService
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.favourites import SqlFavourites
from ringbridge.store.lines import SqlLines
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.passkeys import SqlPasskeys
from ringbridge.store.rates import RateTable
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephony:
    """What pages may ask of the engine.

    trunk_statuses: how the trunks do. probe: asks at a SIP address whether somebody is there. phone_server: where phones
    register. prompts: keeps what calls are played.
    """

    phone_tests: PhoneTests
    trunk_statuses: Callable[[], Sequence[TrunkStatus]]
    probe: Callable[[str], Awaitable[Probe]]
    phone_server: PhoneServer
    prompts: PromptKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """How people sign in. provider: says who they are, besides passwords. second_factor_required: of owners and operators."""

    provider: IdentityProvider | None = None
    second_factor_required: bool = False

    @classmethod
    def by(cls, settings: Settings, clock: Clock) -> "SigningIn":
        """As the settings say."""
        required = settings.second_factor == "required"
        if settings.openid_issuer is None:
            return cls(second_factor_required=required)
        provider = OpenIdProvider(
            issuer=settings.openid_issuer,
            client_id=settings.openid_client_id,
            client_secret=settings.openid_client_secret,
            name=settings.openid_name,
            clock=clock,
        )
        return cls(provider=provider, second_factor_required=required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The pages, and who may sign in there. Whoever opens the portal enters `failed_sign_ins`."""

    app: ASGIApp
    links: LinkService
    sign_in: SignInService
    failed_sign_ins: FailedSignIns


def open_portal(
    database: Engine,
    directory: Directory,
    pepper: bytes,
    clock: Clock,
    telephony: Telephony,
    signing_in: SigningIn,
    shared: ApiServices,
) -> Portal:
    """The portal over `database`; `pepper` is what second factors are derived from, `shared` what the API uses, too."""
    users, sessions, passwords = SqlUsers(database), SqlSessions(database), Passwords()
    passkeys = SqlPasskeys(database)
    second_factor = SecondFactor(users, pepper, clock)
    profiles = ProfileService(users, sessions, passwords, second_factor, passkeys)
    links = LinkService(users, sessions, profiles, passwords, clock)
    failed_sign_ins = FailedSignIns(SqlAuditLog(database))
    sign_in = SignInService(users, sessions, passwords, second_factor, failed_sign_ins, clock)
    administration, addresses = Administration(database), Addresses(sip_address, goes_over_tls)
    line_book = LineBook(SqlLines(database), administration, addresses, device_digests, clock)
    trunks = TrunkService(
        administration, addresses, clock, statuses=telephony.trunk_statuses, probe=telephony.probe
    )
    services = Services(
        sign_in=sign_in,
        single_sign_on=None
        if signing_in.provider is None
        else SingleSignOn(signing_in.provider, users, sign_in, clock),
        second_factor_required=signing_in.second_factor_required,
        users=UserService(users, sessions, directory, clock),
        links=links,
        profiles=profiles,
        second_factor=second_factor,
        passkeys=PasskeyService(passkeys, sessions, sign_in, clock),
        favourites=FavouriteService(SqlFavourites(database)),
        dialler=Dialler(shared.calls, shared.records, shared.schedules),
        actions=CallActions(shared.calls),
        tokens=shared.tokens,
        calls=shared.calls,
        board=Board(shared.calls, clock),
        records=shared.records,
        keys=shared.keys,
        lines=shared.lines,
        line_book=line_book,
        trunks=trunks,
        phone_tests=telephony.phone_tests,
        phone_server=telephony.phone_server,
        accounts=AccountService(administration),
        first_steps=FirstSteps(line_book, administration, shared.calls, shared.keys, telephony.phone_tests),
        limits=shared.limits,
        prompts=PromptService(
            telephony.prompts,
            lambda action, target: SqlAuditLog(database).note(action, target_id=target),
        ),
        rates=RateService(RateTable(database)),
        do_not_call=DoNotCallService(partial(DoNotCallList, database), clock),
        webhooks=shared.webhooks,
        statistics=StatisticsService(SqlStatistics(database), directory, clock),
        overview=OverviewService(
            directory=directory,
            admission=shared.calls.admission,
            trunks=trunks,
            webhooks=shared.webhooks,
            clock=clock,
        ),
        origins=OriginService(SqlOrigins(database), clock),
        schedules=shared.schedules,
        audit=shared.audit,
        clock=clock,
    )
    return Portal(app=create_portal(services), links=links, sign_in=sign_in, failed_sign_ins=failed_sign_ins)
