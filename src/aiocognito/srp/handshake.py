"""The client's half of one SRP exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from aiocognito._redact import Secret
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
)
from aiocognito.srp import formulas
from aiocognito.srp.encoding import base64_to_bytes, hex_to_int, utf8
from aiocognito.srp.group import N, g
from aiocognito.srp.modexp import powmod

__all__ = ["Handshake"]

# 256 bits, what RFC 5054 section 3.1 asks for. With them a + u*x stays below 2^512; the
# 1,024 bits that other clients draw cost twice the time and add nothing.
_SIZE_OF_A: Final = 32
_DRAWS: Final = 3


class Handshake:
    """Public value out, challenge in, claim out; once.

    Draws a fresh secret when it is made, and forgets it with the claim or with the
    challenge that was refused. Cannot be copied or pickled.

    Attributes:
        srp_a: ``SRP_A``: lower-case hexadecimal digits, as few as it takes.
    """

    __slots__ = ("_A", "_a", "srp_a")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        """Draw a and compute A, which takes one modular power.

        Args:
            entropy: Returns that many unpredictable bytes; `secrets.token_bytes`.

        Raises:
            InvalidArgument: `entropy` does not do that.
        """
        self._a: int | None
        self._a, self._A = _draw(entropy)
        self.srp_a: str = f"{self._A:x}"

    def claim(
        self,
        *,
        group: str,
        identity: str,
        password: str,
        srp_b: str,
        salt: str,
        secret_block: str,
        timestamp: str,
    ) -> str:
        """Answer the server's challenge, which takes two modular powers.

        Args:
            group: The user pool's id after its first underscore, or ``DeviceGroupKey``.
            identity: ``USER_ID_FOR_SRP``, or ``DEVICE_KEY``; not what the user typed.
            password: The user's or the device's, as typed.
            srp_b: ``SRP_B``, as sent.
            salt: ``SALT``, as sent.
            secret_block: ``SECRET_BLOCK``, as sent; it also goes back as it is.
            timestamp: The ``TIMESTAMP`` to send, from `encoding.timestamp`.

        Returns:
            ``PASSWORD_CLAIM_SIGNATURE``, base64.

        Raises:
            RemoteProtocolError: The server's values are malformed, or chosen so that the
                claim would tell something about the password. Nothing was computed.
            InvalidArgument: The password cannot be encoded.
            LocalProtocolError: There was a claim before. In all cases there is no second.
        """
        concealed = Secret(password)
        del password  # a traceback that prints locals shows this frame
        try:
            if self._a is None:
                raise LocalProtocolError("This handshake is over; start the sign-in again.")
            B = _read_b(srp_b)
            salt_ = hex_to_int(salt, "SALT")
            block = base64_to_bytes(secret_block, "SECRET_BLOCK")
            _check_text(group, "The name of the group")
            _check_text(identity, "USER_ID_FOR_SRP")
            u = formulas.compute_u(self._A, B)
            if u == 0:
                raise RemoteProtocolError("SRP_B makes u zero.")
            digest = formulas.identity_hash(group, identity, concealed.reveal())
            x = formulas.compute_x(salt_, digest)
            S = formulas.client_secret(a=self._a, B=B, u=u, x=x)
        finally:
            self._a = None
        return formulas.claim_signature(
            formulas.session_key(S, u),
            group=group,
            identity=identity,
            secret_block=block,
            timestamp=timestamp,
        )

    def __repr__(self) -> str:
        return f"<Handshake {'over' if self._a is None else 'open'}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a handshake is neither copied nor pickled; start another sign-in")


def _draw(entropy: Callable[[int], bytes]) -> tuple[int, int]:
    """Return a and A, neither of them zero."""
    for _ in range(_DRAWS):
        drawn = entropy(_SIZE_OF_A)
        if not isinstance(drawn, bytes):
            raise InvalidType("entropy", "a callable that returns bytes", drawn)
        if len(drawn) != _SIZE_OF_A:
            raise InvalidArgument("entropy", "a callable that returns as many bytes as asked for")
        a = int.from_bytes(drawn, "big")
        A = powmod(g, a)
        # A power of g is never zero modulo a prime; the check is for what `powmod` may do.
        if a != 0 and A != 0:
            return a, A
    raise InvalidArgument("entropy", "a source of unpredictable bytes")


def _read_b(srp_b: str) -> int:
    """Return B, which is neither 0 modulo N (RFC 5054 section 2.5.3) nor out of range."""
    B = hex_to_int(srp_b, "SRP_B")
    if not 0 < B < N:
        raise RemoteProtocolError("SRP_B is not between 0 and N.")
    return B


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise RemoteProtocolError(f"{what} is not text.")
    try:
        utf8(text, what)
    except InvalidArgument:
        raise RemoteProtocolError(f"{what} holds half a surrogate pair.") from None
