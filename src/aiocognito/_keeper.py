"""What a session keeps and loses: its tokens, in memory and in a store.

`TokenKeeper.bring` runs as the flight of a `Renewal`, once for all who wait. What came
is in place at once (`_presenting`); verification comes after. What was proven wrong is
undone, what could not be checked is kept unpublished and checked the next time.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

from attrs import evolve

from aiocognito._devices import Change
from aiocognito._effects import SignIn as SignInEffect
from aiocognito._end_in_view import end_in_view
from aiocognito._issued import Issued, LiveTokens, accept
from aiocognito._kept import Kept
from aiocognito._persist import Persistence
from aiocognito._presenting import present_token
from aiocognito._redact import Secret
from aiocognito._refresh import Fresh, Renewal
from aiocognito._retry import session_end
from aiocognito._services import PoolServices
from aiocognito.errors import (
    CognitoError,
    DeviceNotFound,
    DeviceRefused,
    LocalProtocolError,
    RefreshTokenReused,
    RemoteProtocolError,
    SessionClosed,
    SignInRequired,
    TokenExpired,
    TokenVerificationError,
)
from aiocognito.events import (
    DeviceChanged,
    ReauthenticationDue,
    RefreshFailing,
    SecurityAlert,
    SessionEnded,
    TokensChanged,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.context import RequestContext
from aiocognito.stores.base import StoreKey
from aiocognito.tokens.devices import RememberedDevice

__all__ = ["SignIn", "TokenKeeper"]

_MENDED_BY_PASSWORD = (
    None,
    "refresh-token-rejected",
    "refresh-token-reused",
    "ended-elsewhere",
)

SignIn = Callable[[RememberedDevice | None], Awaitable[Issued]]


_pids: list[int] = [0]


def _this_process() -> int:
    """Return the process's id: one object for all, where each call makes another."""
    pid = os.getpid()
    if pid != _pids[0]:
        _pids[0] = pid
    return _pids[0]


