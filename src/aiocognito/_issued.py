"""From tokens as they came to tokens that may be handed out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import define, field, frozen

from aiocognito._redact import Secret, without_frames
from aiocognito._refresh import Fresh, Timing
from aiocognito.errors import (
    KeysUnavailable,
    RemoteProtocolError,
    TokenExpired,
    TokenVerificationError,
)
from aiocognito.tokens.claims import Claims, read_unverified
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.freshness import Schedule, token_schedule, wall_expiry
from aiocognito.tokens.model import NewDevice, TokenSet
from aiocognito.verify.verifier import TokenVerifier

__all__ = ["Issued", "LiveTokens", "accept"]


@frozen(kw_only=True)
class Issued:
    """Tokens and the circumstances of their arrival. Nothing is verified yet.

    Attributes:
        reason: What brought them.
        tokens: What came.
        new_device: The device the service offers to remember, or None.
        username: The name the tokens must carry, or None if nobody knows it.
        sent_boot: When the request left, on the boot clock.
        sent_wall: The same on the wall clock.
        date: The service's clock in the answer, or None.
        device: The remembered device that was given to the sign-in, if the service
            knows it.
        by_admin: Whether an administrator's sign-in brought them.
    """

    reason: Literal["sign-in", "refresh", "store"]
    tokens: TokenSet
    new_device: NewDevice | None = None
    username: str | None = None
    sent_boot: float
    sent_wall: float
    date: datetime | None = None
    device: RememberedDevice | None = None
    by_admin: bool = False


@define(kw_only=True, eq=False, weakref_slot=False)
class LiveTokens:
    """Tokens that may be handed out. They were verified; their claims are read on demand.

    A session at rest keeps the texts alone: the claims take three times their room.
    """

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    _access_claims: Claims | None = field(repr=False)
    _id_claims: Claims | None = field(repr=False)

    @property
    def access_claims(self) -> Claims:
        """The access token's."""
        if self._access_claims is None:
            self._access_claims = read_unverified(self.access_token)
        return self._access_claims

    @property
    def id_claims(self) -> Claims | None:
        """The ID token's, or None; the same object until `rest`."""
        if self._id_claims is None and self.id_token is not None:
            self._id_claims = read_unverified(self.id_token)
        return self._id_claims

    def rest(self) -> None:
        """Drop the claims; whoever asks reads them again."""
        self._access_claims = self._id_claims = None

    @property
    def expires_at(self) -> datetime:
        """When the first of the two expires, on the service's clock."""
        ends = [self.access_claims.expires_at]
        if self.id_claims is not None:
            ends.append(self.id_claims.expires_at)
        return min(ends)


async def accept(
    issued: Issued,
    *,
    verifier: TokenVerifier | None,
    timing: Timing,
    username: str | None,
    sub: str | None,
    spread: tuple[int, float] = (1, 120.0),
) -> Fresh[LiveTokens]:
    """Verify tokens and plan their life.

    Args:
        issued: What came.
        verifier: None where the caller switched verification off.
        timing: Clocks and chance.
        username: The user's true name they must carry, or None.
        sub: The user's id they must carry, or None.
        spread: How many sessions share how many refreshes a second.

    Raises:
        TokenVerificationError: They are not what they must be.
        KeysUnavailable: That cannot be found out now.
        RemoteProtocolError: They are unverified and unreadable.
    """
    tokens = issued.tokens
    if verifier is None:
        access = _unverified(tokens.access_token)
        identity = None if tokens.id_token is None else _unverified(tokens.id_token)
    else:
        try:
            verified = await verifier.verify_tokens(
                tokens, username=username, sub=sub, now=_service_time(issued, timing)
            )
        except (TokenVerificationError, KeysUnavailable) as error:
            raise without_frames(error)  # noqa: B904  itself, less its frames
        access, identity = verified.access, verified.id
    live = LiveTokens(
        access_token=tokens.access_token.reveal(),
        id_token=None if tokens.id_token is None else tokens.id_token.reveal(),
        access_claims=access,
        id_claims=identity,
    )
    plan = _plan(live, issued, timing, spread)
    if timing.clock.boot() >= plan.expires_at:
        # The verifier's leeway is for clocks that differ; this one clock saw it end.
        raise TokenExpired(claim="exp")
    return Fresh(live, plan)


def _unverified(token: Secret) -> Claims:
    try:
        return read_unverified(token.reveal())
    except TokenVerificationError as error:
        cause = without_frames(error)
    raise RemoteProtocolError("The server issued an unreadable token.") from cause


def _service_time(issued: Issued, timing: Timing) -> float:
    """What the service's clock shows now: a wrong local one refuses no fresh token."""
    if issued.date is None:
        return timing.clock.wall()
    return issued.date.timestamp() + (timing.clock.boot() - issued.sent_boot)


def _plan(live: LiveTokens, issued: Issued, timing: Timing, spread: tuple[int, float]) -> Schedule:
    since, lifetime = _life(live, issued)
    lost = _lost_to_rounding(since, issued.sent_wall, lifetime)
    return token_schedule(
        lifetime=lifetime - lost,
        sent=issued.sent_boot,
        expires_wall=wall_expiry(
            issued_at=since + lost,
            expires_at=since + lifetime,
            sent=issued.sent_wall,
            # By the answer's time, not the check's, which may come minutes later.
            received=issued.sent_wall,
        ),
        jitter=timing.jitter(),
        sessions=spread[0],
        quota=spread[1],
    )


def _life(live: LiveTokens, issued: Issued) -> tuple[float, float]:
    """Return when the tokens' life began, on the service's clock, and its length.

    Usually ``iat`` and ``exp - iat``. Where the service's clock says it is later than
    ``iat``, part of that life is over: an old answer was played again.
    """
    claims = [c for c in (live.access_claims, live.id_claims) if c is not None]
    lasting = [c for c in claims if c.lifetime is not None]
    begins = [c.issued_at.timestamp() for c in lasting if c.issued_at is not None]
    if issued.date is not None:
        begins.append(issued.date.timestamp())
        lasting = claims
    lengths = [c.expires_at.timestamp() - max(begins) for c in lasting]
    if issued.tokens.expires_in is not None:
        lengths.append(issued.tokens.expires_in)
    if not lengths:
        raise RemoteProtocolError("The server issued a token without a lifetime.")
    if min(lengths) <= 0:
        raise TokenExpired(claim="exp")
    return max(begins, default=issued.sent_wall), min(lengths)


def _lost_to_rounding(issued_at: float, sent_wall: float, lifetime: float) -> float:
    """Seconds of life that ``iat`` in whole seconds hides.

    A token issued at 4.9 says 4, and a two-second one ends at 6.0, not at 6.9. Where
    the clocks agree the fraction can be seen; elsewhere it may be a whole second.
    """
    seen = sent_wall - issued_at
    return min(seen if 0.0 <= seen < 1.0 else 1.0, 0.5 * lifetime)
