"""A local Cognito for tests, examples and offline work.

Names are loaded when first used: the pytest plugin imports this package in every
test run on the machine, and most of those never ask for a pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocognito._lazy import lazily

if TYPE_CHECKING:
    from aiocognito.testing.backend import RequestLog
    from aiocognito.testing.clients import LocalClient
    from aiocognito.testing.clock import ManualClock
    from aiocognito.testing.cloudformation import TemplatePools, pools_from_template
    from aiocognito.testing.faults import (
        Alter,
        Answer,
        Drop,
        Fault,
        FaultPlan,
        Html,
        InternalFailure,
        Malformed,
        Oversize,
        Redirect,
        Refuse,
        SetCookie,
        Slow,
        Throttle,
        Truncate,
    )
    from aiocognito.testing.identity_pool import LocalIdentityPool
    from aiocognito.testing.identity_roles import RoleByRules, RoleByToken, RoleRule
    from aiocognito.testing.issued_credentials import LocalCredentials
    from aiocognito.testing.local import LocalCognito
    from aiocognito.testing.memory import MemoryHttp, MemoryTransport
    from aiocognito.testing.outside_providers import LocalProvider
    from aiocognito.testing.password_policy import PasswordPolicy
    from aiocognito.testing.service_errors import PoolError
    from aiocognito.testing.signatures import SignedRequest
    from aiocognito.testing.sts import LocalRole, LocalSts
    from aiocognito.testing.user_pool import LocalUserPool
    from aiocognito.testing.users import LocalUser

__all__ = [
    "Alter",
    "Answer",
    "Drop",
    "Fault",
    "FaultPlan",
    "Html",
    "InternalFailure",
    "LocalClient",
    "LocalCognito",
    "LocalCredentials",
    "LocalIdentityPool",
    "LocalProvider",
    "LocalRole",
    "LocalSts",
    "LocalUser",
    "LocalUserPool",
    "Malformed",
    "ManualClock",
    "MemoryHttp",
    "MemoryTransport",
    "Oversize",
    "PasswordPolicy",
    "PoolError",
    "Redirect",
    "Refuse",
    "RequestLog",
    "RoleByRules",
    "RoleByToken",
    "RoleRule",
    "SetCookie",
    "SignedRequest",
    "Slow",
    "TemplatePools",
    "Throttle",
    "Truncate",
    "pools_from_template",
]

_HOMES = {
    "backend": ("RequestLog",),
    "clients": ("LocalClient",),
    "clock": ("ManualClock",),
    "cloudformation": ("TemplatePools", "pools_from_template"),
    "faults": (
        "Alter",
        "Answer",
        "Drop",
        "Fault",
        "FaultPlan",
        "Html",
        "InternalFailure",
        "Malformed",
        "Oversize",
        "Redirect",
        "Refuse",
        "SetCookie",
        "Slow",
        "Throttle",
        "Truncate",
    ),
    "identity_pool": ("LocalIdentityPool",),
    "identity_roles": ("RoleByRules", "RoleByToken", "RoleRule"),
    "issued_credentials": ("LocalCredentials",),
    "local": ("LocalCognito",),
    "memory": ("MemoryHttp", "MemoryTransport"),
    "outside_providers": ("LocalProvider",),
    "password_policy": ("PasswordPolicy",),
    "service_errors": ("PoolError",),
    "signatures": ("SignedRequest",),
    "sts": ("LocalRole", "LocalSts"),
    "user_pool": ("LocalUserPool",),
    "users": ("LocalUser",),
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
