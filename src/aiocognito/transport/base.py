"""How calls leave the process: two protocols with one method each.

Anything that fulfils `Transport` can carry a conversation: the hardened
aiobotocore transport, the in-memory local pool, a recording, a fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from aiocognito.flow.calls import Call, Reply

__all__ = ["HttpClient", "HttpReply", "Transport"]


class Transport(Protocol):
    """Carries calls of one region's service to it."""

    async def send(self, call: Call) -> Reply:
        """Send one call once and return its answer.

        Never repeats, follows no redirect, keeps no cookie. Cancelling closes the
        connection; whether the service acted is then unknown.

        Raises:
            ServiceError: The service answered with an error.
            TransportError: No answer arrived in time.
            RemoteProtocolError: The answer cannot be read.
        """
        ...

    async def aclose(self) -> None:
        """Close connections. Idempotent; a later `send` opens new ones."""
        ...


@frozen(kw_only=True)
class HttpReply:
    """A plain HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class HttpClient(Protocol):
    """Plain HTTP for key sets and OAuth endpoints: bounded, without redirects."""

    async def get(self, url: str) -> HttpReply:
        """Fetch a URL once.

        Raises:
            TransportError: No answer arrived in time.
            RemoteProtocolError: The answer is larger than allowed, or a redirect.
        """
        ...

    async def aclose(self) -> None:
        """Close connections. Idempotent."""
        ...
