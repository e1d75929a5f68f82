"""The lasting part of a session: its refresh token, and whose it is.

`TokenKeeper.bring` runs as the flight of a `Renewal`, once for all who wait. Between
an answer that rotated the refresh token and the new one being in place there is no
``await``; verification comes after. What was proven wrong is undone, what could not
be checked is kept unpublished and checked the next time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

import anyio
from attrs import define, evolve

from aiocognito._devices import DevicePolicy, HeldDevice
from aiocognito._effects import SignIn as SignInEffect
from aiocognito._issued import Issued, LiveTokens, accept
from aiocognito._persist import Persistence, Storing
from aiocognito._protected import Protected
from aiocognito._redact import Secret, without_frames
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._retry import is_ambiguous, is_transient, pause_before_repeat, session_end
from aiocognito._roster import Roster
from aiocognito.errors import (
    CognitoError,
    DeadlineExceeded,
    DeviceNotFound,
    DeviceRefused,
    LocalProtocolError,
    RefreshTokenRejected,
    RefreshTokenReused,
    RemoteProtocolError,
    SessionClosed,
    SignInRequired,
    TokenExpired,
    TokenVerificationError,
)
from aiocognito.events import (
    DeviceChanged,
    Event,
    ReauthenticationDue,
    RefreshFailing,
    SecurityAlert,
    SessionEnded,
    TokensChanged,
)
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.context import RequestContext
from aiocognito.flow.reading import Granted, read_auth
from aiocognito.flow.refreshing import RefreshWith, refresh_call
from aiocognito.identity_pool import IdentityPool
from aiocognito.stores.base import StoreKey
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.freshness import login_deadline, relogin_at
from aiocognito.tokens.saved import SavedState
from aiocognito.transport.base import Transport
from aiocognito.verify.verifier import TokenVerifier

__all__ = ["PoolServices", "SignIn", "TokenKeeper"]

_REFRESH_SECONDS = 10.0
_ALONE_SECONDS = 5.0  # the same under a lease, which must not end before
_SAFE_GRACE = 25.0  # seconds; a rotated token is still accepted after a repeated call
_MENDED_BY_PASSWORD = (
    None,
    "refresh-token-rejected",
    "refresh-token-reused",
    "ended-elsewhere",
)

# What another operation cannot mend about a refresh token.
_ENDED = re.compile(r"expired|revoked", re.IGNORECASE)

SignIn = Callable[[RememberedDevice | None], Awaitable[Issued]]


@define(kw_only=True, eq=False)
class PoolServices:
    """What a session needs of its pool."""

    client: AppClient
    transport: Transport
    verifier: TokenVerifier | None
    identity_pool: IdentityPool | None
    timing: Timing
    protected: Protected
    observe: Callable[[Event], None]
    refresh_with: RefreshWith
    rotation_grace: float | None
    roster: Roster
    refresh_token_validity: float | None = None
    storing: Storing | None = None
    devices: DevicePolicy = "ask"
    closed: bool = False


_pids: list[int] = [0]


def _this_process() -> int:
    """Return the process's id: one object for all, where each call makes another."""
    pid = os.getpid()
    if pid != _pids[0]:
        _pids[0] = pid
    return _pids[0]


