"""Signing in again without a person: for sessions that know where the password is.

A server that says "wrong password" learns one guess from every attempt, and locks the
user after five. So a refused password is not presented again until the source gives
another one, and there are at most two sign-ins in any fifteen minutes.
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
    ConnectFailed,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidType,
    RefreshFailed,
)
from aiocognito.flow.app_client import checked_password

__all__ = ["PasswordSource", "Relogin", "checked_source", "no_password"]

PasswordSource = str | Callable[[], Awaitable[str]]

T = TypeVar("T")

_WINDOW = 900.0
_PER_WINDOW = 2


class Relogin:
    """Signs one user in, as often as that is wise.

    Args:
        source: An async callable that brings the password, or None for a flow that
            has none.
        clock: Where the time comes from.
    """

    def __init__(self, source: Callable[[], Awaitable[Secret | None]], clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._refused: Secret | None = None
        self._refusal: IncorrectUsernameOrPassword | None = None
        self._recent: deque[float] = deque(maxlen=_PER_WINDOW)

    async def run(self, sign_in: Callable[[Secret | None], Awaitable[T]]) -> T:
        """Sign in with the source's present password.

        Raises:
            IncorrectUsernameOrPassword: As the service said, or said before of the
                same password; then nothing is sent.
            RefreshFailed: Signed in too often lately.
        """
        password = await self._source()
        if self._refusal is not None and password is not None and password == self._refused:
            raise copy.copy(self._refusal)
        self._check_rate()
        began = self._clock.boot()
        self._recent.append(began)
        try:
            return await sign_in(password)
        except IncorrectUsernameOrPassword as refusal:
            self._refused, self._refusal = password, refusal
            raise
        except ConnectFailed:
            self._recent.remove(began)  # nothing was presented
            raise

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
