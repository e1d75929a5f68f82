"""What both shells of the local service stand on.

The cores (`LocalUserPool`, `LocalIdentityPool`) are pure and know nothing of each
other, of threads or of the wire. Here it is decided which of them a request is for;
here they are asked one request at a time, whatever thread it came from.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from aiocognito._clock import Clock
from aiocognito.flow.calls import Service
from aiocognito.testing.admin_constraints import SIGNED_INPUTS
from aiocognito.testing.admin_groups import list_user_pools
from aiocognito.testing.constraints import check
from aiocognito.testing.faults import FaultPlan
from aiocognito.testing.identity_pool import LocalIdentityPool
from aiocognito.testing.service_errors import PoolError, unknown_operation
from aiocognito.testing.signatures import missing_signature
from aiocognito.testing.signing import unverified_claims
from aiocognito.testing.user_pool import LocalUserPool

__all__ = ["Backend", "RequestLog"]

_SESSIONS_REMEMBERED = 10_000


class RequestLog:
    """Which operations were asked for, in order. Names only, never parameters."""

    def __init__(self) -> None:
        self._operations: list[str] = []

    def record(self, operation: str) -> None:
        """Count one more."""
        self._operations.append(operation)

    @property
    def operations(self) -> tuple[str, ...]:
        """Every operation since the start or the last `clear`, oldest first."""
        return tuple(self._operations)

    @property
    def counts(self) -> Counter[str]:
        """How often each operation was asked for; a name never asked for counts 0."""
        return Counter(self._operations)

    def count(self, operation: str) -> int:
        """How often this operation was asked for, faults included."""
        return self._operations.count(operation)

    def clear(self) -> None:
        """Start counting anew."""
        self._operations.clear()

    def __len__(self) -> int:
        return len(self._operations)

    def __repr__(self) -> str:
        return f"RequestLog({dict(self.counts)})"


class Backend:
    """All user pools of one local service, and its identity pool.

    The first user pool added is the default one: it answers, with the service's own
    error text, every request that names no pool, or a client nobody knows.
    """

    def __init__(self, *, clock: Clock) -> None:
        self.clock = clock
        self.faults: FaultPlan = FaultPlan()
        self.requests: RequestLog = RequestLog()
        self.aws_keys: Mapping[str, str] = {}  # secret keys by id; empty accepts any
        self.identity_pool: LocalIdentityPool | None = None
        self.lock: threading.RLock = threading.RLock()
        self._pools: dict[str, LocalUserPool] = {}
        self._pool_of_session: OrderedDict[bytes, LocalUserPool] = OrderedDict()

    def add_user_pool(self, pool: LocalUserPool) -> None:
        """Serve this pool from now on."""
        with self.lock:
            self._pools[pool.user_pool_id] = pool

    def has_client(self, client_id: str) -> bool:
        """Whether one of the pools knows this app client."""
        return any(client_id in pool.clients for pool in self._pools.values())

    def handle(
        self,
        service: Service,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        signed: bool = False,
    ) -> Mapping[str, Any]:
        """Answer one request with the members of its output shape.

        Args:
            service: Which API.
            operation: AWS's name.
            parameters: The members of its input shape.
            signed: Whether the request came with a signature that the shell accepted.

        Raises:
            PoolError: The service answers with an error.
        """
        with self.lock:
            if service != "cognito-idp":
                return self._ask_identity_pool(service, operation, parameters, signed=signed)
            if operation in SIGNED_INPUTS and not signed:
                raise missing_signature()
            if operation == "ListUserPools":
                request = check(operation, parameters, SIGNED_INPUTS)
                return list_user_pools(
                    [(pool.user_pool_id, pool.name) for pool in self._pools.values()], request
                )
            pool = self._pool_for(parameters)
            answer = pool.handle(operation, parameters)
            self._remember_session(answer, pool)
            return answer

    def document(self, user_pool_id: str, name: str) -> Mapping[str, Any] | None:
        """Return a pool's ``jwks.json`` or ``openid-configuration``, or None."""
        with self.lock:
            pool = self._pools.get(user_pool_id)
            if pool is None:
                return None
            return pool.jwks() if name == "jwks.json" else pool.openid_configuration()

    def _ask_identity_pool(
        self, service: Service, operation: str, parameters: Mapping[str, Any], *, signed: bool
    ) -> Mapping[str, Any]:
        if self.identity_pool is None:
            raise unknown_operation(operation)
        if service == "sts":
            return self.identity_pool.sts.handle(operation, parameters)
        if self.identity_pool.needs_signature(operation) and not signed:
            raise missing_signature()
        return self.identity_pool.handle(operation, parameters)

    # --- which pool is meant ---

    def _pool_for(self, parameters: Mapping[str, Any]) -> LocalUserPool:
        match parameters:
            case {"UserPoolId": str(pool_id)}:
                return self._pool_by_id(pool_id)
            case {"ClientId": str(client_id)}:
                return self._pool_of_client(client_id)
            case {"AccessToken": str(token)}:
                # Unverified: it only picks the pool that will check.
                return self._pool_by_issuer(unverified_claims(token).get("iss"))
            case {"Session": str(session)}:
                return self._pool_of_session.get(_digest(session), self._default)
            case _:
                return self._default

    @property
    def _default(self) -> LocalUserPool:
        return next(iter(self._pools.values()))

    def _pool_by_id(self, pool_id: str) -> LocalUserPool:
        try:
            return self._pools[pool_id]
        except KeyError:
            text = f"User pool {pool_id} does not exist."
            raise PoolError("ResourceNotFoundException", text) from None

    def _pool_of_client(self, client_id: str) -> LocalUserPool:
        owners = (pool for pool in self._pools.values() if client_id in pool.clients)
        return next(owners, self._default)

    def _pool_by_issuer(self, issuer: object) -> LocalUserPool:
        owners = (pool for pool in self._pools.values() if pool.issuer == issuer)
        return next(owners, self._default)

    def _remember_session(self, answer: Mapping[str, Any], pool: LocalUserPool) -> None:
        # AssociateSoftwareToken and VerifySoftwareToken may bring nothing but a session.
        session = answer.get("Session")
        if len(self._pools) == 1 or not session:
            return
        self._pool_of_session[_digest(session)] = pool
        if len(self._pool_of_session) > _SESSIONS_REMEMBERED:
            self._pool_of_session.popitem(last=False)


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
