"""What a session knows of the device it was signed in on.

A pool that tracks devices issues tokens on a device: on the one that proved itself, or on
a new one that it offers. Its key goes with every refresh, whatever becomes of the offer.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal, Protocol

import anyio
from attrs import define

from aiocognito._redact import Secret, without_frames
from aiocognito._retry import is_ambiguous
from aiocognito._workers import compute
from aiocognito.errors import CognitoError, DeviceNotFound, LocalProtocolError, ServiceError
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.devices import (
    DrawnDevice,
    confirm_device_call,
    draw_device,
    read_needs_confirmation,
    update_device_call,
)
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.model import NewDevice

__all__ = ["Ask", "Change", "DevicePolicy", "HeldDevice"]

DevicePolicy = Literal["ask", "remember", "ignore"]
Change = Literal["offered", "remembered", "not-remembered"]
Ask = Callable[[Callable[[Secret], Call]], Awaitable[Reply]]


class Say(Protocol):
    """Tells an observer what became of a device."""

    def __call__(self, key: str, change: Change, error: CognitoError | None = None) -> None: ...


_NONE = (None, None, None)


@define
class _Attempt:
    """How far the confirmation of one offered device has come."""

    drawn: DrawnDevice
    confirmed: bool = False
    needs_consent: bool = False
    answer_lost: bool = False


class HeldDevice:
    """The device of one session.

    Attributes:
        key: What goes with every refresh, or None.
        offered: What the service offers to remember, or None.
        remembered: What proves itself at the next sign-in, or None.
    """

    __slots__ = (
        "_attempt",
        "_before",
        "_one_at_a_time",
        "_user_pool_id",
        "key",
        "offered",
        "remembered",
    )

    def __init__(self, user_pool_id: str) -> None:
        self.key: str | None = None
        self.offered: NewDevice | None = None
        self.remembered: RememberedDevice | None = None
        self._user_pool_id = user_pool_id
        self._attempt: _Attempt | None = None
        self._before: tuple[str | None, NewDevice | None, RememberedDevice | None]
        self._before = _NONE
        self._one_at_a_time: anyio.Lock | None = None  # made when first needed: 900 bytes

    @property
    def current(self) -> NewDevice | RememberedDevice | None:
        """The one the tokens were issued on, as far as it is known."""
        return self.offered or self.remembered

    def put(self, offered: NewDevice | None, remembered: RememberedDevice | None) -> None:
        """Take what a sign-in or saved state brings."""
        if self.key is not None or self._before != _NONE:
            self._before = (self.key, self.offered, self.remembered)
        if offered is None or offered != self.offered:
            # Who confirms the offer before may wait for the very sign-in that brings this.
            self._attempt = self._one_at_a_time = None
        self.offered, self.remembered = offered, remembered
        self.key = None if self.current is None else self.current.key

    def undo(self) -> None:
        """Take back what the last `put` did: it was not to be believed."""
        self.key, self.offered, self.remembered = self._before

    def drop(self, key: str | None = None) -> None:
        """Use a device no more; all of them without a key. Refreshes still name theirs."""
        if self.offered is not None and key in (None, self.offered.key):
            self.offered = None
        if self.remembered is not None and key in (None, self.remembered.key):
            self.remembered = None

    async def meet_offer(self, policy: DevicePolicy, ask: Ask, say: Say) -> None:
        """Do with what is offered as the pool was told; the sign-in is good anyway.

        Args:
            policy: What the pool was told.
            ask: Sends a call with a good access token.
            say: Tells the observer.
        """
        offered = self.offered
        if offered is None or policy == "ignore":
            return
        if policy == "ask":
            say(offered.key, "offered")
            return
        if self._one_at_a_time is not None and self._one_at_a_time.locked():
            return  # somebody confirms this offer, and may wait for these very tokens
        try:
            await self.remember(ask, None)
        except CognitoError as error:
            say(offered.key, "not-remembered", without_frames(error))
        else:
            say(offered.key, "remembered")

    async def remember(self, ask: Ask, name: str | None) -> RememberedDevice:
        """Confirm the offered device, and say so twice where the pool wants that.

        One that is remembered already is returned as it is. After an error it can be
        asked for again: the password drawn the first time still counts then, even where
        the answer to ConfirmDevice was lost.

        Args:
            ask: Sends a call with a good access token.
            name: What to call the device, or None.

        Raises:
            LocalProtocolError: There is none.
            CognitoError: Why a call failed.
        """
        while True:
            lock = self._one_at_a_time = self._one_at_a_time or anyio.Lock()
            offered = self.offered
            try:
                async with lock:
                    if lock is self._one_at_a_time:
                        return await self._confirmed(ask, name)
            except DeviceNotFound:
                if self.offered == offered:
                    raise
            # Another sign-in came meanwhile: what it brought is the device now.

    async def _confirmed(self, ask: Ask, name: str | None) -> RememberedDevice:
        offered = self.offered
        if offered is None:
            if self.remembered is None:
                raise LocalProtocolError("No device was offered to this sign-in.")
            return self.remembered
        # Another sign-in may come at every await: its offer has an attempt of its own.
        attempt = self._attempt
        if attempt is None or attempt.drawn.device.key != offered.key:
            attempt = _Attempt(await self._draw(offered))
            if self.offered == offered:
                self._attempt = attempt
        device = attempt.drawn.device
        if not attempt.confirmed:
            attempt.needs_consent = await _confirm(ask, attempt, name)
            attempt.confirmed = True
        if attempt.needs_consent:
            await ask(partial(update_device_call, key=device.key, remembered=True))
        if self.offered == offered:
            self.put(None, device)
        return device

    async def _draw(self, offered: NewDevice) -> DrawnDevice:
        return await compute(
            partial(
                draw_device,
                offered,
                user_pool_id=self._user_pool_id,
                entropy=secrets.token_bytes,
            )
        )


async def _confirm(ask: Ask, attempt: _Attempt, name: str | None) -> bool:
    """Send ConfirmDevice; say whether the device is not remembered yet."""
    try:
        reply = await ask(partial(confirm_device_call, drawn=attempt.drawn, name=name))
    except BaseException as error:
        if attempt.answer_lost and _exists_already(error):
            return True  # our own; what the lost answer said is not known
        # A cancelled call may have been carried out too.
        attempt.answer_lost |= is_ambiguous(error) or not isinstance(error, Exception)
        raise
    return read_needs_confirmation(reply.body)


def _exists_already(error: BaseException) -> bool:
    return isinstance(error, ServiceError) and error.code == "DeviceKeyExistsException"
