"""The server's half of an SRP sign-in, between its two calls.

The service seals its state into the secret block; here it is kept under the block,
which comes to the same for a client. A block belongs to one client, one claimed
user and one A; it expires, and the first claim that is weighed spends it.
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from datetime import UTC, datetime

from attrs import define, field, frozen

from aiocognito._clock import Clock
from aiocognito.errors import InvalidArgument
from aiocognito.srp.encoding import timestamp as write_timestamp
from aiocognito.srp.verifier import ServerHandshake
from aiocognito.testing.challenge_sessions import Round
from aiocognito.testing.claimants import Claimant, Claimants
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.devices import NamedDevice
from aiocognito.testing.draws import Draws
from aiocognito.testing.lockout import Lockout
from aiocognito.testing.service_errors import (
    incorrect_username_or_password,
    invalid_parameter,
)

__all__ = ["BLOCK_OCTETS", "B_BITS", "ForcedDraws", "Opening", "PasswordClaim", "SrpDesk"]

BLOCK_OCTETS = 1284  # the size of real ones
B_BITS = 256
_MOST = 10_000

_TIMESTAMP = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{1,2}) "
    r"(\d{1,2}):(\d{1,2}):(\d{1,2}) ([A-Z]{3,4}) (\d{4})",
    re.ASCII,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@define(kw_only=True)
class ForcedDraws:
    """Numbers to use instead of drawing them; None draws. For edge cases in tests.

    Attributes:
        b: The server's secret exponent.
        secret_block: The raw bytes of the next secret blocks.
    """

    b: int | None = field(default=None, repr=False)
    secret_block: bytes | None = None


@frozen(kw_only=True, eq=False)
class Opening:
    """One SRP exchange that waits for its claim."""

    claimant: Claimant
    client_id: str
    secret_block: bytes
    handshake: ServerHandshake = field(repr=False)
    expires_at: float
    rounds: tuple[Round, ...] | None = None
    """What a custom sign-in has gone through so far; None in other flows."""
    device_key: str | None = None
    """The device that the first call named."""


@frozen(kw_only=True)
class PasswordClaim:
    """What a client answers PASSWORD_VERIFIER with; all texts as received."""

    username: str
    secret_block: str = field(repr=False)
    signature: str = field(repr=False)
    timestamp: str


@define(kw_only=True)
class SrpDesk:
    """Opens SRP exchanges and weighs claims.

    Attributes:
        tolerance: How far a claim's time may be off, in seconds.
    """

    group: str
    clock: Clock
    draws: Draws
    claimants: Claimants
    lockout: Lockout
    forced: ForcedDraws = field(factory=ForcedDraws)
    named_device: NamedDevice = field(factory=NamedDevice)
    tolerance: float = 300.0
    # By the block's text: another spelling of the same bytes is an altered block.
    _openings: OrderedDict[str, Opening] = field(factory=OrderedDict, init=False, repr=False)

    def open(
        self,
        claimant: Claimant,
        client: LocalClient,
        srp_a: str,
        *,
        rounds: tuple[Round, ...] | None = None,
    ) -> dict[str, str]:
        """Answer an A with the parameters of PASSWORD_VERIFIER.

        Raises:
            PoolError: ``InvalidParameterException`` for an A that is not hex, too long,
                or 0 mod N.
        """
        b = self.forced.b if self.forced.b is not None else self.draws.number(B_BITS)
        try:
            handshake = ServerHandshake(claimant.password.verifier, srp_a=srp_a, b=b)
        except InvalidArgument as error:
            if error.argument != "srp_a":  # a forced b that no exchange can use
                raise
            raise invalid_parameter("Invalid SRP_A.") from None  # our words
        block = self.forced.secret_block or self.draws.octets(BLOCK_OCTETS)
        text = base64.b64encode(block).decode("ascii")
        self._openings[text] = Opening(
            claimant=claimant,
            client_id=client.client_id,
            secret_block=block,
            handshake=handshake,
            expires_at=self.clock.boot() + client.auth_session_validity,
            rounds=rounds,
            device_key=self.named_device.key,
        )
        while len(self._openings) > _MOST:
            self._openings.popitem(last=False)
        return {
            "SALT": claimant.password.verifier.salt_hex,
            "SRP_B": handshake.srp_b,
            "SECRET_BLOCK": text,
            "USERNAME": claimant.username,
            "USER_ID_FOR_SRP": claimant.username,
        }

    def weigh(self, claim: PasswordClaim, client: LocalClient) -> Opening:
        """Check a claim; return its opening if the password was right.

        Whatever is wrong with it, the answer is the same; only a time that cannot be
        read is told apart, before anything is weighed.

        Raises:
            PoolError: ``NotAuthorizedException``; the block is spent, and the failure
                counts towards a lock, if the claim got as far as its signature.
                ``InvalidParameterException`` for an unreadable time.
        """
        moment = _read_timestamp(claim.timestamp)
        opening = self._openings.get(claim.secret_block)
        now = self.clock.boot()
        if opening is None or not self._belongs(opening, claim, client, now):
            raise incorrect_username_or_password()
        key = opening.claimant.lock_key
        self.lockout.refuse_if_locked(key, now)
        del self._openings[claim.secret_block]
        right = self._is_right(opening, claim)
        if not (right and self._is_timely(moment, claim.timestamp)):
            self.lockout.failed(key, now)
            raise incorrect_username_or_password()
        self.lockout.succeeded(key)
        if self.named_device.key is None:
            self.named_device.begin(opening.device_key)
        return opening

    def _belongs(
        self, opening: Opening, claim: PasswordClaim, client: LocalClient, now: float
    ) -> bool:
        return (
            opening.client_id == client.client_id
            and now < opening.expires_at
            and self.claimants.is_same(claim.username, opening.claimant)
        )

    def _is_right(self, opening: Opening, claim: PasswordClaim) -> bool:
        signed = opening.handshake.accepts(
            group=self.group,
            identity=opening.claimant.username,
            secret_block=opening.secret_block,
            timestamp=claim.timestamp,
            signature=claim.signature,
        )
        # A right password that was replaced meanwhile is a wrong one.
        return signed and self.claimants.is_current(opening.claimant)

    def is_timely(self, text: str) -> bool:
        """Say whether a claim's time is near ours and spelt as the service spells it.

        Raises:
            PoolError: ``InvalidParameterException`` for one that cannot be read.
        """
        return self._is_timely(_read_timestamp(text), text)

    def _is_timely(self, moment: datetime | None, text: str) -> bool:
        """Accept a time near ours that is spelt exactly as the service would spell it.

        `Sep 05`, a wrong weekday, another zone: these can be read, and are refused
        like a wrong password. Seen on the service.
        """
        if moment is None or write_timestamp(moment) != text:
            return False
        return abs(moment.timestamp() - self.clock.wall()) <= self.tolerance


def _read_timestamp(text: str) -> datetime | None:
    """Read a time leniently; None for one whose fields make no date."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
    month, day, hour, minute, second, _zone, year = found.groups()
    numbers = map(int, (year, _MONTHS.index(month) + 1, day, hour, minute, second))
    try:
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
