"""A refresh token is presented to the service, and what comes is put in place.

Between an answer that rotated the token and the new one being in place there is no
``await``. Verification comes after, and is not done here.
"""

from __future__ import annotations

import re

import anyio
from attrs import evolve

from aiocognito._issued import Issued
from aiocognito._kept import Kept
from aiocognito._redact import without_frames
from aiocognito._retry import is_ambiguous, is_transient, pause_before_repeat
from aiocognito._services import PoolServices
from aiocognito.errors import CognitoError, DeadlineExceeded, RefreshTokenRejected
from aiocognito.flow.calls import Call
from aiocognito.flow.refreshing import refresh_call

__all__ = ["present_token"]

_REFRESH_SECONDS = 10.0
_ALONE_SECONDS = 5.0  # the same under a lease, which must not end before
_SAFE_GRACE = 25.0  # seconds; a rotated token is still accepted after a repeated call

# What another operation cannot mend about a refresh token.
_ENDED = re.compile(r"expired|revoked", re.IGNORECASE)


async def present_token(kept: Kept, services: PoolServices, *, alone: bool = False) -> Issued:
    """Send the refresh token and put what comes in place, without a pause between.

    Args:
        kept: Whose refresh token it is; there is one.
        services: Where it goes.
        alone: Send it once and not for long, because others wait for what comes.

    Raises:
        DeadlineExceeded: No answer came in time.
        CognitoError: Why the service refused, or what came is not usable.
    """
    call = _call(kept, services, by_flow=kept.fell_back)
    if alone:
        call = evolve(call, repeatable=False)
    try:
        with anyio.fail_after(_ALONE_SECONDS if alone else _REFRESH_SECONDS, shield=True):
            try:
                return await _send(call, kept, services)
            except RefreshTokenRejected as refused:
                if not _may_fall_back(refused, kept, services):
                    raise
                return await _fall_back(refused, kept, services)
    except TimeoutError:
        kept.answer_lost = True
        raise DeadlineExceeded(call.operation, retry_safe=call.repeatable) from None


def _call(kept: Kept, services: PoolServices, *, by_flow: bool) -> Call:
    assert kept.refresh_token is not None
    grace = services.rotation_grace
    return refresh_call(
        services.client,
        refresh_token=kept.refresh_token,
        username=kept.username if kept.username_is_true else None,
        device_key=kept.device.key,
        refresh_with="REFRESH_TOKEN_AUTH" if by_flow else services.refresh_with,
        repeatable=kept.rotates is False or (grace is not None and grace >= _SAFE_GRACE),
        context=kept.context,
    )


async def _send(call: Call, kept: Kept, services: PoolServices) -> Issued:
    timing = services.timing
    attempt = 0
    while True:
        boot, wall = timing.clock.boot(), timing.clock.wall()
        try:
            reply = await services.transport.send(call)
            return kept.swap_in(reply, boot, wall)
        except CognitoError as error:
            attempt += 1
            kept.answer_lost |= is_ambiguous(error)
            pause = pause_before_repeat(
                error,
                attempt=attempt,
                repeat_ambiguous=call.repeatable,
                jitter=timing.jitter(),
            )
            if pause is None:
                raise without_frames(error)  # noqa: B904  itself, less its frames
        await timing.sleep(pause)


def _may_fall_back(refused: RefreshTokenRejected, kept: Kept, services: PoolServices) -> bool:
    """Whether the other operation may take what this one refused."""
    unsure = kept.by_admin and not kept.fell_back and not kept.rotates
    return services.refresh_with == "auto" and unsure and not _ENDED.search(refused.message)


async def _fall_back(refused: RefreshTokenRejected, kept: Kept, services: PoolServices) -> Issued:
    """Refresh by REFRESH_TOKEN_AUTH, and do so from now on if that works.

    Reported, and unresolved: GetTokensFromRefreshToken refuses the refresh tokens of
    some administrators' sign-ins.
    """
    try:
        issued = await _send(_call(kept, services, by_flow=True), kept, services)
    except CognitoError as error:
        if is_transient(error):
            raise
        raise without_frames(refused) from None
    kept.fell_back = True
    return issued
