"""How calls leave the process: two protocols with one method each.

Anything that fulfils `Transport` can carry a conversation: the hardened
botocore transport, the in-memory local pool, a recording, a fake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.flow.calls import Call, Reply

__all__ = ["HttpClient", "HttpReply", "Transport", "revealed", "texts_to_hide"]


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
    headers: Mapping[str, str] = field(repr=False)  # some repeat the error's message
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


def revealed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as plain values, with every `Secret` opened.

    What comes back belongs on the wire and nowhere else: keep it out of attributes
    and of frames that a traceback can show.
    """
    return {name: _opened(value) for name, value in parameters.items()}


def _opened(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, str):  # most are, and to ask whether it is a Mapping takes longer
        return value
    if isinstance(value, Mapping):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_opened(inner) for inner in value]
    return value


# Members whose values are the service's own words. Blanking them out of its messages
# would only make those unreadable ("*** is not enabled for the client").
_PUBLIC_MEMBERS = frozenset(
    {"AuthFlow", "ChallengeName", "AttributeName", "Name", "UserAttributeNames"}
)


def texts_to_hide(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield every string we are about to send that no message may repeat."""
    for name, value in parameters.items():
        if name not in _PUBLIC_MEMBERS:
            yield from _texts_in(value)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, Mapping):
        yield from texts_to_hide(value)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts_in(inner)
