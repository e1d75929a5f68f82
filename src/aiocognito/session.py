"""A signed-in user: tokens that are fresh whenever they are asked for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import anyio

from aiocognito._issued import Issued, LiveTokens
from aiocognito._keeper import PoolServices, SignIn, TokenKeeper
from aiocognito.errors import CognitoError, LocalProtocolError, RemoteProtocolError
from aiocognito.flow.calls import Call
from aiocognito.flow.refreshing import global_sign_out_call, revoke_call
from aiocognito.identity_pool import AwsIdentity
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.model import NewDevice
from aiocognito.tokens.saved import SavedState

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["Session"]

_PATIENCE = 10.0  # seconds a sign-out waits for a refresh under way


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
        self._aws: AwsIdentity | None = None
        self._keeper = TokenKeeper(
            services, username=username, sign_in_again=sign_in_again, on_end=self._forget_aws
        )
        self._renewal = self._keeper.renewal

    # --- what is known ---

    @property
    def username(self) -> str:
        """The user's true name in the pool; before the first sign-in, the name given."""
        return self._keeper.username

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
        return self._keeper.device

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
        self._keeper.check_open()
        await self._renewal.renew()

    def invalidate(self, access_token: str) -> None:
        """Do not hand out this access token again: an API has refused it.

        Ignored when a newer one is in place already.
        """
        live = self._renewal.held
        if live is not None and live.access_token == access_token:
            self._renewal.expire()

    async def _usable(self) -> LiveTokens:
        self._keeper.check_open()
        return await self._renewal.get()

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
        return self._keeper.saved_state().to_bytes()

    async def sign_out(self, *, everywhere: bool = False) -> None:
        """Revoke this session's tokens and forget them.

        The session is closed whatever the service answers. Access and ID tokens that
        were handed out verify offline until they expire, and AWS credentials live on
        for up to an hour.

        Args:
            everywhere: Sign the user out on every device first (GlobalSignOut). An
                expired access token is refreshed for that.

        Waits for a refresh under way, 10 seconds at most. Cancelling leaves the session
        closed here; the service may not know of it.
        """
        if self._keeper.end == "signed-out":
            return
        try:
            with anyio.move_on_after(_PATIENCE):
                if everywhere and self._keeper.refresh_token is not None:
                    with suppress(CognitoError):
                        await self._renewal.get()
                self._keeper.begin_no_more()
                # A refresh under way would bring tokens nobody revokes. (One that another
                # event loop left behind cannot be waited for.)
                with suppress(LocalProtocolError):
                    await self._renewal.settle()
        finally:
            access, refresh_token = self._keeper.access_token, self._keeper.refresh_token
            self._keeper.sign_out()
        if everywhere and access is not None:
            await self._tell(global_sign_out_call(access))
        if refresh_token is not None:
            await self._tell(revoke_call(self._services.client, refresh_token))

    async def _tell(self, call: Call) -> None:
        if self._services.closed:
            return  # a closed pool opens no connection again
        try:
            await self._services.transport.send(call)
        except CognitoError:
            # Signing out always succeeds here; a token that could not be revoked
            # ends by itself.
            return

    def _forget_aws(self) -> None:
        if self._aws is not None:
            self._aws.forget()

    # --- for the pool ---

    async def _adopt(self, issued: Issued) -> None:
        await self._keeper.adopt(issued)

    def _take_over(self, state: SavedState) -> None:
        self._keeper.take_over(state)

    # --- showing ---

    def __repr__(self) -> str:
        keeper = self._keeper
        state = keeper.end or ("signed in" if keeper.refresh_token else "not signed in yet")
        return f"<Session of {keeper.username!r} in {self._services.client.pool.text}: {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session is not pickled; keep export_state() instead.")

    def __copy__(self) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")
