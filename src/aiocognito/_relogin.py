"""Signing in again without a person: for sessions that know where the password is.

A server that says "wrong password" learns one guess from every attempt, and locks the
user after five. So a refused password is not presented again until the source gives
another one, and there are at most two sign-ins in any fifteen minutes. While the user is
locked nobody asks.

A sign-in costs a share of two quotas and of the processor. When very many sessions lose
their tokens at once, they sign in at the pace of the quota: those whose turn has not come
are sent away before their password is asked for.
"""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiocognito._clock import Clock
from aiocognito._redact import Secret
from aiocognito.errors import (
    AttemptsExceeded,
    ConnectFailed,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidType,
    RefreshFailed,
    Throttled,
)
from aiocognito.flow.app_client import checked_password
from aiocognito.tokens.quota import Bucket

__all__ = ["PROCESS", "PasswordSource", "Relogin", "checked_source", "no_password"]

PasswordSource = str | Callable[[], Awaitable[str]]

T = TypeVar("T")

_WINDOW = 900.0
_PER_WINDOW = 2
_BEGINNINGS = ("InitiateAuth", "AdminInitiateAuth")
# Nobody says how long a user is locked. The service's own locks double up to 15 minutes.
_SHORTEST_LOCK = 60.0
_LONGEST_LOCK = 900.0

PROCESS = Bucket(quota=120.0, reserve=0.3)
"""The automatic sign-ins of this process: four fifths of UserAuthentication's default."""


class Relogin:
    """Signs one user in, as often as that is wise.

    Args:
        source: An async callable that brings the password, or None for a flow that
            has none.
        clock: Where the time comes from.
        budget: Shared by all who sign in by themselves; None where the calls are metered
            already.
    """

    def __init__(
        self,
        source: Callable[[], Awaitable[Secret | None]],
        clock: Clock,
        budget: Bucket | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._budget = budget
        self._locked_until = float("-inf")
        self._locks = 0
        self._refused: Secret | None = None
        self._refusal: IncorrectUsernameOrPassword | None = None
        self._recent: deque[float] = deque(maxlen=_PER_WINDOW)

    async def run(self, sign_in: Callable[[Secret | None], Awaitable[T]]) -> T:
        """Sign in with the source's present password.

        Raises:
            IncorrectUsernameOrPassword: As the service said, or said before of the
                same password; then nothing is sent.
            RefreshFailed: Signed in too often lately, the user is locked, or too many
                others sign in just now; ``retry_after`` says for how long.
        """
        self._check_lock()
        self._take_turn()
        try:
            password = await self._source()
            self._check_password(password)
            self._check_rate()
        except BaseException:
            self._give_turn_back()
            raise
        began = self._clock.boot()
        self._recent.append(began)
        try:
            result = await sign_in(password)
        except IncorrectUsernameOrPassword as refusal:
            self._refused, self._refusal = password, refusal
            raise
        except ConnectFailed:
            self._recent.remove(began)  # nothing was presented
            raise
        except Throttled as refusal:
            # Too many ask just now. Later in a sign-in a server has learnt more by then.
            if refusal.operation in _BEGINNINGS:
                self._recent.remove(began)
            raise
        except AttemptsExceeded as locked:
            # The password was not looked at, and asking does not lengthen the lock.
            self._recent.remove(began)
            raise RefreshFailed(self._note_lock()) from locked
        self._locks = 0
        return result

    def _check_lock(self) -> None:
        wait = self._locked_until - self._clock.boot()
        if wait > 0:
            raise RefreshFailed(wait)

    def _note_lock(self) -> float:
        wait = min(_LONGEST_LOCK, _SHORTEST_LOCK * 2.0**self._locks)
        self._locks += 1
        self._locked_until = self._clock.boot() + wait
        return wait

    def _take_turn(self) -> None:
        if self._budget is None:
            return
        wait = self._budget.take(self._clock.boot(), urgent=False)
        if wait > 0:
            raise RefreshFailed(wait)

    def _give_turn_back(self) -> None:
        if self._budget is not None:
            self._budget.give_back()

    def _check_password(self, password: Secret | None) -> None:
        if self._refusal is not None and password is not None and password == self._refused:
            raise copy.copy(self._refusal)

    def _check_rate(self) -> None:
        if len(self._recent) < _PER_WINDOW:
            return
        wait = self._recent[0] + _WINDOW - self._clock.boot()
        if wait > 0:
            raise RefreshFailed(wait)


async def no_password() -> None:
    """Bring nothing: the source for flows without a password."""


def checked_source(password: object) -> Callable[[], Awaitable[Secret]]:
    """Turn what the caller gave as ``password=`` into one kind of source.

    Raises:
        InvalidType: Neither text nor an async callable.
        InvalidArgument: Empty text, or a callable that is not async.
    """
    if isinstance(password, str | Secret):
        secret = checked_password(password)

        async def kept() -> Secret:
            return secret

        return kept
    if not callable(password):
        raise InvalidType("password", "a str or an async callable", password)
    if not _is_async(password):
        raise InvalidArgument("password", "a str or an async callable (async def), not a plain one")
    read = password

    async def fetched() -> Secret:
        return checked_password(await read())

    return fetched


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  an object with an async __call__
    )
