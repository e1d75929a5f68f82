"""What all sessions of a pool have in common."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from aiocognito._devices import DevicePolicy
from aiocognito._place import Storing
from aiocognito._protected import Protected
from aiocognito._refresh import Timing
from aiocognito._roster import Roster
from aiocognito.events import Event
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.refreshing import RefreshWith
from aiocognito.identity_pool import IdentityPool
from aiocognito.transport.base import Transport
from aiocognito.verify.verifier import TokenVerifier

__all__ = ["PoolServices"]


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
