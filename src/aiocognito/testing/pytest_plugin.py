"""Fixtures for programs that use Cognito. Installed with the library; nothing to enable.

::

    async def test_my_service(local_cognito):
        local_cognito.add_user("ana", "Passw0rd!")
        service = MyService(
            pool_id=local_cognito.user_pool_id,
            client_id=local_cognito.client_id,
            endpoint_url=local_cognito.url,
        )
        assert await service.greet("ana", "Passw0rd!") == "Hello, Ana"

The fixtures are synchronous and serve every kind of test: asyncio, Trio, threads,
subprocesses. Nothing is loaded before a test asks for one of them. The server listens
on 127.0.0.1; where pytest-socket forbids sockets, allow that host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from aiocognito import testing
from aiocognito._clock import SYSTEM_CLOCK

__all__ = [
    "local_cognito",
    "local_cognito_clock",
    "local_cognito_factory",
]


@pytest.fixture
def local_cognito_clock() -> testing.ManualClock:
    """The clock that `local_cognito` lives by: now, and standing still.

    ``local_cognito_clock.advance(3600)`` lets an hour pass for the pool; tokens it
    issued before are expired then. Give the same clock to the code under test if it
    takes one.
    """
    return testing.ManualClock(SYSTEM_CLOCK.wall())


@pytest.fixture
def local_cognito_factory() -> Iterator[Callable[..., testing.LocalCognito]]:
    """Start as many local services as a test needs, with `LocalCognito`'s arguments.

    All of them stop when the test ends. Without a ``clock`` they live by the system's.
    """
    with ExitStack() as running:

        def start(**options: Any) -> testing.LocalCognito:
            return running.enter_context(testing.LocalCognito(**options))

        yield start


@pytest.fixture
def local_cognito(
    local_cognito_factory: Callable[..., testing.LocalCognito],
    local_cognito_clock: testing.ManualClock,
) -> testing.LocalCognito:
    """A local Cognito, serving at ``local_cognito.url``, empty and fresh for each test.

    Override it in your conftest to seed users or to choose other options::

        @pytest.fixture
        def local_cognito(local_cognito_factory):
            local = local_cognito_factory(client_secret=True)
            local.add_user("ana", "Passw0rd!", totp=True)
            return local
    """
    return local_cognito_factory(clock=local_cognito_clock)
