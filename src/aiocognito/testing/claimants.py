"""Who somebody claims to be: a user, or nobody who must look like one.

With ``PreventUserExistenceErrors`` an unknown name gets the answers of a real user
with another password (RFC 5054 §2.5.1.3): the same name always yields the same salt
and the same internal name, a UUID, and costs the same arithmetic. In a pool whose
true names are not UUIDs that internal name still tells the two apart; so it is on
the service (developer guide, "Managing error responses").
"""

from __future__ import annotations

import hmac
import uuid

from attrs import frozen

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.passwords import StoredPassword
from aiocognito.testing.service_errors import invalid_parameter, user_not_found
from aiocognito.testing.settings import PoolSettings
from aiocognito.testing.users import LocalUser, UserDirectory

__all__ = ["Claimant", "Claimants"]

SALT_BYTES = 16
_LONGEST_NAME = 128  # service model: UsernameType


@frozen(kw_only=True)
class Claimant:
    """The one somebody says to be.

    Attributes:
        typed: The name as sent.
        username: The internal name, real or invented.
        password: What their proof is held against; nobody's fits nothing.
        user: The user, or None.
    """

    typed: str
    username: str
    password: StoredPassword
    user: LocalUser | None

    @property
    def lock_key(self) -> str:
        """The stable name that failures are counted under."""
        return self.user.sub if self.user is not None else self.username


class Claimants:
    """Turns names into claimants.

    Args:
        seed: The secret the invented salts and names come from, 32 bytes.
    """

    def __init__(self, settings: PoolSettings, users: UserDirectory, *, seed: bytes) -> None:
        self._settings = settings
        self._users = users
        self._seed = seed
        # Its verifier is lent to all who have no password: one for all, so that
        # pretending costs no modular power that a real user would not cost.
        self._decoy = StoredPassword.of(
            self._derive("password", "").hex(),
            group=settings.pool.name,
            username="nobody",
            salt=self._salt("nobody"),
        )

    def identify(self, typed: str, client: LocalClient) -> Claimant:
        """Find the user, or invent one.

        Raises:
            PoolError: ``UserNotFoundException``, for a client that does not hide it;
                ``InvalidParameterException`` for a name that nobody can have.
        """
        if len(typed) > _LONGEST_NAME:
            raise invalid_parameter(
                "1 validation error detected: Value at 'username' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_LONGEST_NAME}"
            )
        user = self._users.find(typed)
        if user is None and not client.prevent_user_existence_errors:
            raise user_not_found()
        username = user.username if user is not None else self._invented_name(typed)
        password = user.password if user is not None else None
        return Claimant(
            typed=typed,
            username=username,
            password=password if password is not None else self._pretended(username),
            user=user,
        )

    def lock_key(self, typed: str, user: LocalUser | None) -> str:
        """Return the stable name that attempts are counted under, also for nobody."""
        return user.sub if user is not None else self._invented_name(typed)

    def pretended_address(self, typed: str) -> tuple[str, str]:
        """Return attribute and address that a code for nobody would seem to go to.

        The form of the name and the pool's settings decide (developer guide, "Managing
        error responses"); the same name always yields the same address.
        """
        if "@" in typed:
            return "email", typed
        if typed.startswith("+"):
            return "phone_number", typed
        digest = self._derive("address", self._settings.fold(typed))
        if self._settings.auto_verified_attributes == ("phone_number",):
            return "phone_number", f"+49{int.from_bytes(digest[:8], 'big') % 10**9:09d}"
        local, domain = (chr(ord("a") + octet % 26) for octet in digest[:2])
        return "email", f"{local}@{domain}"

    def pretended_passkey(self, username: str) -> bytes:
        """Return the id of a passkey that nobody has; the same name always yields the same."""
        return self._derive("passkey", username)

    def is_same(self, name: str, claimant: Claimant) -> bool:
        """Say whether a name in an answer means the one who started."""
        if name in (claimant.username, claimant.typed):
            return True
        found = self._users.find(name)
        return found is not None and found is claimant.user

    def is_current(self, claimant: Claimant) -> bool:
        """Say whether the user is still there and the password still theirs."""
        user = claimant.user
        return (
            user is not None
            and self._users.of_sub(user.sub) is user
            and user.password is claimant.password
        )

    def _invented_name(self, typed: str) -> str:
        return str(uuid.UUID(bytes=self._derive("name", self._settings.fold(typed))[:16]))

    def _pretended(self, username: str) -> StoredPassword:
        return self._decoy.lent_to(username, salt=self._salt(username))

    def _salt(self, username: str) -> bytes:
        return self._derive("salt", username)[:SALT_BYTES]

    def _derive(self, purpose: str, name: str) -> bytes:
        return hmac.digest(self._seed, f"{purpose}|{name}".encode(), "sha256")
