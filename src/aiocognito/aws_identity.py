"""AWS credentials for whoever signed in, and for guests.

Rules of this file

* Credentials last an hour and cannot be taken back. They are renewed early, once for
  all who ask, and served until they end if that fails.
* They are one user's, with certain roles. They are dropped when either changes, and
  not because the ID token was refreshed.
* A flight of credentials waits for the session's tokens, never the reverse.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

from aiocognito._exchange import Exchange, Issued
from aiocognito._identities import Wire
from aiocognito._protected import Protected
from aiocognito._refresh import Fresh, Renewal
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType, SessionClosed
from aiocognito.events import CredentialsChanged, Event, Observer, RefreshFailing
from aiocognito.flow.identity import checked_provider
from aiocognito.tokens.credentials import AwsCredentials
from aiocognito.tokens.environment import AwsEnvironment

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["AwsIdentity"]

_LOGGER = logging.getLogger("aiocognito")


class AwsIdentity:
    """One user, or one guest, as AWS sees them.

    Made by `IdentityPool.for_session` and its siblings. Belongs to one event loop.

    AWS credentials cannot be taken back: what was handed out works until it ends, up
    to an hour after a sign-out. Switch on the identity pool's
    ``ServerSideTokenCheck``, so that an ID token that somebody copied brings no new
    ones once its user was signed out everywhere.
    """

    def __init__(
        self,
        exchange: Exchange,
        wire: Wire,
        *,
        region: str,
        protected: Protected,
        observer: Observer | None,
    ) -> None:
        self._exchange = exchange
        self._wire = wire
        self._region = region
        self._observer = observer
        self._renewal: Renewal[Issued] = Renewal(
            self._bring, timing=wire.timing, protected=protected, on_failure=self._on_failure
        )

    async def identity_id(self) -> str:
        """Return the identity's id, such as ``eu-west-1:<uuid>``.

        IAM policies call it ``${cognito-identity.amazonaws.com:sub}``. It is asked
        for once and kept; a sign-in may merge identities and change it.

        Raises what `credentials` raises.
        """
        self._check_open()
        return await self._exchange.identity_id()

    async def credentials(self) -> AwsCredentials:
        """Return credentials that are good to use now.

        Returns at once while they are fresh. Cancelling is safe at any time: on
        asyncio a renewal under way finishes by itself, on Trio the next caller
        begins a new one.

        Raises:
            LoginTokenRejected: The identity pool does not accept this login; it may
                not list the user pool or the app client.
            RoleNotAssumed: STS gives no credentials for the role (basic flow).
            SignInRequired: The session is over and cannot sign in by itself.
            RefreshFailed: They have ended and cannot be renewed just now.
            SessionClosed: The session was signed out, or the identity pool is closed.
            CognitoError: Why the identity pool refused.
        """
        self._check_open()
        self._drop_if_rights_changed()
        issued = self._renewal.fresh()
        if issued is None:
            issued = await self._renewal.get()
            if issued.rights != self._exchange.source.rights():
                # While they were on their way the session ended, or its user's roles changed.
                self._drop_if_rights_changed()
                issued = await self._renewal.get()
        return issued.credentials

    def aws_session(
        self, region_name: str | None = None, *, account_id: str | None = None
    ) -> AioSession:
        """Return an aiobotocore session whose clients sign with these credentials.

        They renew them by themselves, all in one exchange. Neither environment nor
        profiles are asked for credentials; see `aiocognito.aws.aws_session`.

        Entering the pool (``async with``), and its first call, load aiobotocore in a
        worker thread. Where neither has happened, or the pool has a ``transport`` of
        yours, this blocks the event loop while it is loaded: import `aiocognito.aws`
        before.

        Args:
            region_name: Where its clients go by default; the identity pool's region
                if left out.
            account_id: The AWS account of the credentials' role, twelve digits, for
                services with an endpoint for each account (DynamoDB). Credentials do
                not tell.
        """
        region_name = self._checked_region(region_name)
        _check_account(account_id)
        # Layer 5: aiobotocore is loaded for those alone who use it.
        from aiocognito.aws import aws_session  # noqa: PLC0415

        return aws_session(self, region_name, account_id=account_id)

    async def export_environment(
        self, region_name: str | None = None, *, account_id: str | None = None
    ) -> AwsEnvironment:
        """Return environment variables with these credentials, for a child process.

        ``subprocess.run(…, env=os.environ | exported)``. ``os.environ`` is not changed.
        A child gets no others when these end, within the hour (`AwsEnvironment.expires_at`).
        Some SDKs (JavaScript's) prefer an ``AWS_PROFILE`` that is there to these variables.

        Args:
            region_name: The child's region; the identity pool's if left out.
            account_id: As for `aws_session`.

        Raises as `credentials`.
        """
        region_name = self._checked_region(region_name)
        _check_account(account_id)
        return AwsEnvironment(
            await self.credentials(), region_name=region_name, account_id=account_id
        )

    def _checked_region(self, region_name: str | None) -> str:
        if region_name is not None and not isinstance(region_name, str):
            raise InvalidType("region_name", "a str", region_name)
        return region_name or self._region

    async def unlink(self, *providers: str) -> None:
        """Take providers off this identity; a later login with one is somebody else.

        Forgets the credentials, whose rights may be others now.

        Args:
            providers: As in ``Logins``, such as ``accounts.google.com``.

        Raises:
            InvalidArgument: No provider, or this is a guest, who has none.
            CognitoError: As `credentials`.
        """
        self._check_open()
        if not providers:
            raise InvalidArgument("providers", "one or more")
        await self._exchange.unlink([checked_provider(name, "providers") for name in providers])
        self._renewal.forget()

    def forget(self) -> None:
        """Drop the credentials; the next use asks for new ones.

        The identity's id is kept. What was handed out lives on, see above.
        """
        self._renewal.forget()

    async def _bring(self) -> Fresh[Issued]:
        fresh = await self._exchange.credentials()
        issued = fresh.value.credentials
        self._tell(
            CredentialsChanged(
                username=self._exchange.source.username,
                identity_id=issued.identity_id,
                expires_at=issued.expires_at,
            )
        )
        return fresh

    def _drop_if_rights_changed(self) -> None:
        held = self._renewal.held
        if held is not None and held.rights != self._exchange.source.rights():
            self._renewal.forget()

    def _check_open(self) -> None:
        if self._wire.closed:
            raise SessionClosed

    def _on_failure(self, error: CognitoError, pause: float) -> None:
        username = self._exchange.source.username
        self._tell(
            RefreshFailing(username=username, error=error, retry_after=pause, what="credentials")
        )

    def _tell(self, event: Event) -> None:
        if self._observer is not None:
            try:
                self._observer(event)
            except Exception:
                _LOGGER.exception("The observer failed on %s.", type(event).__name__)

    def __repr__(self) -> str:
        held = self._renewal.held
        until = "none yet" if held is None else f"until {held.credentials.expires_at:%H:%M:%S}Z"
        who = self._exchange.source.username or "a guest or given logins"
        return f"<AwsIdentity of {who!r}: credentials {until}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("AWS credentials are not pickled; sign in where they are needed.")


def _check_account(account_id: str | None) -> None:
    if account_id is None:
        return
    if not isinstance(account_id, str):
        raise InvalidType("account_id", "a str", account_id)
    if not (len(account_id) == 12 and account_id.isascii() and account_id.isdigit()):
        raise InvalidArgument("account_id", "twelve digits")
