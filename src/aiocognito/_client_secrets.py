"""Several secrets of one app client, of which one counts: for rotation in mid-run.

An app client may have two secrets at once. Whoever rotates them adds the new one, tells
the programs, and deletes the old one; until a program has been told, one of its two is
wrong. The service says so before it looks at anything else of a call, so the call can be
sent once more, whatever it carries: nothing was used up.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType, SecretHashMismatch
from aiocognito.flow.app_client import checked_client_secret
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.proven import is_proven, proven
from aiocognito.transport.base import Transport

__all__ = ["ClientSecret", "ClientSecrets", "checked_secrets"]

OneSecret = str | bytes
ClientSecret = (
    OneSecret | Sequence[OneSecret] | Callable[[], Awaitable[OneSecret | Sequence[OneSecret]]]
)
"""A client secret, several, the likeliest first, or an async callable that brings them."""

_MOST = 8  # the service keeps two; a bound all the same


class ClientSecrets:
    """Carries calls and proves each with the secret that counts.

    Of several, the first is used until the service refuses it; then the next is tried,
    once, and kept if it works. A callable is asked at the first call that needs a secret
    and again after a refusal.

    Args:
        inner: Carries the calls.
        client_id: The app client's id.
        bring: Brings the secrets, the likeliest first; never none.
    """

    def __init__(
        self, inner: Transport, client_id: str, bring: Callable[[], Awaitable[tuple[Secret, ...]]]
    ) -> None:
        self._inner = inner
        self._client_id = client_id
        self._bring = bring
        self._used: Secret | None = None

    async def send(self, call: Call) -> Reply:
        """Send a call once, or twice where the service refuses the first secret."""
        if not is_proven(call):
            return await self._inner.send(call)
        secret = self._used
        if secret is None:
            secret = self._used = (await self._bring())[0]
        try:
            return await self._inner.send(proven(call, self._client_id, secret))
        except SecretHashMismatch:
            another = await self._other_than(secret)
            if another is None:
                raise
        try:
            reply = await self._inner.send(proven(call, self._client_id, another))
        except SecretHashMismatch:
            if self._used == secret:
                self._used = another  # neither fits: the next call goes on from here
            raise
        self._used = another
        return reply

    async def _other_than(self, refused: Secret) -> Secret | None:
        """Return the secret to try next, or None where there is no other."""
        if self._used is not None and self._used != refused:
            return self._used  # another call has found it meanwhile
        known = await self._bring()
        # In a circle: whoever rolls a rotation back makes the earlier secret count again.
        at = known.index(refused) + 1 if refused in known else 0
        return next((secret for secret in known[at:] + known[:at] if secret != refused), None)

    async def aclose(self) -> None:
        """Close what carries the calls."""
        await self._inner.aclose()


def checked_secrets(
    given: ClientSecret | None,
) -> tuple[Secret | None, Callable[[], Awaitable[tuple[Secret, ...]]] | None]:
    """Return a secret to build calls with, and where to find others, if there are any.

    Raises:
        InvalidType: Neither text nor several, nor an async callable.
        InvalidArgument: Not what a secret looks like; or no secret among several.
    """
    if given is None or isinstance(given, str | bytes):
        return checked_client_secret(given), None
    if not callable(given):
        several = _several(given)

        async def kept() -> tuple[Secret, ...]:
            return several

        return several[0], kept if len(several) > 1 else None
    call = getattr(given, "__call__", None)  # noqa: B004  also objects with an async __call__
    if not (inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(call)):
        raise InvalidArgument("client_secret", "text, several, or an async callable (async def)")
    source = given

    async def brought() -> tuple[Secret, ...]:
        return _several(await source())

    # It stands in calls until they are sent; `ClientSecrets` puts the true one in.
    return Secret("not_brought_yet"), brought


def _several(given: object) -> tuple[Secret, ...]:
    if isinstance(given, str | bytes):
        given = (given,)
    if not isinstance(given, Sequence):
        raise InvalidType("client_secret", "a str, bytes or several of them", given)
    if not 1 <= len(given) <= _MOST:
        raise InvalidArgument("client_secret", f"1 to {_MOST} secrets")
    secrets = [checked_client_secret(each) for each in given]
    if None in secrets:
        raise InvalidArgument("client_secret", "secrets, without None among them")
    return tuple(dict.fromkeys(secret for secret in secrets if secret is not None))
