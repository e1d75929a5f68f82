"""AWS credentials for whoever signed in, and for guests.

Rules of this file

* Credentials last an hour and cannot be taken back. They are renewed early, once for
  all who ask, and served until they end if that fails.
* They are one user's, with certain roles. They are dropped when either changes, and
  not because the ID token was refreshed.
* A flight of credentials waits for the session's tokens, never the reverse.
* Users share nothing but the remembered ids of their identities, which are found by
  the verified ``sub``. Whoever hands in tokens has a memory of his own: an unverified
  ``sub`` must not find another user's identity.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self
from weakref import WeakSet, WeakValueDictionary

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._exchange import Exchange, Issued
from aiocognito._identities import Identities, Wire
from aiocognito._logins import (
    GivenLogins,
    Guest,
    LoginSource,
    LoginsSource,
    LoginValue,
    SessionLogins,
)
from aiocognito._partitions import parse_identity_pool_id
from aiocognito._protected import Protected
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType, SessionClosed
from aiocognito.events import CredentialsChanged, Event, Observer, RefreshFailing
from aiocognito.flow.identity import GUEST, checked_identity_id, checked_provider
from aiocognito.tokens.credentials import AwsCredentials
from aiocognito.tokens.environment import AwsEnvironment
from aiocognito.transport.base import Transport
from aiocognito.transport.botocore import BotocoreTransport

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["AwsIdentity", "IdentityPool", "LoginSource", "LoginValue"]

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
        return issued.credentials

    def aws_session(
        self, region_name: str | None = None, *, account_id: str | None = None
    ) -> AioSession:
        """Return an aiobotocore session whose clients sign with these credentials.

        They renew them by themselves, all in one exchange. Neither environment nor
        profiles are asked for credentials; see `aiocognito.aws.aws_session`.

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


class IdentityPool:
    """One identity pool: makes `AwsIdentity` objects and carries their calls.

    An async context manager; `aclose` does the same. Making one sends nothing.

    Args:
        identity_pool_id: Such as ``eu-west-1:2f0c3a2e-…``; its region is the pool's.
        endpoint_url: Where to send calls instead of AWS. https, or plain http to this
            machine.
        allow_http: Accept plain http to other machines too.
        transport: Carries the calls in place of the usual one; yours to close.
        clock: Where the time comes from.
        timing: Time and chance, in place of `clock`; for tests.
        observer: Told of new credentials and of failures to get them.
        login_key: The user pool's name in ``Logins``, in place of
            ``cognito-idp.<region>.<suffix>/<user pool id>``. For pools with the
            updated issuer, for which AWS documents none.

    Raises:
        InvalidType: An argument of the wrong type.
        InvalidArgument: A malformed id, an unsafe endpoint, or an endpoint beside a
            transport.
    """

    def __init__(
        self,
        identity_pool_id: str,
        *,
        endpoint_url: str | None = None,
        allow_http: bool = False,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
        timing: Timing | None = None,
        observer: Observer | None = None,
        login_key: str | None = None,
    ) -> None:
        self._id = parse_identity_pool_id(identity_pool_id)
        self._login_key = None if login_key is None else checked_provider(login_key, "login_key")
        if observer is not None and not callable(observer):
            raise InvalidType("observer", "a callable", observer)
        if transport is not None and endpoint_url is not None:
            raise InvalidArgument("endpoint_url", "left out beside a transport")
        self._owns_transport = transport is None
        self._transport = transport or BotocoreTransport(
            self._id.region,
            service="cognito-identity",
            endpoint_url=endpoint_url,
            allow_http=allow_http,
            preload=("aiocognito.aws",),
        )
        self._wire = Wire(self._id.text, self._transport, timing or Timing(clock=clock))
        self._protected = Protected()
        self._observer = observer
        self._users = self._memory()
        self._guest: AwsIdentity | None = None
        self._holders: WeakSet[AwsIdentity] = WeakSet()
        # By id(session): a holder keeps its session alive, so no id is used twice here.
        self._of_session: WeakValueDictionary[int, AwsIdentity] = WeakValueDictionary()

    @property
    def identity_pool_id(self) -> str:
        """The id as given."""
        return self._id.text

    @property
    def region(self) -> str:
        """The pool's region, from its id."""
        return self._id.region

    def for_session(self, session: LoginSource) -> AwsIdentity:
        """Return the identity of a signed-in session's user.

        Its ID token goes to the identity pool, refreshed first where it is about to
        end. The same session gets the same object as long as somebody holds it.
        """
        known = self._of_session.get(id(session))
        if known is None:
            clock = self._wire.timing.clock
            known = self._holder(SessionLogins(session, self._login_key, clock), self._users)
            self._of_session[id(session)] = known
        return known

    def for_logins(self, logins: Mapping[str, LoginValue]) -> AwsIdentity:
        """Return the identity of somebody who signed in elsewhere.

        Args:
            logins: Provider to token, such as ``accounts.google.com`` to an ID token.
                A token lives shorter than credentials are needed, so give an async
                callable that brings a current one. Every provider at once merges
                their identities.

        Raises:
            InvalidType: Not such a mapping; a plain callable, for example.
            InvalidArgument: Empty, or more than ten.
        """
        return self._holder(GivenLogins(logins), self._memory())

    def guest(self, *, identity_id: str | None = None, new: bool = False) -> AwsIdentity:
        """Return a guest; without arguments always the same one.

        Args:
            identity_id: A guest's id that was kept (`AwsIdentity.identity_id`).
            new: Another guest, with an id of its own. AWS makes 25 a second at most.
        """
        if identity_id is not None:
            memory = self._memory()
            memory.of(GUEST).put(checked_identity_id(identity_id))
            return self._holder(Guest(), memory)
        if new:
            return self._holder(Guest(), self._memory())
        if self._guest is None:
            self._guest = self._holder(Guest(), self._memory())
        return self._guest

    async def aclose(self) -> None:
        """Forget all credentials, let calls under way end, close connections.

        Idempotent. Later uses raise `SessionClosed`. Cancelling leaves it closed, and
        connections open until it is called again.
        """
        self._wire.closed = True
        for holder in self._holders:
            holder.forget()
        await self._protected.drain()
        if self._owns_transport:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _holder(self, source: LoginsSource, memory: Identities) -> AwsIdentity:
        holder = AwsIdentity(
            Exchange(self._wire, source, memory),
            self._wire,
            region=self._id.region,
            protected=self._protected,
            observer=self._observer,
        )
        self._holders.add(holder)
        return holder

    def _memory(self) -> Identities:
        return Identities(self._wire, self._protected)

    def __repr__(self) -> str:
        return f"<IdentityPool {self._id.text}{' closed' if self._wire.closed else ''}>"
