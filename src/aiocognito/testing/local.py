"""`LocalCognito`: user pools and an identity pool that run on this machine.

::

    async with LocalCognito() as local:
        local.add_user("ana", "Passw0rd!", totp=True)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("ana", "Passw0rd!", respond=...)

It checks what the service checks: SRP, TOTP, secret hashes, sessions, tokens. It is
for tests, examples and offline work, never for people: whoever reaches its port can
have everything in it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._partitions import dns_suffix
from aiocognito.errors import InvalidArgument
from aiocognito.testing.backend import Backend, RequestLog
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.draws import Entropy
from aiocognito.testing.faults import FaultPlan
from aiocognito.testing.http import HttpShell
from aiocognito.testing.identity_pool import LocalIdentityPool
from aiocognito.testing.memory import MemoryHttp, MemoryTransport
from aiocognito.testing.relying_party import UserVerification
from aiocognito.testing.settings import DeviceTracking, MfaMode
from aiocognito.testing.triggers import Trigger
from aiocognito.testing.user_pool import LocalUserPool
from aiocognito.testing.users import Delivery, LocalUser

__all__ = ["LocalCognito"]

_DAY = 24 * 3600


class LocalCognito:
    """A local Cognito: one user pool with one app client, an identity pool, more on request.

    Enter it with ``async with`` (asyncio or Trio) or ``with``, or call `start` and
    `stop`: then it serves on a loopback address, from a thread of its own. Without that
    it can be used in memory, through `transport` and `http_client`.

    Its methods may be called from any thread while it serves; touch `pool` and
    `identity_pool` directly only while no request is under way.

    Args:
        region: Part of every id.
        user_pool_id: Chosen for you if not given; always the same one, because pools
            of one id share their signing keys within a process and keys are slow to make.
        identity_pool_id: Chosen for you if not given.
        username_attributes: See `LocalUserPool`, as for the other options of the pool.
        client_id: Of the first app client; chosen for you if not given.
        client_secret: True for a generated secret, or the secret itself.
        access_token_validity: Seconds, from one up; for this and the other options of
            the client see `LocalUserPool.add_client`.
        guests: Whether the identity pool gives credentials to those without a login.
        credential_lifetime: Seconds of life of AWS credentials; 3600 on the service.
        classic_flow: See `LocalIdentityPool`, as for the developer provider.
        aws_keys: Secret access keys by key id: over HTTP, administrators' calls must be
            signed with one of these. Without any, every signature is accepted, and none
            is not.
        clock: `ManualClock` to move time by hand.
        entropy: Where ids, salts and codes come from.
        host: A loopback address.
        port: 0 picks a free one at each start.

    Attributes:
        pool: The first user pool.
        identity_pool: The identity pool; it accepts every app client made here.
        clock: As given.
    """

    def __init__(
        self,
        *,
        region: str = "eu-west-1",
        user_pool_id: str | None = None,
        identity_pool_id: str | None = None,
        username_attributes: Iterable[str] = (),
        alias_attributes: Iterable[str] = (),
        mfa: MfaMode = "OPTIONAL",
        first_factors: Iterable[str] = ("PASSWORD",),
        device_tracking: DeviceTracking = "OFF",
        device_replaces_mfa: bool = True,
        relying_party: str | None = None,
        user_verification: UserVerification = "preferred",
        passkey_mfa: bool = False,
        triggers: Mapping[str, Trigger] | None = None,
        client_id: str | None = None,
        client_secret: bool | str | Iterable[str] = False,
        explicit_auth_flows: Iterable[str] | None = None,
        access_token_validity: int = 3600,
        id_token_validity: int = 3600,
        refresh_token_validity: int = 30 * _DAY,
        rotation: bool = False,
        rotation_grace: float = 0.0,
        guests: bool = True,
        credential_lifetime: float = 3600.0,
        classic_flow: bool = False,
        developer_provider: str | None = None,
        aws_keys: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        entropy: Entropy = secrets.token_bytes,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        dns_suffix(region)  # refuses what is no region
        self.clock = clock
        self._backend = Backend(clock=clock)
        self._backend.aws_keys = dict(aws_keys or {})
        self._shell = HttpShell(self._backend, host=host, port=port)
        self.identity_pool: LocalIdentityPool = LocalIdentityPool(
            identity_pool_id or f"{region}:{uuid.UUID(bytes=entropy(16))}",
            clock=clock,
            entropy=entropy,
            guests=guests,
            credential_lifetime=credential_lifetime,
            classic_flow=classic_flow,
            developer_provider=developer_provider,
        )
        self._backend.identity_pool = self.identity_pool
        self.pool: LocalUserPool = self.add_user_pool(
            LocalUserPool(
                user_pool_id or f"{region}_LocalPool",
                clock=clock,
                entropy=entropy,
                username_attributes=username_attributes,
                alias_attributes=alias_attributes,
                mfa=mfa,
                first_factors=first_factors,
                device_tracking=device_tracking,
                device_replaces_mfa=device_replaces_mfa,
                relying_party=relying_party,
                user_verification=user_verification,
                passkey_mfa=passkey_mfa,
                triggers=triggers,
            )
        )
        self._client = self.add_client(
            client_id,
            secret=client_secret,
            explicit_auth_flows=explicit_auth_flows,
            access_token_validity=access_token_validity,
            id_token_validity=id_token_validity,
            refresh_token_validity=refresh_token_validity,
            rotation=rotation,
            rotation_grace=rotation_grace,
        )

    # --- how to reach it ---

    @property
    def url(self) -> str:
        """The endpoint of both services and of STS, without a trailing slash.

        Raises:
            LocalProtocolError: It is not serving.
        """
        return self._shell.url

    @property
    def user_pool_id(self) -> str:
        """The first user pool's id."""
        return self.pool.user_pool_id

    @property
    def client_id(self) -> str:
        """The first app client's id."""
        return self._client.client_id

    @property
    def client_secret(self) -> str | None:
        """The first app client's secret, the older one of two, or None."""
        return self.pool.clients[self.client_id].client_secret

    @property
    def identity_pool_id(self) -> str:
        """The identity pool's id."""
        return self.identity_pool.identity_pool_id

    def transport(self) -> MemoryTransport:
        """Return a `Transport` to all its services that needs no server."""
        return MemoryTransport(self._backend)

    def http_client(self) -> MemoryHttp:
        """Return an `HttpClient` for the key sets that needs no server."""
        return MemoryHttp(self._backend)

    # --- what is in it ---

    def add_user_pool(self, pool: LocalUserPool) -> LocalUserPool:
        """Serve another user pool beside the first; give it the same clock."""
        self._backend.add_user_pool(pool)
        return pool

    def add_client(
        self,
        client_id: str | None = None,
        *,
        secret: bool | str | Iterable[str] = False,
        explicit_auth_flows: Iterable[str] | None = None,
        prevent_user_existence_errors: bool = True,
        access_token_validity: int = 3600,
        id_token_validity: int = 3600,
        refresh_token_validity: int = 30 * _DAY,
        auth_session_validity: float = 180.0,
        rotation: bool = False,
        rotation_grace: float = 0.0,
        server_side_token_check: bool = False,
        pool: LocalUserPool | None = None,
    ) -> LocalClient:
        """Add an app client and let the identity pool accept its users.

        Args:
            server_side_token_check: See `LocalIdentityPool.trust`.
            pool: Where to; the first user pool if not given. The other arguments are
                those of `LocalUserPool.add_client`.

        Raises:
            InvalidArgument: As there; and if another pool has a client of this id.
        """
        pool = pool if pool is not None else self.pool
        with self._backend.lock:
            if client_id is not None and self._backend.has_client(client_id):
                raise InvalidArgument("client_id", "new in this service, whose calls name no pool")
            client = pool.add_client(
                client_id,
                secret=secret,
                explicit_auth_flows=explicit_auth_flows,
                prevent_user_existence_errors=prevent_user_existence_errors,
                access_token_validity=access_token_validity,
                id_token_validity=id_token_validity,
                refresh_token_validity=refresh_token_validity,
                auth_session_validity=auth_session_validity,
                rotation=rotation,
                rotation_grace=rotation_grace,
            )
            self.identity_pool.trust(
                pool, client.client_id, server_side_token_check=server_side_token_check
            )
        return client

    def add_client_secret(self, secret: str | None = None) -> str:
        """Give the first app client a second secret; see `LocalUserPool.add_client_secret`."""
        with self._backend.lock:
            return self.pool.add_client_secret(self.client_id, secret)

    def remove_client_secret(self, secret: str) -> None:
        """Take one of its two secrets away; see `LocalUserPool.remove_client_secret`."""
        with self._backend.lock:
            self.pool.remove_client_secret(self.client_id, secret)

    def add_user(
        self,
        username: str,
        password: str | None = None,
        *,
        attributes: Mapping[str, str | bool] | None = None,
        totp: bool | str = False,
        mfa: Iterable[str] = (),
        preferred_mfa: str | None = None,
        groups: Iterable[str] = (),
        status: str = "CONFIRMED",
        temporary: bool = False,
        enabled: bool = True,
        salt: bytes | None = None,
        pool: LocalUserPool | None = None,
    ) -> LocalUser:
        """Add a user to the first user pool, or to `pool`; see `LocalUserPool.add_user`."""
        with self._backend.lock:
            return (pool if pool is not None else self.pool).add_user(
                username,
                password,
                attributes=attributes,
                totp=totp,
                mfa=mfa,
                preferred_mfa=preferred_mfa,
                groups=groups,
                status=status,
                temporary=temporary,
                enabled=enabled,
                salt=salt,
            )

    def totp_code(self, username: str, *, unused: bool = False) -> str:
        """Return what the user's authenticator shows now; see `LocalUserPool.totp_code`."""
        with self._backend.lock:
            return self.pool.totp_code(username, unused=unused)

    # --- what happened, and what is to go wrong ---

    @property
    def outbox(self) -> list[Delivery]:
        """The codes the first user pool sent, oldest first."""
        return self.pool.outbox

    @property
    def requests(self) -> RequestLog:
        """Which operations were asked for."""
        return self._backend.requests

    @property
    def faults(self) -> FaultPlan:
        """What is to go wrong, and when."""
        return self._backend.faults

    # --- serving ---

    def start(self) -> None:
        """Serve; for where no ``with`` fits. Blocks for some milliseconds.

        Raises:
            OSError: The port is taken.
            LocalProtocolError: It is serving already.
        """
        self._shell.start()

    def stop(self) -> None:
        """Close the server; everything added stays for the next `start`. Idempotent."""
        self._shell.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        # In a thread: it waits for another one to come up.
        await anyio.to_thread.run_sync(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)

    def __repr__(self) -> str:
        where = self.url if self._shell.is_running else "not serving"
        return f"<LocalCognito {self.user_pool_id} ({where})>"
