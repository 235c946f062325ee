"""Sessions of the portal and one-time links in SQL: the port `SessionStore`."""

from dataclasses import asdict

from sqlalchemy import Connection, Engine, RowMapping, delete, insert, or_, select, update

from ringbridge.call.audit import Action
from ringbridge.call.directory import Account
from ringbridge.call.user import LinkPurpose, OneTimeLink, Session, User
from ringbridge.store.audit import Row, note
from ringbridge.store.database import reading, writing
from ringbridge.store.tables import accounts
from ringbridge.store.user_tables import user_links, user_sessions, users
from ringbridge.store.users import user_of


class SqlSessions:
    """SessionStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_session(self, token_digest: str) -> tuple[Session, User, Account] | None:
        """The session of this token, whose it is, and their account."""
        with reading(self._engine) as connection:
            is_it = user_sessions.c.token_digest == token_digest
            row = connection.execute(select(user_sessions).where(is_it)).mappings().one_or_none()
            if row is None:
                return None
            user = user_of(
                connection.execute(select(users).where(users.c.id == row["user_id"])).mappings().one()
            )
            account = (
                connection.execute(select(accounts).where(accounts.c.id == user.account_id)).mappings().one()
            )
            return Session(**row), user, Account(**account)

    def begin_session(self, session: Session, *, in_place_of: str | None, signs_in: bool) -> None:
        """Keep a new session; the one with the token digest `in_place_of` ends with it.

        signs_in: somebody has just come, with all that is asked of them; the audit log tells of it.
        """
        with writing(self._engine) as connection:
            if in_place_of is not None:
                connection.execute(delete(user_sessions).where(user_sessions.c.token_digest == in_place_of))
            connection.execute(insert(user_sessions), asdict(session))
            if signs_in:
                place = {"address": session.address, "agent": session.agent}
                _note(connection, Action.USER_SIGNED_IN, session.user_id, after=place)

    def see_session(self, token_digest: str, seen_at: float) -> None:
        """Note when a session was last used."""
        with writing(self._engine) as connection:
            connection.execute(
                update(user_sessions)
                .where(user_sessions.c.token_digest == token_digest)
                .values(seen_at=seen_at)
            )

    def sessions(self, user_id: str) -> list[Session]:
        """The user's sessions, the latest used first."""
        statement = (
            select(user_sessions)
            .where(user_sessions.c.user_id == user_id)
            .order_by(user_sessions.c.seen_at.desc(), user_sessions.c.id)
        )
        with reading(self._engine) as connection:
            return [Session(**row) for row in connection.execute(statement).mappings()]

    def end_session(self, user_id: str, session_id: str) -> bool:
        """End one of the user's sessions; False where there is none such."""
        is_it = (user_sessions.c.user_id == user_id) & (user_sessions.c.id == session_id)
        with writing(self._engine) as connection:
            is_ended = connection.execute(delete(user_sessions).where(is_it)).rowcount == 1
            if is_ended:
                _note(connection, Action.USER_SESSIONS_ENDED, user_id, after={"sessions": 1})
            return is_ended

    def end_sessions(self, user_id: str, *, but: str | None = None) -> None:
        """End all of the user's sessions, `but` the one with this token digest."""
        statement = delete(user_sessions).where(user_sessions.c.user_id == user_id)
        if but is not None:
            statement = statement.where(user_sessions.c.token_digest != but)
        with writing(self._engine) as connection:
            ended = connection.execute(statement).rowcount
            if ended:
                _note(connection, Action.USER_SESSIONS_ENDED, user_id, after={"sessions": ended})

    def sweep(self, *, seen_before: float, created_before: float, expired_before: float) -> None:
        """Forget sessions that were last seen or created before these times, and links that expired before."""
        is_over = or_(user_sessions.c.seen_at < seen_before, user_sessions.c.created_at < created_before)
        with writing(self._engine) as connection:
            connection.execute(delete(user_sessions).where(is_over))
            connection.execute(delete(user_links).where(user_links.c.expires_at < expired_before))

    def add_link(self, link: OneTimeLink) -> None:
        """Keep a link; earlier ones for the same purpose and user stop working."""
        with writing(self._engine) as connection:
            is_earlier = (
                user_links.c.purpose == link.purpose.value
            ) & user_links.c.user_id.is_not_distinct_from(link.user_id)
            connection.execute(delete(user_links).where(is_earlier))
            connection.execute(insert(user_links), asdict(link) | {"purpose": link.purpose.value})
            made = {"purpose": link.purpose.value, "expires_at": link.expires_at}
            _note(connection, Action.USER_LINK_MADE, link.user_id, after=made)

    def find_link(self, token_digest: str, now_utc: float) -> OneTimeLink | None:
        """The link of this token, unless it is too old."""
        is_it = (user_links.c.token_digest == token_digest) & (user_links.c.expires_at > now_utc)
        with reading(self._engine) as connection:
            row = connection.execute(select(user_links).where(is_it)).mappings().one_or_none()
            return None if row is None else _link_of(row)

    def take_link(self, token_digest: str, now_utc: float) -> OneTimeLink | None:
        """The same, and it works no more."""
        is_it = (user_links.c.token_digest == token_digest) & (user_links.c.expires_at > now_utc)
        with writing(self._engine) as connection:
            row = (
                connection.execute(delete(user_links).where(is_it).returning(user_links))
                .mappings()
                .one_or_none()
            )
            return None if row is None else _link_of(row)


def _note(connection: Connection, action: Action, user_id: str | None, *, after: Row) -> None:
    """Tell the audit log of something that concerns a user, or whoever will be the first."""
    account_id = connection.scalar(select(users.c.account_id).where(users.c.id == user_id))
    note(connection, action, account_id=account_id, target_id=user_id, after=after)


def _link_of(row: RowMapping) -> OneTimeLink:
    return OneTimeLink(**{**row, "purpose": LinkPurpose(row["purpose"])})
