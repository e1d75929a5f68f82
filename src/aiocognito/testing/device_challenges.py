"""DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER: a known device proves that it is the one.

A device that was confirmed is asked to prove itself: where it is remembered, in place of
the second factor (unless the pool says otherwise), and else at the end of the sign-in.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Mapping

from attrs import field, frozen

from aiocognito.errors import InvalidArgument
from aiocognito.srp.verifier import ServerHandshake
from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.devices import LocalDevice
from aiocognito.testing.service_errors import (
    device_not_found,
    incorrect_username_or_password,
    invalid_parameter,
    missing_parameter,
)
from aiocognito.testing.srp_desk import B_BITS, BLOCK_OCTETS
from aiocognito.testing.state import Answer, PoolState, challenge, needed
from aiocognito.testing.users import LocalUser

__all__ = ["DEMAND", "VERIFIER", "DeviceChallenges"]

DEMAND = "DEVICE_SRP_AUTH"
VERIFIER = "DEVICE_PASSWORD_VERIFIER"
_MOST = 10_000


@frozen(kw_only=True, eq=False)
class _Opening:
    device: LocalDevice
    secret_block: bytes
    handshake: ServerHandshake = field(repr=False)


@frozen
class DeviceChallenges:
    """Asks devices for their proof, and weighs it."""

    state: PoolState
    _latest: OrderedDict[tuple[str, str, str], str] = field(
        factory=OrderedDict, init=False, repr=False
    )
    _openings: OrderedDict[str, _Opening] = field(factory=OrderedDict, init=False, repr=False)

    def known(self, user: LocalUser) -> LocalDevice | None:
        """Return the device this sign-in names, if the user has confirmed it."""
        return user.devices.get(self.state.named_device.key or "")

    def stands_in(self, user: LocalUser) -> bool:
        """Say whether the device is asked for in place of a second factor."""
        device = self.known(user)
        return device is not None and device.remembered and self.state.settings.device_replaces_mfa

    def ask(self, user: LocalUser, client: LocalClient) -> Answer:
        """Put DEVICE_SRP_AUTH."""
        device = self._needed(user)
        session = self._open(user, client, DEMAND, device)
        return challenge(DEMAND, {"USERNAME": user.username, "DEVICE_KEY": device.key}, session)

    def session_of(self, answers: Mapping[str, str], client: LocalClient) -> str:
        """Return the session that an answer without one must mean.

        pycognito sends none with these two: the user, the client and the device say
        which sign-in goes on.
        """
        user = self.state.users.find(answers.get("USERNAME", ""))
        key = answers.get("DEVICE_KEY", "")
        latest = None if user is None else self._latest.get((user.sub, client.client_id, key))
        if latest is None:
            raise missing_parameter("Session")
        return latest

    def open(
        self, user: LocalUser, client: LocalClient, session: ChallengeSession, srp_a: str
    ) -> Answer:
        """Answer the device's A with the parameters of DEVICE_PASSWORD_VERIFIER."""
        device = self._meant(user, session)
        forced = self.state.srp.forced
        b = forced.b if forced.b is not None else self.state.draws.number(B_BITS)
        try:
            handshake = ServerHandshake(device.verifier, srp_a=srp_a, b=b)
        except InvalidArgument as error:
            if error.argument != "srp_a":  # a forced b that no exchange can use
                raise
            raise invalid_parameter("Invalid SRP_A.") from None  # our words
        block = forced.secret_block or self.state.draws.octets(BLOCK_OCTETS)
        text = base64.b64encode(block).decode("ascii")
        self._openings[text] = _Opening(device=device, secret_block=block, handshake=handshake)
        while len(self._openings) > _MOST:
            self._openings.popitem(last=False)
        parameters = {
            "SALT": device.verifier.salt_hex,
            "SRP_B": handshake.srp_b,
            "SECRET_BLOCK": text,
            "USERNAME": user.username,
            "DEVICE_KEY": device.key,
        }
        return challenge(VERIFIER, parameters, self._open(user, client, VERIFIER, device))

    def weigh(self, user: LocalUser, session: ChallengeSession, answers: Mapping[str, str]) -> None:
        """Check the device's claim; the block is spent once it is weighed.

        Raises:
            PoolError: ``NotAuthorizedException``, in the words of a wrong password;
                ``InvalidParameterException`` for an unreadable time.
        """
        text, signature, timestamp = needed(
            answers, "PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"
        )
        device = self._meant(user, session)
        timely = self.state.srp.is_timely(timestamp)
        opening = self._openings.get(text)
        if opening is None or opening.device is not device:
            raise incorrect_username_or_password()
        del self._openings[text]
        right = opening.handshake.accepts(
            group=device.group_key,
            identity=device.key,
            secret_block=opening.secret_block,
            timestamp=timestamp,
            signature=signature,
        )
        if not (right and timely):
            raise incorrect_username_or_password()
        self.state.named_device.proven = True

    def _meant(self, user: LocalUser, session: ChallengeSession) -> LocalDevice:
        device = self._needed(user)
        if device.key != session.device_key:  # another one of the same user's
            raise device_not_found()
        return device

    def _needed(self, user: LocalUser) -> LocalDevice:
        device = self.known(user)
        if device is None:  # forgotten meanwhile
            raise device_not_found()
        return device

    def _open(self, user: LocalUser, client: LocalClient, name: str, device: LocalDevice) -> str:
        text = self.state.open_session(user, client, name)
        self._latest[user.sub, client.client_id, device.key] = text
        while len(self._latest) > _MOST:
            self._latest.popitem(last=False)
        return text
