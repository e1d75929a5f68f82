"""A signed-in user: tokens that are fresh whenever they are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
from attrs import define

from aiocognito._issued import Issued, LiveTokens, accept
from aiocognito._protected import Protected
from aiocognito._redact import Secret
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._relogin import Relogin
from aiocognito._retry import is_ambiguous, pause_before_repeat, session_end
from aiocognito.errors import (
    CognitoError,
    DeadlineExceeded,
    LocalProtocolError,
    RefreshTokenReused,
    RemoteProtocolError,
    SessionClosed,
    SignInRequired,
    TokenExpired,
    TokenVerificationError,
)
from aiocognito.events import Event, RefreshFailing, SecurityAlert, SessionEnded, TokensChanged
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.reading import Granted, read_auth
from aiocognito.flow.refreshing import (
    RefreshWith,
    global_sign_out_call,
    refresh_call,
    revoke_call,
)
from aiocognito.identity_pool import AwsIdentity, IdentityPool
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.model import NewDevice
from aiocognito.tokens.saved import SavedState
from aiocognito.transport.base import Transport
from aiocognito.verify.verifier import TokenVerifier

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["PoolServices", "Session"]

_REFRESH_SECONDS = 10.0
_SAFE_GRACE = 25.0  # seconds; a rotated token is still accepted after a repeated call
_MENDED_BY_PASSWORD = (None, "refresh-token-rejected", "refresh-token-reused")

SignIn = Callable[[], Awaitable[Issued]]


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
    closed: bool = False


class Session:
    """One user, signed in.

    Made by `UserPool.sign_in`, `UserPool.session` and `UserPool.restore`. Ask for a
    token whenever one is needed: it is refreshed ahead of its end, once for all who
    ask, and to completion even if the one who asked is cancelled. One session belongs
    to one event loop.
    """

    def __init__(
        self, services: PoolServices, *, username: str, sign_in_again: SignIn | None = None
    ) -> None:
        self._services = services
        self._username = username
        self._username_is_true = False
        self._sub: str | None = None
        self._sign_in_again = sign_in_again
        self._refresh_token: Secret | None = None
        self._access_token: Secret | None = None
        self._device: NewDevice | None = None
        self._rotates: bool | None = None if services.rotation_grace is None else True
        self._answer_lost = False
        self._unverified: Issued | None = None
        self._replaced: Secret | None = None
        self._end: str | None = None
        self._aws: AwsIdentity | None = None
        self._renewal: Renewal[LiveTokens] = Renewal(
            self._bring,
            timing=services.timing,
            protected=services.protected,
            on_failure=self._on_failure,
        )

    # --- what is known ---

    @property
    def username(self) -> str:
        """The user's true name in the pool; before the first sign-in, the name given."""
        return self._username

    @property
    def claims(self) -> Claims:
        """The verified claims of the newest ID token.

        They may be of a token that has expired meanwhile.

        Raises:
            LocalProtocolError: There is none yet; await `id_token` first.
        """
        live = self._renewal.held
        if live is None or live.id_claims is None:
            raise LocalProtocolError("Await id_token() before reading its claims.")
        return live.id_claims

    @property
    def login_key(self) -> str:
        """The user pool's name in an identity pool's ``Logins``."""
        return self._services.client.pool.login_key

    @property
    def device(self) -> NewDevice | None:
        """The device the service offered to remember at the sign-in, or None."""
        return self._device

    # --- tokens ---

    async def access_token(self) -> str:
        """Return an access token that is good to use now.

        Returns at once while the token is fresh. Cancelling is safe at any time: a
        refresh under way finishes by itself and its tokens are kept.

        Raises:
            SignInRequired: The refresh token is dead and no password is known.
            RefreshFailed: The token has expired and cannot be refreshed just now.
            SessionClosed: Signed out, or the pool is closed.
        """
        live = self._renewal.fresh()
        if live is None or self._services.closed:
            live = await self._usable()
        return live.access_token

    async def id_token(self) -> str:
        """Return an ID token that is good to use now. As `access_token`.

        Raises:
            RemoteProtocolError: The server issued none.
        """
        live = self._renewal.fresh()
        if live is None or self._services.closed:
            live = await self._usable()
        if live.id_token is None:
            raise RemoteProtocolError("The server issued no ID token.")
        return live.id_token

    async def refresh(self) -> None:
        """Get new tokens now, or join the refresh under way.

        Worth calling when groups or attributes have changed. Cancelling is as safe as
        in `access_token`.

        Raises:
            CognitoError: Why it failed. Tokens that still live are kept.
        """
        self._check_open()
        await self._renewal.renew()

    def invalidate(self, access_token: str) -> None:
        """Do not hand out this access token again: an API has refused it.

        Ignored when a newer one is in place already.
        """
        live = self._renewal.held
        if live is not None and live.access_token == access_token:
            self._renewal.expire()

    async def _usable(self) -> LiveTokens:
        self._check_open()
        return await self._renewal.get()

    def _check_open(self) -> None:
        if self._services.closed or self._end == "signed-out":
            raise SessionClosed

    # --- AWS ---

    @property
    def aws_identity(self) -> AwsIdentity:
        """This user in the pool's identity pool, with AWS credentials.

        Raises:
            LocalProtocolError: The pool was made without ``identity_pool_id``.
        """
        if self._aws is None:
            if self._services.identity_pool is None:
                raise LocalProtocolError("Give UserPool an identity_pool_id to reach AWS.")
            self._aws = self._services.identity_pool.for_session(self)
        return self._aws

    def aws_session(self, region_name: str | None = None) -> AioSession:
        """Return an aiobotocore session whose clients renew their credentials.

        Args:
            region_name: Where its clients go by default; the identity pool's region
                if left out.

        Raises as `aws_identity`.
        """
        return self.aws_identity.aws_session(region_name)

    # --- keeping and ending ---

    def export_state(self) -> bytes:
        """Return what `UserPool.restore` needs to go on in another process.

        The bytes contain the refresh token: keep them as you keep a password. With
        rotation they are out of date after each refresh; save them again on
        `TokensChanged`.

        Raises:
            SignInRequired: There is no refresh token to keep.
        """
        if self._refresh_token is None:
            raise SignInRequired(self._username, self._end or "not-signed-in")
        client = self._services.client
        return SavedState(
            user_pool_id=client.pool.text,
            client_id=client.client_id,
            username=self._username,
            sub=self._sub,
            refresh_token=self._refresh_token,
            access_token=self._access_token,
            device=self._device,
            rotates=self._rotates,
        ).to_bytes()

    async def sign_out(self, *, everywhere: bool = False) -> None:
        """Revoke this session's tokens and forget them.

        The session is closed whatever the service answers. Access and ID tokens that
        were handed out verify offline until they expire, and AWS credentials live on
        for up to an hour.

        Args:
            everywhere: Sign the user out on every device first (GlobalSignOut).

        Cancelling leaves the session closed here; the service may not know of it.
        """
        if self._end == "signed-out":
            return
        # A refresh under way would bring tokens nobody revokes.
        await self._renewal.settle()
        access, refresh_token = self._access_token, self._refresh_token
        self._refresh_token = self._access_token = self._unverified = self._replaced = None
        self._end = "signed-out"
        self._renewal.forget()
        self._announce_end(self._end)
        if everywhere and access is not None:
            await self._tell(global_sign_out_call(access))
        if refresh_token is not None:
            await self._tell(revoke_call(self._services.client, refresh_token))

    async def _tell(self, call: Call) -> None:
        try:
            await self._services.transport.send(call)
        except CognitoError:
            # Signing out always succeeds here; a token that could not be revoked
            # ends by itself.
            return

    # --- bringing tokens (runs as a flight of the renewal) ---

    async def adopt(self, issued: Issued) -> None:
        """Take the tokens of a sign-in. Not for applications.

        Raises:
            TokenVerificationError: They are not the pool's.
            KeysUnavailable: That cannot be found out now.
        """
        self._renewal.put(await self._admit(issued))

    def take_over(self, state: SavedState) -> None:
        """Take saved state; the first use refreshes. Not for applications."""
        self._username, self._username_is_true = state.username, True
        self._sub, self._device = state.sub, state.device
        self._refresh_token, self._access_token = state.refresh_token, state.access_token
        if self._rotates is None:
            self._rotates = state.rotates

    async def _bring(self) -> Fresh[LiveTokens]:
        self._check_open()
        if self._unverified is not None:
            try:
                return await self._admit(self._unverified)
            except TokenExpired:
                pass  # The keys came back too late for these; the refresh token lives.
        if self._refresh_token is not None:
            try:
                return await self._admit(await self._exchange())
            except CognitoError as error:
                end = session_end(error)
                if end is None:
                    raise
                self._lose(end, error)
        if self._sign_in_again is None or self._end not in _MENDED_BY_PASSWORD:
            raise SignInRequired(self._username, self._end or "not-signed-in")
        return await self._admit(await self._sign_in_again())

    async def _exchange(self) -> Issued:
        """Send the refresh token and put what comes in place, without a pause between."""
        call = self._refresh_call()
        try:
            with anyio.fail_after(_REFRESH_SECONDS, shield=True):
                return await self._send_refresh(call)
        except TimeoutError:
            self._answer_lost = True
            raise DeadlineExceeded(call.operation, retry_safe=call.repeatable) from None

    def _refresh_call(self) -> Call:
        assert self._refresh_token is not None
        services = self._services
        grace = services.rotation_grace
        return refresh_call(
            services.client,
            refresh_token=self._refresh_token,
            username=self._username if self._username_is_true else None,
            device_key=None if self._device is None else self._device.key,
            refresh_with=services.refresh_with,
            repeatable=self._rotates is False or (grace is not None and grace >= _SAFE_GRACE),
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
                    raise
            await timing.sleep(pause)

    def _swap_in(self, reply: Reply, sent_boot: float, sent_wall: float) -> Issued:
        """Put a rotated refresh token in place: from here the old one may be dead."""
        granted = read_auth(reply.body)
        if not isinstance(granted, Granted):
            raise RemoteProtocolError("The server answers a refresh with a challenge.")
        new = granted.tokens.refresh_token
        self._answer_lost = False
        self._replaced = self._refresh_token
        self._rotates = new is not None or bool(self._rotates)
        if new is not None:
            self._refresh_token = new
        self._unverified = Issued(
            reason="refresh",
            tokens=granted.tokens,
            username=self._username if self._username_is_true else None,
            sent_boot=sent_boot,
            sent_wall=sent_wall,
            date=reply.date,
        )
        return self._unverified

    async def _admit(self, issued: Issued) -> Fresh[LiveTokens]:
        """Verify tokens; make the session theirs, or keep what it was."""
        if issued.reason == "sign-in" and issued.tokens.refresh_token is not None:
            # From here on the sign-in cannot be lost, even if the keys cannot be read.
            self._refresh_token, self._unverified = issued.tokens.refresh_token, issued
        try:
            fresh = await accept(
                issued,
                verifier=self._services.verifier,
                timing=self._services.timing,
                username=issued.username,
                sub=self._sub,
            )
        except TokenExpired:
            self._unverified = self._replaced = None
            raise
        except (TokenVerificationError, RemoteProtocolError) as error:
            self._refuse(error)
            raise
        self._settle_in(issued, fresh.value)
        return fresh

    def _settle_in(self, issued: Issued, live: LiveTokens) -> None:
        claims = live.id_claims or live.access_claims
        self._username, self._sub = claims.username or self._username, claims.sub
        self._username_is_true = True
        self._unverified = self._replaced = self._end = None
        self._access_token = issued.tokens.access_token
        if issued.reason == "sign-in":
            self._device = issued.new_device
        self._services.observe(
            TokensChanged(
                username=self._username,
                reason=issued.reason,
                expires_at=live.expires_at,
                rotated=issued.reason == "refresh" and issued.tokens.refresh_token is not None,
            )
        )

    # --- losing them ---

    def _refuse(self, error: CognitoError) -> None:
        """Proven wrong: nothing of that answer is kept, the refresh token neither."""
        self._refresh_token, self._replaced, self._unverified = self._replaced, None, None
        self._services.observe(
            SecurityAlert(username=self._username, kind="token-rejected", error=error)
        )

    def _lose(self, end: str, error: CognitoError) -> None:
        """The refresh token is dead; say so unless the password can mend it."""
        if isinstance(error, RefreshTokenReused) and not self._answer_lost:
            self._services.observe(
                SecurityAlert(username=self._username, kind="refresh-token-reused", error=error)
            )
        self._refresh_token = self._access_token = self._unverified = self._replaced = None
        self._answer_lost = False
        self._end = end
        self._renewal.drop()
        if self._sign_in_again is None or end not in _MENDED_BY_PASSWORD:
            self._announce_end(end)

    def _announce_end(self, end: str) -> None:
        if self._aws is not None:
            self._aws.forget()
        self._services.observe(SessionEnded(username=self._username, reason=end))

    def _on_failure(self, error: CognitoError, pause: float) -> None:
        self._services.observe(
            RefreshFailing(username=self._username, error=error, retry_after=pause)
        )

    # --- showing ---

    def __repr__(self) -> str:
        state = self._end or ("signed in" if self._refresh_token else "not signed in yet")
        return f"<Session of {self._username!r} in {self._services.client.pool.text}: {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session is not pickled; keep export_state() instead.")

    def __copy__(self) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")