class TokenKeeper:
    """Keeps one user's tokens.

    Attributes:
        username: The user's true name once known, before that the one given.
        access_token: The newest, for signing out; it may have expired.
        refresh_token: The newest, verified or not.
        device: The device the tokens were issued on.
        end: Why there are no tokens any more, in the words of `SignInRequired.reason`.
        renewal: Where tokens are asked for.
        persistence: The session's entry in the pool's store, if there is one.
    """

    # There may be a hundred thousand of them.
    __slots__ = (
        "__weakref__",
        "_answer_lost",
        "_asked_to_sign_in",
        "_by_admin",
        "_context",
        "_end_was_said",
        "_fell_back",
        "_forked",
        "_on_end",
        "_pid",
        "_replaced",
        "_rotates",
        "_services",
        "_sign_in_again",
        "_sign_in_at",
        "_signing_out",
        "_sub",
        "_unverified",
        "_username_is_true",
        "access_token",
        "device",
        "end",
        "persistence",
        "refresh_token",
        "renewal",
        "username",
    )

    def __init__(
        self,
        services: PoolServices,
        *,
        username: str,
        sign_in_again: SignIn | None,
        on_end: Callable[[], None],
        context: RequestContext = RequestContext(),  # noqa: B008  frozen
        stored_as: str | None = None,
        device: RememberedDevice | None = None,
    ) -> None:
        self.username = username
        self.access_token: Secret | None = None
        self.refresh_token: Secret | None = None
        self.device = HeldDevice(services.client.pool.text)
        self.device.put(None, device)
        self.end: str | None = None
        self.renewal: Renewal[LiveTokens] = Renewal(
            self.bring,
            timing=services.timing,
            protected=services.protected,
            on_failure=self._on_failure,
        )
        self._services = services
        self._sign_in_again = sign_in_again
        self._on_end = on_end
        self._context = context
        self._by_admin = self._fell_back = False
        self._username_is_true = False
        self._sub: str | None = None
        self._rotates: bool | None = None if services.rotation_grace is None else True
        self._answer_lost = False
        self._signing_out = False
        self._end_was_said = False
        self._unverified: Issued | None = None
        self._replaced: tuple[Secret | None, bool | None] = (None, None)
        self._asked_to_sign_in = False
        self._sign_in_at: float | None = None  # on the boot clock, before the token's own end
        services.roster.enrol(self.renewal)
        self._pid = _this_process()
        self._forked = False
        self.persistence = self._entry(stored_as or username)

    # --- coming and going ---

    def check_open(self) -> None:
        """Raise `SessionClosed` after a sign-out or the pool's end."""
        if self._services.closed or self._signing_out:
            raise SessionClosed
        if _this_process() != self._pid:
            self._begin_anew()

    async def adopt(self, issued: Issued) -> None:
        """Take the tokens of a sign-in. Raises as `accept`."""
        self.renewal.used_at = self._services.timing.clock.boot()
        await self._admit(issued)
        await self._meet_offer(issued)
        if self.persistence is not None:
            await self.persistence.keep(issued)

    def take_over(self, state: SavedState) -> None:
        """Take saved state; the first use refreshes, then verifies."""
        # Without a `sub` no token was checked before it was saved: the name is as typed.
        self.username, self._username_is_true = state.username, state.sub is not None
        self._sub = state.sub
        self.device.put(state.device, state.remembered or self.device.remembered)
        self.refresh_token, self.access_token = state.refresh_token, state.access_token
        if self._rotates is None:
            self._rotates = state.rotates
        self._by_admin, self._fell_back = state.by_admin, state.fell_back

    def saved_state(self) -> SavedState:
        """Return what `take_over` takes.

        Raises:
            SignInRequired: There is no refresh token.
        """
        if self.refresh_token is None:
            raise SignInRequired(self.username, self.end or "not-signed-in")
        client = self._services.client
        return SavedState(
            user_pool_id=client.pool.text,
            client_id=client.client_id,
            username=self.username,
            sub=self._sub,
            refresh_token=self.refresh_token,
            access_token=self.access_token,
            device=self.device.offered,
            remembered=self.device.remembered,
            rotates=self._rotates,
            by_admin=self._by_admin,
            fell_back=self._fell_back,
        )

    def begin_no_more(self) -> None:
        """Let no refresh begin any more; one under way goes on."""
        self._signing_out = True
        self._services.roster.dismiss(self.renewal)

    def sign_out(self) -> None:
        """Forget everything, also what a refresh under way will bring."""
        self._signing_out = True
        self._drop("signed-out")
        self._services.roster.dismiss(self.renewal)
        self.renewal.forget()
        self._say_end("signed-out")

    def _check_wanted(self) -> None:
        """Raise `SessionClosed` where a sign-out has overtaken what is under way."""
        if self.end == "signed-out":
            raise SessionClosed

    # --- bringing tokens ---

    async def bring(self) -> Fresh[LiveTokens]:
        self.check_open()
        if (waiting := self._unverified) is not None:
            try:
                fresh = await self._admit(waiting)
                if waiting.reason == "sign-in":
                    await self._meet_offer(waiting)
                    if self.persistence is not None:
                        await self.persistence.keep(waiting)
                return fresh
            except TokenExpired:
                pass  # The keys came back too late for these; the refresh token lives.
            except (TokenVerificationError, RemoteProtocolError):
                if self.persistence is not None:
                    await self.persistence.undo()
                raise
        if self.persistence is not None:
            return await self.persistence.bring()
        if self.ends_soon:
            with suppress(CognitoError):  # it still lives; the next refresh asks once more
                issued = await self._signed_in_again()
                fresh = await self._admit(issued)
                await self._meet_offer(issued)
                return fresh
            self.check_open()
        if self.refresh_token is not None:
            try:
                return await self._admit(await self._exchange())
            except CognitoError as error:
                end = session_end(error)
                if end is None:
                    raise
                self._check_wanted()
                self._lose(end, error)
        issued = await self._signed_in_again()
        fresh = await self._admit(issued)
        await self._meet_offer(issued)
        return fresh

    async def _signed_in_again(self) -> Issued:
        if self._sign_in_again is None or self.end not in _MENDED_BY_PASSWORD:
            if self._forked:
                raise LocalProtocolError(
                    "Signed in before a fork: sign in after it, or give UserPool a store."
                )
            raise SignInRequired(self.username, self.end or "not-signed-in")
        with self._services.protected.breakable():
            try:
                return await self._sign_in_again(self.device.remembered)
            except (DeviceNotFound, DeviceRefused):
                self.device.drop()  # it would be in the way of the next attempt too
                raise
        raise SessionClosed  # the pool was closed over it

    # --- what the entry in the store asks for (`_persist.Holder`) ---

    async def present(self, token: Secret, *, alone: bool) -> Issued:
        """Refresh with this token and put what comes in place; once, where others wait."""
        self.refresh_token = token
        return await self._exchange(alone=alone)

    async def sign_in(self, ask: SignInEffect) -> Issued:
        """Give the refresh token up unless it lives, sign in, put what comes in place."""
        self._check_wanted()
        if ask.refused is not None:
            self._answer_lost |= ask.ambiguous
            self._lose(session_end(ask.refused) or "refresh-token-rejected", ask.refused)
        elif self.refresh_token is not None and not ask.planned:
            self._drop("ended-elsewhere")
            self.renewal.drop()
        issued = await self._signed_in_again()
        self._receive(issued)
        await self._meet_offer(issued)  # before it is stored: the store keeps the device
        return issued

    async def admit(self, issued: Issued) -> Fresh[LiveTokens]:
        """Verify what came, and publish it. Raises as `accept`."""
        return await self._admit(issued)

    def is_of_this_user(self, state: SavedState) -> bool:
        """Whether stored state may be this session's."""
        client = self._services.client
        if (state.user_pool_id, state.client_id) != (client.pool.text, client.client_id):
            return False
        return self._sub is None or state.sub is None or state.sub == self._sub

    def state_of(self, issued: Issued) -> SavedState:
        """Return the lasting part as it is with these tokens."""
        return evolve(self.saved_state(), access_token=issued.tokens.access_token)

    @property
    def ends_soon(self) -> bool:
        """Whether the refresh token reaches its own end soon, and a password mends that."""
        if self._sign_in_again is None or self._sign_in_at is None or self.end is not None:
            return False
        return self._services.timing.clock.boot() >= self._sign_in_at

    @property
    def live(self) -> Fresh[LiveTokens] | None:
        """What is handed out now, expired or not."""
        return self.renewal.plan

    def _entry(self, name: str) -> Persistence | None:
        services = self._services
        if services.storing is None:
            return None
        client = services.client
        return Persistence(
            services.storing,
            self,
            key=StoreKey.for_session(client.pool.text, client.client_id, name),
            timing=services.timing,
            protected=services.protected,
            observe=services.observe,
        )

    def _begin_anew(self) -> None:
        """This process was forked off: what is in memory is its parent's as well.

        The tokens that live are served, read only. The refresh token is not presented: the
        store says what became of it, or the password brings another.
        """
        self._pid, self._forked = _this_process(), True
        self.refresh_token = self._unverified = None
        self._replaced = (None, None)
        self._answer_lost = False
        self.renewal.disown()
        if self.persistence is not None:
            self.persistence.begin_anew()

    # --- the device ---

    async def _meet_offer(self, issued: Issued) -> None:
        """Do with an offered device what the pool was told; the sign-in is good anyway."""
        offered, policy = self.device.offered, self._services.devices
        if offered is None or policy == "ignore":
            return
        if policy == "ask":
            self.say_device(offered.key, "offered")
            return

        async def ask(build: Callable[[Secret], Call]) -> Reply:
            return await self._services.transport.send(build(issued.tokens.access_token))

        try:
            await self.device.remember(ask, None)
        except CognitoError as error:
            self.say_device(offered.key, "not-remembered", without_frames(error))
        else:
            self.say_device(offered.key, "remembered")

    def say_device(
        self,
        key: str,
        change: Literal["offered", "remembered", "not-remembered"],
        error: CognitoError | None = None,
    ) -> None:
        """Tell the observer."""
        self._services.observe(
            DeviceChanged(username=self.username, key=key, change=change, error=error)
        )

    # --- the wire ---

    async def _exchange(self, *, alone: bool = False) -> Issued:
        """Send the refresh token and put what comes in place, without a pause between."""
        call = self._refresh_call(by_flow=self._fell_back)
        if alone:
            call = evolve(call, repeatable=False)
        try:
            with anyio.fail_after(_ALONE_SECONDS if alone else _REFRESH_SECONDS, shield=True):
                try:
                    return await self._send_refresh(call)
                except RefreshTokenRejected as refused:
                    if not self._may_fall_back(refused):
                        raise
                    return await self._fall_back(refused)
        except TimeoutError:
            self._answer_lost = True
            raise DeadlineExceeded(call.operation, retry_safe=call.repeatable) from None

    def _may_fall_back(self, refused: RefreshTokenRejected) -> bool:
        """Whether the other operation may take what this one refused."""
        unsure = self._by_admin and not self._fell_back and not self._rotates
        return (
            self._services.refresh_with == "auto" and unsure and not _ENDED.search(refused.message)
        )

    async def _fall_back(self, refused: RefreshTokenRejected) -> Issued:
        """Refresh by REFRESH_TOKEN_AUTH, and do so from now on if that works.

        Reported, and unresolved: GetTokensFromRefreshToken refuses the refresh tokens of
        some administrators' sign-ins.
        """
        try:
            issued = await self._send_refresh(self._refresh_call(by_flow=True))
        except CognitoError as error:
            if is_transient(error):
                raise
            raise without_frames(refused) from None
        self._fell_back = True
        return issued

    def _refresh_call(self, *, by_flow: bool) -> Call:
        assert self.refresh_token is not None
        services = self._services
        grace = services.rotation_grace
        return refresh_call(
            services.client,
            refresh_token=self.refresh_token,
            username=self.username if self._username_is_true else None,
            device_key=self.device.key,
            refresh_with="REFRESH_TOKEN_AUTH" if by_flow else services.refresh_with,
            repeatable=self._rotates is False or (grace is not None and grace >= _SAFE_GRACE),
            context=self._context,
        )

    async def _send_refresh(self, call: Call) -> Issued:
        timing = self._services.timing
        attempt = 0
        while True:
            boot, wall = timing.clock.boot(), timing.clock.wall()
            try:
                reply = await self._services.transport.send(call)
                return self._swap_in(reply, boot, wall)
            except CognitoError as error:
                attempt += 1
                self._answer_lost |= is_ambiguous(error)
                pause = pause_before_repeat(
                    error,
                    attempt=attempt,
                    repeat_ambiguous=call.repeatable,
                    jitter=timing.jitter(),
                )
                if pause is None:
                    raise without_frames(error)  # noqa: B904  itself, less its frames
            await timing.sleep(pause)

    def _swap_in(self, reply: Reply, sent_boot: float, sent_wall: float) -> Issued:
        """Put a rotated refresh token in place: from here the old one may be dead."""
        granted = read_auth(reply.body)
        if not isinstance(granted, Granted):
            raise RemoteProtocolError("The server answers a refresh with a challenge.")
        self._check_wanted()
        new = granted.tokens.refresh_token
        self._answer_lost = False
        self._replaced = (self.refresh_token, self._rotates)
        self._rotates = new is not None or bool(self._rotates)
        if new is not None:
            self.refresh_token = new
        self._unverified = Issued(
            reason="refresh",
            tokens=granted.tokens,
            username=self.username if self._username_is_true else None,
            sent_boot=sent_boot,
            sent_wall=sent_wall,
            date=reply.date,
        )
        return self._unverified

    async def _admit(self, issued: Issued) -> Fresh[LiveTokens]:
        """Verify tokens; make the session theirs, or keep what it was."""
        self._check_wanted()
        if issued is not self._unverified:
            self._receive(issued)
        try:
            fresh = await accept(
                issued,
                verifier=self._services.verifier,
                timing=self._services.timing,
                username=issued.username,
                sub=self._sub,
                spread=self._services.roster.spread(),
            )
        except TokenExpired:
            self._unverified = None
            if issued.username is not None:
                # What follows has to be of the user this sign-in was for.
                self.username, self._username_is_true = issued.username, True
            raise
        except (TokenVerificationError, RemoteProtocolError) as error:
            if issued.reason == "sign-in":
                self.device.undo()
            self._refuse(error)
            raise
        self._check_wanted()
        return self._settle_in(issued, fresh)

    def _receive(self, issued: Issued) -> None:
        """From here on a sign-in cannot be lost, even if the keys cannot be read."""
        if issued.reason == "sign-in":
            self.device.put(issued.new_device, issued.device)
        if issued.reason == "sign-in" and issued.tokens.refresh_token is not None:
            self._replaced = (self.refresh_token, self._rotates)
            self.refresh_token, self._unverified = issued.tokens.refresh_token, issued
            self._by_admin = issued.by_admin

    def _settle_in(self, issued: Issued, fresh: Fresh[LiveTokens]) -> Fresh[LiveTokens]:
        fresh = self._with_the_end_in_view(issued, fresh)
        live = fresh.value
        claims = live.id_claims or live.access_claims
        self.username, self._sub = claims.username or self.username, claims.sub
        self._username_is_true = True
        self._unverified = self.end = None
        self._forked = False
        self._end_was_said = False
        self._replaced = (None, None)
        self.access_token = issued.tokens.access_token
        # Here, not where the flight ends: an observer may ask for them.
        self.renewal.put(fresh)
        self._services.observe(
            TokensChanged(
                username=self.username,
                reason=issued.reason,
                expires_at=live.expires_at,
                rotated=issued.reason == "refresh" and issued.tokens.refresh_token is not None,
            )
        )
        self._look_at_times(issued, fresh)
        live.rest()
        return fresh

    def _look_at_times(self, issued: Issued, fresh: Fresh[LiveTokens]) -> None:
        """Compare the clocks."""
        services, claims = self._services, fresh.value.access_claims
        date = issued.date or claims.issued_at
        if date is not None:
            sent = issued.sent_wall
            services.roster.compare_clocks(service=date.timestamp(), sent=sent, received=sent)
        services.roster.look_at_clocks()

    def _with_the_end_in_view(self, issued: Issued, fresh: Fresh[LiveTokens]) -> Fresh[LiveTokens]:
        """Plan for the refresh token's own end: a sign-in by itself, or asking for one."""
        services, claims = self._services, fresh.value.access_claims
        date = issued.date or claims.issued_at
        validity, signed_in = services.refresh_token_validity, claims.auth_time
        if issued.reason != "refresh":
            self._asked_to_sign_in, self._sign_in_at = False, None
        if validity is None or signed_in is None or date is None or self._asked_to_sign_in:
            return fresh
        deadline = login_deadline(auth_time=signed_in.timestamp(), validity=validity)
        at = relogin_at(deadline=deadline, validity=validity, jitter=services.timing.jitter())
        here = issued.sent_boot - date.timestamp()  # from the service's clock to our boot clock
        if self._sign_in_again is not None:
            self._sign_in_at = self._sign_in_at or at + here
            if services.timing.clock.boot() < self._sign_in_at < fresh.schedule.refresh_at:
                plan = evolve(fresh.schedule, refresh_at=self._sign_in_at)
                return Fresh(fresh.value, plan)
        elif fresh.schedule.refresh_at >= at + here:
            self._asked_to_sign_in = True
            services.observe(
                ReauthenticationDue(
                    username=self.username, deadline=datetime.fromtimestamp(deadline, UTC)
                )
            )
        return fresh

    # --- losing them ---

    def _refuse(self, error: CognitoError) -> None:
        """Proven wrong: nothing of that answer is kept, the refresh token neither."""
        if self._unverified is not None:  # not tokens from the store, which replace nothing
            self.refresh_token, self._rotates = self._replaced
        self._unverified = None
        self._services.observe(
            SecurityAlert(username=self.username, kind="token-rejected", error=error)
        )

    def _lose(self, end: str, error: CognitoError) -> None:
        """The refresh token is dead; say so unless the password can mend it."""
        if isinstance(error, RefreshTokenReused) and not self._answer_lost:
            self._services.observe(
                SecurityAlert(username=self.username, kind="refresh-token-reused", error=error)
            )
        self._drop(end)
        self.renewal.drop()
        if self._sign_in_again is None or end not in _MENDED_BY_PASSWORD:
            self._say_end(end)

    def _drop(self, end: str) -> None:
        self.refresh_token = self.access_token = self._unverified = None
        self._replaced = (None, None)
        self._answer_lost = False
        self.end = end

    def _say_end(self, end: str) -> None:
        self._on_end()
        if not self._end_was_said:
            self._end_was_said = True
            self._services.observe(SessionEnded(username=self.username, reason=end))

    def _on_failure(self, error: CognitoError, pause: float) -> None:
        if isinstance(error, SignInRequired | SessionClosed):
            return  # SessionEnded has said it
        self._services.observe(
            RefreshFailing(username=self.username, error=error, retry_after=pause)
        )
