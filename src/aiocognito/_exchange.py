"""From logins to credentials by either flow, and what may go wrong on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from attrs import field, frozen

from aiocognito._identities import Answer, Identities, KnownIdentity, Wire
from aiocognito._logins import LoginsSource
from aiocognito._refresh import Fresh, Timing
from aiocognito.errors import InvalidArgument, RemoteProtocolError, ServiceError
from aiocognito.flow.aws_flows import BasicFlow, CredentialsFlow
from aiocognito.flow.identity import (
    Logins,
    OpenIdToken,
    asks_for_fresh_login,
    credentials_call,
    names_stale_identity,
    read_credentials,
    unlink_call,
)
from aiocognito.flow.web_identity import (
    assume_role_call,
    openid_has_expired,
    openid_token_call,
    read_assumed_role,
    read_openid_token,
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

    Three refusals are mended here, once each: a login that is too old (newer ones are
    asked for), a remembered identity id that is not this login's any more (it is
    forgotten and asked for again), and an OpenID token that STS finds expired.
    """

    def __init__(
        self, wire: Wire, source: LoginsSource, identities: Identities, flow: CredentialsFlow
    ) -> None:
        self.source = source
        self._wire = wire
        self._identities = identities
        self._flow = flow

    async def identity_id(self) -> str:
        async def use(logins: Logins, again: bool) -> str:
            known = self._identities.of(logins)
            await _take_what_came(known, logins)
            await known.recall()
            return await known.get(logins, at_once=again)

        return await self._with_logins(use)

    async def credentials(self) -> Fresh[Issued]:
        return await self._with_logins(self._with_identity)

    async def unlink(self, providers: Sequence[str]) -> None:
        async def use(logins: Logins, again: bool) -> None:
            if not logins.tokens:
                raise InvalidArgument("providers", "left alone: a guest has none")
            known = self._identities.of(logins)
            await _take_what_came(known, logins)
            identity_id = await known.get(logins, at_once=again)
            await self._wire.ask(unlink_call(identity_id, logins, providers), lambda reply: None)

        await self._with_logins(use)

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
        await _take_what_came(known, logins)
        remembered = await known.recall()
        try:
            return await self._ask(known, logins, again)
        except ServiceError as error:
            if remembered is None or not names_stale_identity(error):
                raise
            await known.drop(remembered)
        return await self._ask(known, logins, again)

    async def _ask(self, known: KnownIdentity, logins: Logins, again: bool) -> Fresh[Issued]:
        identity_id = await known.get(logins, at_once=again)
        if isinstance(self._flow, BasicFlow):
            answer = await self._by_basic_flow(self._flow, identity_id, logins)
        else:
            call = credentials_call(identity_id, logins, self._flow.custom_role_arn)
            answer = await self._wire.ask(call, read_credentials)
        schedule = _plan(answer, self._wire.timing)
        await known.learn(answer.value.identity_id)
        return Fresh(Issued(credentials=answer.value, rights=logins.rights), schedule)

    async def _by_basic_flow(
        self, flow: BasicFlow, identity_id: str, logins: Logins
    ) -> Answer[AwsCredentials]:
        openid = logins.openid or await self._openid_token(identity_id, logins)
        try:
            return await self._assume(openid, flow)
        except ServiceError as error:
            if not openid_has_expired(error):
                raise
            # A developer's token can be replaced by its back end alone.
            newer = await self.source.renew() if logins.openid is not None else None
            logins = newer if newer is not None else logins
            openid = (newer and newer.openid) or await self._openid_token(identity_id, logins)
        return await self._assume(openid, flow)

    async def _openid_token(self, identity_id: str, logins: Logins) -> OpenIdToken:
        call = openid_token_call(identity_id, logins)
        return (await self._wire.ask(call, read_openid_token)).value

    async def _assume(self, openid: OpenIdToken, flow: BasicFlow) -> Answer[AwsCredentials]:
        return await self._wire.ask(
            assume_role_call(openid, flow),
            lambda reply: read_assumed_role(reply, openid.identity_id),
        )


async def _take_what_came(known: KnownIdentity, logins: Logins) -> None:
    """Take the id that a developer's back end was told with the token."""
    if logins.openid is not None:
        await known.learn(logins.openid.identity_id)


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
