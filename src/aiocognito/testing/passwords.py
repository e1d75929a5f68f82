"""A stored password: the salt and SRP verifier, never the text."""

from __future__ import annotations

import hmac

from attrs import field, frozen

from aiocognito.srp.verifier import Verifier

__all__ = ["StoredPassword"]


@frozen(kw_only=True)
class StoredPassword:
    """What the pool keeps of a password (RFC 5054 §2.4).

    Attributes:
        group: The pool's name, the first half of the identity that SRP hashes.
        username: The true user name, its second half.
        set_at: When it was set, on the boot clock.
        temporary: Whether it must be replaced at the first sign-in.
    """

    group: str
    username: str
    salt: bytes
    verifier: Verifier = field(repr=False)
    set_at: float = 0.0
    temporary: bool = False

    @classmethod
    def of(
        cls,
        password: str,
        *,
        group: str,
        username: str,
        salt: bytes,
        set_at: float = 0.0,
        temporary: bool = False,
    ) -> StoredPassword:
        """Make one from the plaintext, which is not kept."""
        return cls(
            group=group,
            username=username,
            salt=salt,
            verifier=Verifier.create(group, username, password, salt),
            set_at=set_at,
            temporary=temporary,
        )

    def lent_to(self, username: str, *, salt: bytes) -> StoredPassword:
        """Return one for somebody without a password: this verifier, their salt.

        No password fits it, because the verifier was made with another salt.
        """
        return StoredPassword(
            group=self.group,
            username=username,
            salt=salt,
            verifier=Verifier(int.from_bytes(salt, "big"), self.verifier.v),
        )

    def fits(self, password: str) -> bool:
        """Check a plaintext password; costs the same whether it fits or not."""
        given = Verifier.create(self.group, self.username, password, self.salt)
        return hmac.compare_digest(
            given.verifier_base64.encode("ascii"), self.verifier.verifier_base64.encode("ascii")
        )
