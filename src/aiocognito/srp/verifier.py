"""The server's half of SRP, and the verifier that a remembered device registers."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from typing import NoReturn, Self

from attrs import field, frozen

from aiocognito.errors import InvalidArgument, RemoteProtocolError
from aiocognito.srp import formulas
from aiocognito.srp.encoding import hex_to_int, pad
from aiocognito.srp.group import N, g
from aiocognito.srp.modexp import powmod

__all__ = ["ServerHandshake", "Verifier"]

# Some clients pad A with zeros; the service accepts longer texts than it sends.
_SRP_A_LIMIT = 1024


@frozen
class Verifier:
    """What a server keeps instead of a password.

    Not the password, and enough to guess it at leisure: keep it as carefully.

    Attributes:
        salt: Random, from 16 bytes.
        v: g^x modulo N.
    """

    salt: int
    v: int = field(repr=False)

    @classmethod
    def create(cls, group: str, identity: str, password: str, salt: bytes) -> Self:
        """Compute the verifier of a user's or a device's password.

        Args:
            group: The user pool's id after its first underscore, or ``DeviceGroupKey``.
            identity: ``USER_ID_FOR_SRP``, or ``DeviceKey``.
            password: The user's; for a device, long and random.
            salt: 16 random bytes.

        Raises:
            InvalidArgument: One of the texts cannot be encoded.
        """
        number = int.from_bytes(salt, "big")
        digest = formulas.identity_hash(group, identity, password)
        return cls(number, powmod(g, formulas.compute_x(number, digest)))

    @classmethod
    def from_base64(cls, salt: str, verifier: str) -> Self:
        """Read the two texts of ``DeviceSecretVerifierConfig``.

        Raises:
            InvalidArgument: They are not the base64 of a salt and of a number below N.
        """
        v = _number(verifier, "verifier")
        if not 0 < v < N:
            raise InvalidArgument("verifier", "between 0 and N")
        return cls(_number(salt, "salt"), v)

    @property
    def salt_hex(self) -> str:
        """The salt as ``SALT`` carries it: lower-case hex without padding."""
        return f"{self.salt:x}"

    @property
    def salt_base64(self) -> str:
        """The salt as ``ConfirmDevice`` wants it: base64 of the padded bytes."""
        return b64encode(pad(self.salt)).decode("ascii")

    @property
    def verifier_base64(self) -> str:
        """The verifier as ``ConfirmDevice`` wants it: base64 of the padded bytes."""
        return b64encode(pad(self.v)).decode("ascii")


class ServerHandshake:
    """The server's side of one exchange.

    It keeps nothing that its arguments do not hold: made again from the same three, it is
    the same, so a server may seal them into the secret block and forget.

    Attributes:
        srp_b: ``SRP_B``: lower-case hexadecimal digits, as few as it takes.
    """

    __slots__ = ("_A", "_B", "_b", "_u", "_verifier", "srp_b")

    def __init__(self, verifier: Verifier, *, srp_a: str, b: int) -> None:
        """Compute B, which takes one modular power.

        Args:
            verifier: Of the user or device that says it is signing in.
            srp_a: ``SRP_A``, as sent.
            b: The server's secret, at least 256 random bits, used for this exchange only.

        Raises:
            InvalidArgument: `srp_a` is no hexadecimal number or is 0 modulo N, which would
                let anybody in; or `b` is not positive, or makes B or u zero (draw another).
        """
        if b <= 0:
            raise InvalidArgument("b", "positive")
        self._verifier = verifier
        self._b = b
        self._A = _read_a(srp_a)
        self._B = formulas.server_public(verifier.v, b)
        self._u = formulas.compute_u(self._A, self._B)
        if self._B == 0 or self._u == 0:
            raise InvalidArgument("b", "another number; this one makes B or u zero")
        self.srp_b: str = f"{self._B:x}"

    def accepts(
        self, *, group: str, identity: str, secret_block: bytes, timestamp: str, signature: str
    ) -> bool:
        """Tell whether the claim was made with the right password; takes two modular powers.

        The comparison takes the same time for every wrong signature. Whether the time
        stamp and the secret block are acceptable is the caller's question.

        Args:
            group: As in the verifier.
            identity: As in the verifier.
            secret_block: Decoded.
            timestamp: ``TIMESTAMP``, as sent.
            signature: ``PASSWORD_CLAIM_SIGNATURE``, as sent.

        Raises:
            InvalidArgument: One of the texts that are signed cannot be encoded.
        """
        S = formulas.server_secret(b=self._b, A=self._A, u=self._u, v=self._verifier.v)
        expected = formulas.claim_signature(
            formulas.session_key(S, self._u),
            group=group,
            identity=identity,
            secret_block=secret_block,
            timestamp=timestamp,
        )
        return hmac.compare_digest(
            expected.encode("ascii"), signature.encode("utf-8", "surrogatepass")
        )

    def __repr__(self) -> str:
        return "<ServerHandshake>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a handshake is neither copied nor pickled; make it again")


def _read_a(srp_a: str) -> int:
    try:
        A = hex_to_int(srp_a, "SRP_A", limit=_SRP_A_LIMIT)
    except RemoteProtocolError:
        # Here the remote side is our caller's client.
        raise InvalidArgument("srp_a", f"1 to {_SRP_A_LIMIT} hexadecimal digits") from None
    if A % N == 0:
        raise InvalidArgument("srp_a", "another number than 0 modulo N")
    return A


def _number(text: str, argument: str) -> int:
    # A padded number below N has 385 bytes at most, so 516 characters.
    if len(text) <= 516:
        try:
            return int.from_bytes(b64decode(text, validate=True), "big")
        except (binascii.Error, ValueError):
            pass
    raise InvalidArgument(argument, "the base64 of at most 385 bytes")
