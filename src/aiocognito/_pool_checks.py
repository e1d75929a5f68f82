"""The checks of what `UserPool` is given."""

from __future__ import annotations

from aiocognito._devices import DevicePolicy
from aiocognito._place import Storing
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.fleet import Fleet
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
from aiocognito.login import Responder
from aiocognito.scheduler import Scheduler
from aiocognito.stores.base import TokenStore
from aiocognito.tokens.devices import RememberedDevice

__all__ = [
    "check_refresh_with",
    "checked_context",
    "checked_device",
    "checked_flow",
    "checked_grace",
    "checked_policy",
    "checked_responder",
    "checked_scheduler",
    "checked_validity",
    "storing_of",
]


def checked_flow(flow: object) -> Flow:
    if not isinstance(flow, Srp | Password | Custom | Choice):
        raise InvalidType("flow", "Srp(), Password(), Custom() or Choice()", flow)
    return flow


def checked_responder(respond: Responder | None) -> Responder | None:
    if respond is not None and not callable(respond):
        raise InvalidType("respond", "an async callable", respond)
    return respond


def checked_context(context: object) -> RequestContext:
    if not isinstance(context, RequestContext):
        raise InvalidType("context", "a RequestContext", context)
    return context


def check_refresh_with(value: str) -> None:
    if value not in ("auto", "GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"):
        raise InvalidArgument(
            "refresh_with", "auto, GetTokensFromRefreshToken or REFRESH_TOKEN_AUTH"
        )


def checked_scheduler(scheduler: object) -> Scheduler | None:
    if scheduler is not None and not isinstance(scheduler, Scheduler):
        raise InvalidType("scheduler", "a Scheduler", scheduler)
    return scheduler


def checked_validity(validity: float | None) -> float | None:
    if validity is None:
        return None
    if isinstance(validity, bool) or not isinstance(validity, int | float):
        raise InvalidType("refresh_token_validity", "a number of seconds", validity)
    if not 3600 <= validity <= 3650 * 86_400:
        raise InvalidArgument("refresh_token_validity", "an hour to ten years, in seconds")
    return float(validity)


def checked_policy(policy: DevicePolicy) -> DevicePolicy:
    if policy not in ("ask", "remember", "ignore"):
        raise InvalidArgument("devices", "'ask', 'remember' or 'ignore'")
    return policy


def checked_grace(grace: float | None) -> float | None:
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, int | float):
        raise InvalidType("rotation_grace", "a number of seconds", grace)
    if not 0 <= grace <= 60:
        raise InvalidArgument("rotation_grace", "0 to 60 seconds")
    return float(grace)


def checked_device(device: object, user_pool_id: str) -> RememberedDevice | None:
    if device is not None and not isinstance(device, RememberedDevice):
        raise InvalidType("device", "a RememberedDevice", device)
    if device is not None and device.user_pool_id not in (None, user_pool_id):
        raise InvalidArgument("device", "one of this pool")
    return device


def storing_of(store: object, fleet: Fleet | None) -> Storing | None:
    if store is None:
        return None
    if not isinstance(store, TokenStore):
        raise InvalidType("store", "a TokenStore", store)
    rules = fleet or Fleet()
    return Storing(
        store=store,
        shared=fleet is not None,
        lease=rules.lease,
        poll=rules.poll,
        rotates=rules.rotates,
    )
