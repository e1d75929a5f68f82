"""The remembered device's part in a sign-in.

The service asks for it once, after the first factor: DEVICE_SRP_AUTH wants an A, and
DEVICE_PASSWORD_VERIFIER the proof. Both are answered without the caller. What does not
fit is no proof: another device, a second time, a verifier for an A that was not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from aiocognito.errors import (
    CognitoError,
    DeviceNotFound,
    DeviceRefused,
    IncorrectUsernameOrPassword,
)
from aiocognito.flow.calls import Call
from aiocognito.flow.proofs import claim
from aiocognito.flow.transitions import Input
from aiocognito.srp.handshake import Handshake
from aiocognito.tokens.devices import RememberedDevice

__all__ = ["DEMAND", "VERIFIER", "DeviceProof", "proof_refused"]

DEMAND = "DEVICE_SRP_AUTH"
VERIFIER = "DEVICE_PASSWORD_VERIFIER"


class DeviceProof:
    """What one conversation knows of its device.

    Attributes:
        device: The one that was given, as long as the service knows it.
        dropped: The one that the service did not know.
    """

    def __init__(self, device: RememberedDevice | None) -> None:
        self.device = device
        self.dropped: RememberedDevice | None = None
        self._handshake: Handshake | None = None
        self._asked_for = False

    @property
    def members(self) -> dict[str, Any]:
        """What every call of the sign-in says about it."""
        return {} if self.device is None else {"DEVICE_KEY": self.device.key}

    def classify(self, name: str, parameters: Mapping[str, str]) -> Input | None:
        """Say what a challenge is to the device; None where it is not about devices."""
        if name == VERIFIER:
            fits = self._handshake is not None and self._is_meant(parameters)
            return Input.DEVICE_VERIFIER if fits else Input.STRAY_DEVICE_VERIFIER
        if name != DEMAND:
            return None
        if self._asked_for:
            return Input.DEVICE_AGAIN
        if self.device is None:
            return Input.CHALLENGE
        return Input.DEVICE_DEMAND if self._is_meant(parameters) else Input.OTHER_DEVICE

    def computes(self, name: object) -> bool:
        """Whether answering this takes arithmetic."""
        if name == DEMAND:
            return self.device is not None and not self._asked_for
        return name == VERIFIER and self._handshake is not None

    def open(self, entropy: Callable[[int], bytes]) -> dict[str, Any]:
        """Answer DEVICE_SRP_AUTH."""
        self._asked_for = True
        self._handshake = Handshake(entropy)
        return {"SRP_A": self._handshake.srp_a}

    def prove(self, parameters: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Answer DEVICE_PASSWORD_VERIFIER. Raises as `proofs.claim`."""
        handshake, device = self._handshake, self.device
        assert handshake is not None and device is not None
        self._handshake = None
        return claim(
            handshake,
            parameters,
            challenge=VERIFIER,
            group=device.group_key,
            identity=device.key,
            password=device.password,
            now=now,
        )

    def drop(self) -> None:
        """Go on without the device, which the service does not know; do not use another."""
        self.device, self.dropped, self._asked_for = None, self.device, True
        self.end()

    def left_out(self, call: Call, error: BaseException, *, proving: bool) -> Call | None:
        """Drop a device that the service does not know; return the call without it.

        Args:
            call: The one that failed.
            error: Why.
            proving: Whether it was the device's own proof, which cannot do without.
        """
        if not isinstance(error, DeviceNotFound) or self.device is None:
            return None
        self.drop()
        if proving:
            return None
        kept = {
            member: {key: text for key, text in value.items() if key != "DEVICE_KEY"}
            for member, value in call.parameters.items()
            if member in ("AuthParameters", "ChallengeResponses")
        }
        return evolve(call, parameters={**call.parameters, **kept})

    def end(self) -> None:
        """Forget the handshake."""
        self._handshake = None

    def _is_meant(self, parameters: Mapping[str, str]) -> bool:
        assert self.device is not None
        return parameters.get("DEVICE_KEY", self.device.key) == self.device.key


def proof_refused(error: CognitoError) -> CognitoError:
    """Return what a refusal of a device's proof means: not what the service says."""
    if not isinstance(error, IncorrectUsernameOrPassword):
        return error
    return DeviceRefused(
        error.message,
        code=error.code,
        operation=error.operation,
        request_id=error.request_id,
        status=error.status,
    )
