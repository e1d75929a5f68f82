"""Faults on demand: what networks and servers do wrong, in the order a test asks for.

::

    local.faults.add(Throttle(), operation="InitiateAuth")             # the next one only
    local.faults.add(Drop(), operation="GetTokensFromRefreshToken")    # acted, answer lost
    local.faults.add(Slow(30), operation="InitiateAuth", after=2)      # the third one

A fault is a value. Both shells of the local pool take the same ones; where a fault
lives in HTTP alone (`SetCookie`), the in-memory shell passes it over.

Each fault says in `acted` whether the pool processes the request before the fault
strikes. That is the difference that matters to a client: a refresh token that was
rotated although nobody saw the answer, or one that was not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from attrs import define, field, frozen

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.testing.service_errors import PoolError

__all__ = [
    "Alter",
    "Answer",
    "Drop",
    "Fault",
    "FaultPlan",
    "Html",
    "InternalFailure",
    "Malformed",
    "Oversize",
    "Planned",
    "Redirect",
    "Refuse",
    "SetCookie",
    "Slow",
    "Throttle",
    "Truncate",
]

DOCUMENTS = ("jwks.json", "openid-configuration")
"""Pseudo-operations: faults strike the pool's published documents by these names."""


# --- errors of the service ---------------------------------------------------


@frozen
class Refuse:
    """A service error of your choice; the pool does not act."""

    code: str
    message: str = ""
    status: int = field(default=400, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)
    acted: ClassVar[bool] = False

    @property
    def error(self) -> PoolError:
        """What the service says."""
        return PoolError(self.code, self.message, self.status)

    @classmethod
    def for_security(cls) -> Refuse:
        """Make the refusal with which threat protection blocks a sign-in."""
        return cls("NotAuthorizedException", "Unable to login because of security reasons.")


@frozen
class Throttle:
    """``TooManyRequestsException``, optionally with a ``Retry-After`` header (seconds)."""

    retry_after: float | None = None
    acted: ClassVar[bool] = False

    @property
    def error(self) -> PoolError:
        """What the service says."""
        return PoolError("TooManyRequestsException", "Rate exceeded", 400)


@frozen
class InternalFailure:
    """``InternalErrorException`` with status 500.

    Attributes:
        acted: Whether the pool processed the request first; a client cannot know.
    """

    acted: bool = False
    retry_after: ClassVar[float | None] = None

    @property
    def error(self) -> PoolError:
        """What the service says."""
        return PoolError("InternalErrorException", "Something went wrong", 500)


# --- answers that are none ---------------------------------------------------


@frozen
class Html:
    """A page instead of an answer: a captive portal (200), a proxy (502), a firewall (403)."""

    status: int = 503
    page: str = "<!doctype html><title>Sign in to this network</title>"
    acted: ClassVar[bool] = False


@frozen
class Redirect:
    """Send the client elsewhere. Over HTTP 307 and 308 ask it to post the body again."""

    location: str
    status: int = 307
    acted: ClassVar[bool] = False


@frozen
class Oversize:
    """A well-formed answer of at least this many bytes."""

    size: int = 10 * 1024 * 1024
    acted: ClassVar[bool] = False


@frozen
class Malformed:
    """Status 200 and text that is not JSON."""

    text: str = '{"AuthenticationResult": {"AccessToken": '
    acted: ClassVar[bool] = False


# --- what happens on the way -------------------------------------------------


@frozen
class Slow:
    """Keep the answer back for some seconds of real time.

    Attributes:
        acted: Whether the pool acts before the wait or after it.
    """

    seconds: float
    acted: bool = True


@frozen
class Drop:
    """Read the request, then reset the connection.

    Attributes:
        acted: Whether the pool processed the request first.
    """

    acted: bool = True


@frozen
class Truncate:
    """The pool acts; half of its answer arrives, then the connection is reset."""

    acted: ClassVar[bool] = True


# --- answers that lie --------------------------------------------------------


@frozen
class Answer:
    """Answer with this body instead of asking the pool."""

    body: Mapping[str, Any] = field(repr=False)
    status: int = 200
    acted: ClassVar[bool] = False


@frozen
class Alter:
    """Let the pool act, then change its answer: a forged token, a bad ``SRP_B``.

    Attributes:
        change: Gets a copy of the answer and returns what is sent.
    """

    change: Callable[[dict[str, Any]], Mapping[str, Any]]
    acted: ClassVar[bool] = True


@frozen
class SetCookie:
    """An ordinary answer with a ``Set-Cookie`` header. HTTP only."""

    cookie: str = "canary=1; Path=/"
    acted: ClassVar[bool] = True


Fault = (
    Alter
    | Answer
    | Drop
    | Html
    | InternalFailure
    | Malformed
    | Oversize
    | Redirect
    | Refuse
    | SetCookie
    | Slow
    | Throttle
    | Truncate
)


def acts(fault: Fault) -> bool:
    """Whether the pool processes a request that this fault strikes."""
    # A slow request always is; its `acted` says on which side of the wait.
    return fault.acted or isinstance(fault, Slow)


# --- when they strike --------------------------------------------------------


@define
class Planned:
    """One entry of a plan.

    Attributes:
        hits: How often it struck so far.
    """

    fault: Fault
    operation: str | None
    skip: int
    left: int | None
    hits: int = 0

    def matches(self, operation: str) -> bool:
        """Whether this entry cares about a request for this operation."""
        if self.left == 0:
            return False
        return operation == self.operation if self.operation else operation not in DOCUMENTS

    def strike(self) -> bool:
        """Count one matching request; say whether the fault is due."""
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        if self.left is not None:
            self.left -= 1
        return True


class FaultPlan:
    """The faults still to come. Safe to fill from any thread."""

    def __init__(self) -> None:
        self._planned: list[Planned] = []
        self._lock = threading.Lock()

    def add(
        self,
        fault: Fault,
        *,
        operation: str | None = None,
        times: int | None = 1,
        after: int = 0,
    ) -> Planned:
        """Plan a fault; of several that are due, the one planned first strikes.

        Args:
            fault: What goes wrong.
            operation: Which operation it strikes; None means every API operation.
                ``jwks.json`` and ``openid-configuration`` name the documents.
            times: How many requests it strikes; None means all of them.
            after: How many matching requests pass unharmed before.

        Returns:
            The entry, whose `hits` a test can look at.
        """
        if not isinstance(fault, Fault):
            raise InvalidType("fault", "one of the faults", fault)
        if (times is not None and times < 1) or after < 0:
            raise InvalidArgument("times and after", "at least one and at least zero")
        planned = Planned(fault, operation, after, times)
        with self._lock:
            self._planned.append(planned)
        return planned

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes this request, and use it up."""
        with self._lock:
            for planned in self._planned:
                if planned.matches(operation) and planned.strike():
                    return planned.fault
            return None

    def clear(self) -> None:
        """Forget every fault still to come."""
        with self._lock:
            self._planned.clear()
