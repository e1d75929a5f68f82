"""One identity pool, and everybody whom it knows.

Users share nothing but the remembered ids of their identities, which are found by the
verified ``sub``. Whoever hands in tokens has a memory of his own: an unverified ``sub``
must not find another user's identity.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet, WeakValueDictionary

import anyio.to_thread

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._exchange import Exchange
from aiocognito._guest_store import StoredGuest
from aiocognito._identities import Identities, Wire
from aiocognito._logins import (
    DeveloperLogins,
    GivenLogins,
    Guest,
    LoginSource,
    LoginsSource,
    LoginValue,
    SessionLogins,
)
from aiocognito._partitions import parse_identity_pool_id
from aiocognito._protected import Protected
from aiocognito._refresh import Timing
from aiocognito.aws_identity import AwsIdentity
from aiocognito.errors import InvalidArgument, InvalidType, SessionClosed
from aiocognito.events import Observer
from aiocognito.flow.aws_flows import BasicFlow, CredentialsFlow, EnhancedFlow
from aiocognito.flow.developer_identity import checked_tags, checked_users
from aiocognito.flow.identity import OpenIdToken, checked_identity_id, checked_provider
from aiocognito.identity_admin import IdentityAdmin
from aiocognito.stores.base import TokenStore
from aiocognito.transport.base import Transport
from aiocognito.transport.botocore import BotocoreTransport

__all__ = ["IdentityPool", "LoginSource", "LoginValue"]

_AWS = "aiocognito.aws"


class IdentityPool:
    """One identity pool: makes `AwsIdentity` objects and carries their calls.

    An async context manager; `aclose` does the same. Making one sends nothing.

    Args:
        identity_pool_id: Such as ``eu-west-1:2f0c3a2e-…``; its region is the pool's.
        endpoint_url: Where to send calls instead of AWS. https, or plain http to this
            machine.
        allow_http: Accept plain http to other machines too.
        transport: Carries the calls in place of the usual one, those to STS included;
            yours to close.
        clock: Where the time comes from.
        timing: Time and chance, in place of `clock`; for tests.
        observer: Told of new credentials and of failures to get them.
        login_key: The user pool's name in ``Logins``, in place of
            ``cognito-idp.<region>.<suffix>/<user pool id>``. For pools with the
            updated issuer, for which AWS documents none.
        sts_endpoint_url: Where the basic flow sends its call to STS; ``endpoint_url``
            if left out, and without that the region's STS.
        aws: An aiobotocore session whose credentials sign the calls of `admin` and
            those for developer identities. Nothing else of it is used.
        rights_claims: Claims of the ID token, beside roles, that decide what its
            credentials may do: those mapped to principal tags, or looked at by rules.
            When one changes the credentials are renewed.

    Raises:
        InvalidType: An argument of the wrong type.
        InvalidArgument: A malformed id, an unsafe endpoint, or an endpoint or ``aws``
            beside a transport.
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
        sts_endpoint_url: str | None = None,
        aws: Any = None,
        rights_claims: Iterable[str] = (),
    ) -> None:
        self._id = parse_identity_pool_id(identity_pool_id)
        self._login_key = None if login_key is None else checked_provider(login_key, "login_key")
        if observer is not None and not callable(observer):
            raise InvalidType("observer", "a callable", observer)
        self._rights_claims = _checked_names(rights_claims)
        beside = {"endpoint_url": endpoint_url, "sts_endpoint_url": sts_endpoint_url, "aws": aws}
        for name, value in beside.items():
            if transport is not None and value is not None:
                raise InvalidArgument(name, "left out beside a transport")
        self._owned: list[Transport] = []
        sts = None
        if transport is None:
            transport = BotocoreTransport(
                self._id.region,
                service="cognito-identity",
                endpoint_url=endpoint_url,
                allow_http=allow_http,
                aws=aws,
                preload=(_AWS,),
            )
            sts = BotocoreTransport(
                self._id.region,
                service="sts",
                endpoint_url=sts_endpoint_url or endpoint_url,
                allow_http=allow_http,
            )
            self._owned = [transport, sts]
        self._wire = Wire(self._id.text, transport, timing or Timing(clock=clock), sts=sts)
        self._admin = IdentityAdmin(self._wire)
        self._protected = Protected()
        self._observer = observer
        self._users = self._memory()
        self._guest: AwsIdentity | None = None
        self._holders: WeakSet[AwsIdentity] = WeakSet()
        # By id(session): a holder keeps its session alive, so no id is used twice here.
        self._of_session: WeakValueDictionary[tuple[int, CredentialsFlow], AwsIdentity]
        self._of_session = WeakValueDictionary()

    @property
    def identity_pool_id(self) -> str:
        """The id as given."""
        return self._id.text

    @property
    def region(self) -> str:
        """The pool's region, from its id."""
        return self._id.region

    @property
    def admin(self) -> IdentityAdmin:
        """Developer identities and principal tags; its calls need ``aws``."""
        return self._admin

    def for_session(
        self,
        session: LoginSource,
        *,
        flow: CredentialsFlow | None = None,
        identity_id: str | None = None,
    ) -> AwsIdentity:
        """Return the identity of a signed-in session's user.

        Its ID token goes to the identity pool, refreshed first where it is about to
        end. The same session and flow get the same object as long as somebody holds it.

        Args:
            session: Whose ID token it is.
            flow: `EnhancedFlow()` if left out, `BasicFlow` for a role of your choice.
            identity_id: What the user was as a guest before signing in. The identity
                stays that one, or is merged into one that the user had already.
        """
        flow = _checked_flow(flow)
        clock = self._wire.timing.clock
        source = SessionLogins(session, self._login_key, clock, self._rights_claims)
        if identity_id is not None:
            return self._holder(source, self._memory(checked_identity_id(identity_id)), flow)
        known = self._of_session.get((id(session), flow))
        if known is None:
            known = self._holder(source, self._users, flow)
            self._of_session[id(session), flow] = known
        return known

    def for_developer_user(
        self,
        logins: Mapping[str, str],
        *,
        flow: CredentialsFlow | None = None,
        identity_id: str | None = None,
        principal_tags: Mapping[str, str] | None = None,
        login_key: str | None = None,
    ) -> AwsIdentity:
        """Return the identity of a user whom this program has signed in by itself.

        Each exchange vouches for the user in a call signed with ``aws``.

        Args:
            logins: Developer provider to user identifier.
            flow: `EnhancedFlow()` if left out.
            identity_id: Link the user to this identity, a guest's for example.
            principal_tags: Tags of the credentials.
            login_key: The provider's name for the identity pool's own tokens, in place
                of ``cognito-identity.amazonaws.com`` and its kin in other partitions.

        Raises:
            InvalidType: Something of the wrong type.
            InvalidArgument: Something the service does not take.
        """
        users = checked_users(logins)
        given = None if identity_id is None else checked_identity_id(identity_id)
        tags = None if principal_tags is None else checked_tags(principal_tags)
        provider = checked_provider(login_key or self._id.login_key, "login_key")

        async def vouch() -> OpenIdToken:
            return await self._admin.openid_token(
                dict(users), identity_id=given, principal_tags=tags
            )

        source = DeveloperLogins(vouch, users, provider)
        return self._holder(source, self._memory(), _checked_flow(flow))

    def for_logins(
        self,
        logins: Mapping[str, LoginValue],
        *,
        flow: CredentialsFlow | None = None,
        identity_id: str | None = None,
    ) -> AwsIdentity:
        """Return the identity of somebody who signed in elsewhere.

        Args:
            logins: Provider to token, such as ``accounts.google.com`` to an ID token.
                A token lives shorter than credentials are needed, so give an async
                callable that brings a current one. `aiocognito.logins` writes the
                names. Several providers at once become one identity.
            flow: `EnhancedFlow()` if left out.
            identity_id: An identity that is known already: a guest's that signs in, or
                what a developer's back end was told.

        Raises:
            InvalidType: Not such a mapping; a plain callable, for example.
            InvalidArgument: Empty, or more than ten.
        """
        source = GivenLogins(logins)
        first = None if identity_id is None else checked_identity_id(identity_id)
        return self._holder(source, self._memory(first), _checked_flow(flow))

    def guest(
        self,
        *,
        identity_id: str | None = None,
        new: bool = False,
        store: TokenStore | None = None,
        name: str = "",
        flow: CredentialsFlow | None = None,
    ) -> AwsIdentity:
        """Return a guest; without arguments always the same one.

        Args:
            identity_id: A guest's id that was kept (`AwsIdentity.identity_id`).
            new: Another guest, with an id of its own. AWS makes 25 a second at most.
            store: Where the id is looked for before a guest is made, and kept after; a
                store for saved sessions will do. While it cannot be read, nobody is made.
            name: Tells several guests in one store apart.
            flow: `EnhancedFlow()` if left out.
        """
        if identity_id is not None or new or store is not None or flow is not None:
            first = None if identity_id is None else checked_identity_id(identity_id)
            kept = None if store is None else StoredGuest(store, self._id.text, name)
            return self._holder(Guest(), self._memory(first, kept), _checked_flow(flow))
        if self._guest is None:
            self._guest = self._holder(Guest(), self._memory(), EnhancedFlow())
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
        for transport in self._owned:
            await transport.aclose()

    async def __aenter__(self) -> Self:
        if self._wire.closed:
            raise SessionClosed
        # What `aws_session` needs takes long to load, and it cannot wait by itself.
        if self._owned and _AWS not in sys.modules:
            await anyio.to_thread.run_sync(importlib.import_module, _AWS, abandon_on_cancel=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _holder(
        self, source: LoginsSource, memory: Identities, flow: CredentialsFlow
    ) -> AwsIdentity:
        holder = AwsIdentity(
            Exchange(self._wire, source, memory, flow),
            self._wire,
            region=self._id.region,
            protected=self._protected,
            observer=self._observer,
        )
        self._holders.add(holder)
        return holder

    def _memory(self, first: str | None = None, store: StoredGuest | None = None) -> Identities:
        return Identities(self._wire, self._protected, first=first, store=store)

    def __repr__(self) -> str:
        return f"<IdentityPool {self._id.text}{' closed' if self._wire.closed else ''}>"


def _checked_flow(flow: CredentialsFlow | None) -> CredentialsFlow:
    if flow is None:
        return EnhancedFlow()
    if not isinstance(flow, EnhancedFlow | BasicFlow):
        raise InvalidType("flow", "EnhancedFlow(...) or BasicFlow(...)", flow)
    return flow


def _checked_names(names: Iterable[str]) -> tuple[str, ...]:
    given = None if isinstance(names, str) else tuple(names)
    if given is None or not all(isinstance(name, str) for name in given):
        raise InvalidType("rights_claims", "several names of claims", names)
    return given
