"""From logins to credentials: GetId, GetCredentialsForIdentity, and what may go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import field, frozen

from aiocognito._identities import Answer, Identities, KnownIdentity, Wire
from aiocognito._logins import LoginsSource
from aiocognito._refresh import Fresh, Timing
from aiocognito.errors import RemoteProtocolError, ServiceError
from aiocognito.flow.identity import (
    Logins,
    asks_for_fresh_login,
    credentials_call,
    names_stale_identity,
    read_credentials,
)
from aiocognito.tokens.credentials import AwsCredentials, issue_moment
from aiocognito.tokens.freshness import Schedule, credentials_schedule, wall_expiry

__all__ = ["Exchange", "Issued"]

T = TypeVar("T")

_LONGEST_LIFE = 12 * 3600.0 + 300.0  # no role session of STS is longer


@frozen(kw_only=True)
class Issued:
    """Credentials, and what they depend on (`Logins.rights`)."""

    credentials: AwsCredentials
    rights: object = field(repr=False)


class Exchange:
    """Turns the logins of one source into an identity id and into credentials.

    Two refusals are mended here, once each: a login that is too old (newer ones are
    asked for), and a remembered identity id that is not this login's any more (it is
    forgotten and asked for again).
    """

    def __init__(self, wire: Wire, source: LoginsSource, identities: Identities) -> None:
        self.source = source
        self._wire = wire
        self._identities = identities

    async def identity_id(self) -> str:
        async def use(logins: Logins, again: bool) -> str:
            return await self._identities.of(logins).get(logins, at_once=again)

        return await self._with_logins(use)

    async def credentials(self) -> Fresh[Issued]:
        return await self._with_logins(self._with_identity)

    async def _with_logins(self, use: Callable[[Logins, bool], Awaitable[T]]) -> T:
        try:
            return await use(await self.source.bring(), False)
        except ServiceError as error:
            if not asks_for_fresh_login(error):
                raise
            newer = await self.source.renew()
            if newer is None:
                raise
        return await use(newer, True)

    async def _with_identity(self, logins: Logins, again: bool) -> Fresh[Issued]:
        known = self._identities.of(logins)
        remembered = known.id
        try:
            return await self._ask(known, logins, again)
        except ServiceError as error:
            if remembered is None or not names_stale_identity(error):
                raise
            known.drop(remembered)
        return await self._ask(known, logins, again)

    async def _ask(self, known: KnownIdentity, logins: Logins, again: bool) -> Fresh[Issued]:
        identity_id = await known.get(logins, at_once=again)
        answer = await self._wire.ask(credentials_call(identity_id, logins), read_credentials)
        schedule = _plan(answer, self._wire.timing)
        known.put(answer.value.identity_id)
        return Fresh(Issued(credentials=answer.value, rights=logins.rights), schedule)


def _plan(answer: Answer[AwsCredentials], timing: Timing) -> Schedule:
    date = None if answer.date is None else answer.date.timestamp()
    issued_at = issue_moment(date=date, received=answer.received_wall)
    expires_at = answer.value.expires_at.timestamp()
    if not 0.0 < expires_at - issued_at <= _LONGEST_LIFE:
        raise RemoteProtocolError(
            "The credentials have ended already or last too long; check this machine's clock."
        )
    return credentials_schedule(
        lifetime=expires_at - issued_at,
        sent=answer.sent_boot,
        expires_wall=wall_expiry(
            issued_at=issued_at,
            expires_at=expires_at,
            sent=answer.sent_wall,
            received=answer.received_wall,
        ),
        jitter=timing.jitter(),
    )