class TokenKeeper(Kept):
    """Keeps one user's tokens.

    Attributes:
        renewal: Where tokens are asked for.
        persistence: The session's entry in the pool's store, if there is one.
    """

    __slots__ = (
        "__weakref__",
        "_asked_to_sign_in",
        "_end_was_said",
        "_forked",
        "_on_end",
        "_pid",
        "_sign_in_again",
        "_sign_in_at",
        "_signing_out",
        "persistence",
        "renewal",
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
        super().__init__(services, username=username, device=device, context=context)
        self.renewal: Renewal[LiveTokens] = Renewal(
            self.bring,
            timing=services.timing,
            protected=services.protected,
            on_failure=self._on_failure,
        )
        self._sign_in_again = sign_in_again
        self._on_end = on_end
        self._signing_out = False
        self._end_was_said = False
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
        await self.admit(issued)
        await self._meet_offer(issued)
        if self.persistence is not None:
            await self.persistence.keep(issued)

    def begin_no_more(self) -> None:
        """Let no refresh begin any more; one under way goes on."""
        self._signing_out = True
        self._services.roster.dismiss(self.renewal)

    def sign_out(self) -> None:
        """Forget everything, also what a refresh under way will bring."""
        self._signing_out = True
        self.drop("signed-out")
        self._services.roster.dismiss(self.renewal)
        self.renewal.forget()
        self._say_end("signed-out")

    # --- bringing tokens ---

    async def bring(self) -> Fresh[LiveTokens]:
        self.check_open()
        if (waiting := self.unverified) is not None:
            try:
                fresh = await self.admit(waiting)
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
                fresh = await self.admit(issued)
                await self._meet_offer(issued)
                return fresh
            self.check_open()
        if self.refresh_token is not None:
            try:
                return await self.admit(await present_token(self, self._services))
            except CognitoError as error:
                end = session_end(error)
                if end is None:
                    raise
                self.check_wanted()
                self._lose(end, error)
        issued = await self._signed_in_again()
        fresh = await self.admit(issued)
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
        return await present_token(self, self._services, alone=alone)

    async def sign_in(self, ask: SignInEffect) -> Issued:
        """Give the refresh token up unless it lives, sign in, put what comes in place."""
        self.check_wanted()
        if ask.refused is not None:
            self.answer_lost |= ask.ambiguous
            self._lose(session_end(ask.refused) or "refresh-token-rejected", ask.refused)
        elif self.refresh_token is not None and not ask.planned:
            self.drop("ended-elsewhere")
            self.renewal.drop()
        issued = await self._signed_in_again()
        self.receive(issued)
        await self._meet_offer(issued)  # before it is stored: the store keeps the device
        return issued

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
        self.disown()
        self.renewal.disown()
        if self.persistence is not None:
            self.persistence.begin_anew()

    # --- the device ---

    async def _meet_offer(self, issued: Issued) -> None:
        """Do with an offered device what the pool was told; the sign-in is good anyway."""

        async def ask(build: Callable[[Secret], Call]) -> Reply:
            return await self._services.transport.send(build(issued.tokens.access_token))

        await self.device.meet_offer(self._services.devices, ask, self.say_device)

    def say_device(self, key: str, change: Change, error: CognitoError | None = None) -> None:
        """Tell the observer."""
        self._services.observe(
            DeviceChanged(username=self.username, key=key, change=change, error=error)
        )

    # --- verifying them ---

    async def admit(self, issued: Issued) -> Fresh[LiveTokens]:
        """Verify tokens; make the session theirs, or keep what it was. Raises as `accept`."""
        self.check_wanted()
        if issued is not self.unverified:
            self.receive(issued)
        try:
            fresh = await accept(
                issued,
                verifier=self._services.verifier,
                timing=self._services.timing,
                username=issued.username,
                sub=self.sub,
                spread=self._services.roster.spread(),
            )
        except TokenExpired:
            self.outlive(issued)
            raise
        except (TokenVerificationError, RemoteProtocolError) as error:
            self.undo(issued)
            self._services.observe(
                SecurityAlert(username=self.username, kind="token-rejected", error=error)
            )
            raise
        self.check_wanted()
        return self._settle_in(issued, fresh)

    def _settle_in(self, issued: Issued, fresh: Fresh[LiveTokens]) -> Fresh[LiveTokens]:
        fresh = self._with_the_end_in_view(issued, fresh)
        live = fresh.value
        claims = live.id_claims or live.access_claims
        self.confirm(issued, claims)
        self._forked = False
        self._end_was_said = False
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
        if issued.reason != "refresh":
            self._asked_to_sign_in, self._sign_in_at = False, None
        if self._asked_to_sign_in:
            return fresh
        end = end_in_view(
            issued,
            claims,
            validity=services.refresh_token_validity,
            jitter=services.timing.jitter,
        )
        if end is None:
            return fresh
        if self._sign_in_again is not None:
            self._sign_in_at = self._sign_in_at or end.sign_in_at
            if services.timing.clock.boot() < self._sign_in_at < fresh.schedule.refresh_at:
                plan = evolve(fresh.schedule, refresh_at=self._sign_in_at)
                return Fresh(fresh.value, plan)
        elif fresh.schedule.refresh_at >= end.sign_in_at:
            self._asked_to_sign_in = True
            services.observe(ReauthenticationDue(username=self.username, deadline=end.deadline))
        return fresh

    # --- losing them ---

    def _lose(self, end: str, error: CognitoError) -> None:
        """The refresh token is dead; say so unless the password can mend it."""
        if isinstance(error, RefreshTokenReused) and not self.answer_lost:
            self._services.observe(
                SecurityAlert(username=self.username, kind="refresh-token-reused", error=error)
            )
        self.drop(end)
        self.renewal.drop()
        if self._sign_in_again is None or end not in _MENDED_BY_PASSWORD:
            self._say_end(end)

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
