"""What the tests of the local pool start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, POOL_ID, Person

Settle = Callable[..., Person]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_pool(clock: ManualClock) -> Callable[..., CheckedPool]:
    def make(user_pool_id: str = POOL_ID, **settings: Any) -> CheckedPool:
        return CheckedPool(user_pool_id, clock=clock, **settings)

    return make


@pytest.fixture
def pool(make_pool: Callable[..., CheckedPool]) -> CheckedPool:
    return make_pool()


@pytest.fixture
def settle(clock: ManualClock) -> Settle:
    """Put a person before a pool: ``settle(pool, client={...}, totp=True, ...)``."""

    def settle(
        pool: CheckedPool,
        name: str = "ana",
        password: str = PASSWORD,
        *,
        client: dict[str, Any] | None = None,
        **user: Any,
    ) -> Person:
        app = pool.add_client(**{"explicit_auth_flows": EVERY_FLOW, **(client or {})})
        pool.add_user(name, password, **user)
        return Person(pool, app, clock, name, password)

    return settle


@pytest.fixture
def ana(pool: CheckedPool, settle: Settle) -> Person:
    """A confirmed user without MFA, at a public client that allows every flow."""
    return settle(pool)
