"""What a store is: where entries of sessions and guests outlive a process.

A store knows nothing of tokens. It keeps one opaque value for each `StoreKey`, with a
`generation` that grows by one at every commit, and replaces a value only for somebody
who names the generation it replaces (compare-and-set). Two who read the same entry and
refresh its token cannot both commit: the second is told, and is shown what is there.

A generation does not begin at one but at a number drawn by chance, so that an entry
made after a deletion is never taken for the one before it.

Nothing here waits or does I/O. A program with a store of its own implements
`TokenStore`, or `SharedTokenStore` where several processes share one identity.
"""

from __future__ import annotations

import hmac
import json
import secrets
from hashlib import sha256
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import Attribute, evolve, field, frozen

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = [
    "MAX_VALUE_BYTES",
    "Conflict",
    "Entry",
    "Lease",
    "SharedTokenStore",
    "StoreKey",
    "TokenStore",
    "check_succession",
    "fingerprint",
]

MAX_VALUE_BYTES = 65_536
_MAX_NAME_BYTES = 2_048
_MAX_TIME = 1e12  # seconds; later than anybody's clock
_GENERATIONS = 2**48  # the room to draw from; far from 2**53, up to which Lua counts exactly
_MAX_GENERATION = 2**53 - 1


def fingerprint(secret: bytes, *, key: bytes) -> str:
    """Return what may stand for a secret or a name where others read: 128 bits in hex.

    HMAC-SHA-256, keyed: without the key nobody can try guesses against it.
    """
    return hmac.digest(key, secret, sha256).hex()[:32]


def _name(instance: object, attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str):
        raise InvalidType(attribute.name, "a str", value)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:  # half a surrogate pair
        size = _MAX_NAME_BYTES + 1
    if size > _MAX_NAME_BYTES:
        raise InvalidArgument(attribute.name, f"text of at most {_MAX_NAME_BYTES} bytes")


@frozen(kw_only=True)
class StoreKey:
    """Whose entry it is. Its repr hides the name.

    Attributes:
        kind: ``session`` for a user of a user pool, ``guest`` for an identity id,
            ``credentials`` for AWS credentials, ``authenticator`` for its used codes.
        pool_id: The user pool, or the identity pool; empty for an authenticator.
        client_id: The app client; empty for a guest or an authenticator.
        name: The user; for guests whatever tells several apart.
    """

    kind: Literal["session", "guest", "credentials", "authenticator"] = field()
    pool_id: str = field(validator=_name)
    client_id: str = field(validator=_name, repr=False)
    name: str = field(validator=_name, repr=False)

    @kind.validator
    def _known(self, attribute: Attribute[str], value: object) -> None:
        if value not in ("session", "guest", "credentials", "authenticator"):
            raise InvalidArgument("kind", "session, guest, credentials or authenticator")

    @classmethod
    def for_session(cls, pool_id: str, client_id: str, username: str) -> StoreKey:
        """Name the entry of a user's session."""
        return cls(kind="session", pool_id=pool_id, client_id=client_id, name=username)

    @classmethod
    def for_guest(cls, identity_pool_id: str, name: str = "") -> StoreKey:
        """Name the entry of a guest's identity id."""
        return cls(kind="guest", pool_id=identity_pool_id, client_id="", name=name)

    @classmethod
    def for_credentials(cls, identity_pool_id: str, owner: StoreKey) -> StoreKey:
        """Name the entry of the AWS credentials that a session or a guest brought."""
        client = f"{owner.pool_id} {owner.client_id}".rstrip()
        return cls(kind="credentials", pool_id=identity_pool_id, client_id=client, name=owner.name)

    @classmethod
    def for_authenticator(cls, name: str) -> StoreKey:
        """Name the entry of the codes that were used; the name is `UsedSteps.claim`'s."""
        return cls(kind="authenticator", pool_id="", client_id="", name=name)

    def to_bytes(self) -> bytes:
        """Return it as bytes that no other key has; the user's name is readable in them."""
        return json.dumps([self.kind, self.pool_id, self.client_id, self.name]).encode()

    def fingerprint(self, salt: bytes) -> str:
        """Return what stands for it in file names, keys of a database and logs.

        Args:
            salt: The same for all who share the store. Where it is secret, nobody can
                find out by trying whether a user has an entry.
        """
        return fingerprint(self.to_bytes(), key=b"aiocognito store key\0" + salt)

    def fingerprint_of(self, token: str) -> str:
        """Return what stands for a refresh token of this identity, as `Entry.parent` does."""
        return fingerprint(token.encode(), key=b"aiocognito token\0" + self.to_bytes())


def _value(instance: object, attribute: Attribute[Any], value: bytes) -> None:
    if not isinstance(value, bytes):
        raise InvalidType(attribute.name, "bytes", value)
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidArgument(attribute.name, f"at most {MAX_VALUE_BYTES} bytes long")


def _value_or_none(instance: object, attribute: Attribute[Any], value: bytes | None) -> None:
    if value is not None:
        _value(instance, attribute, value)


def _moment(instance: object, attribute: Attribute[Any], value: float | None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidType(attribute.name, "seconds as a float", value)
    if not 0.0 <= value <= _MAX_TIME:  # NaN is neither
        raise InvalidArgument(attribute.name, "seconds since the epoch")


def _seconds(value: Any) -> Any:
    return float(value) if type(value) is int and abs(value) <= _MAX_TIME else value


@frozen(kw_only=True)
class Entry:
    """What a store holds for one key. Its repr hides both values.

    Everything but the two values can be read without a key where they are encrypted.

    Attributes:
        generation: Grows by one at each commit.
        value: Opaque to the store, at most 64 KiB.
        minted_at: When the service made what the value holds (`iat`), in seconds since
            the epoch on the service's clock.
        parent: Fingerprint of the refresh token that brought it
            (`StoreKey.fingerprint_of`); None after a sign-in.
        attempt_at: When somebody last began to refresh from this very entry, wall
            clock; None if nobody has. A commit forgets it.
        alt: A second value that may still live: the loser of two refreshes from one
            parent. At most 64 KiB.
    """

    generation: int = field()
    value: bytes = field(validator=_value, repr=False)
    minted_at: float = field(default=0.0, validator=_moment, converter=_seconds)
    parent: str | None = field(default=None)
    attempt_at: float | None = field(default=None, validator=_moment, converter=_seconds)
    alt: bytes | None = field(default=None, validator=_value_or_none, repr=False)

    @generation.validator
    def _counts(self, attribute: Attribute[int], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidType("generation", "an int", value)
        if not 1 <= value <= _MAX_GENERATION:
            raise InvalidArgument("generation", "a positive number below 2**53")

    @parent.validator
    def _is_fingerprint(self, attribute: Attribute[str | None], value: object) -> None:
        if value is not None and not isinstance(value, str):
            raise InvalidType("parent", "a str", value)
        if value is not None and not (len(value) <= 128 and value.isascii()):
            raise InvalidArgument("parent", "a fingerprint")

    @classmethod
    def first(
        cls,
        value: bytes,
        *,
        minted_at: float = 0.0,
        parent: str | None = None,
        alt: bytes | None = None,
    ) -> Entry:
        """Return an entry to commit where there is none."""
        generation = 1 + secrets.randbelow(_GENERATIONS)
        return cls(generation=generation, value=value, minted_at=minted_at, parent=parent, alt=alt)

    def followed_by(
        self,
        value: bytes,
        *,
        minted_at: float = 0.0,
        parent: str | None = None,
        alt: bytes | None = None,
    ) -> Entry:
        """Return the entry to commit in this one's place."""
        return Entry(
            generation=self.generation + 1,
            value=value,
            minted_at=minted_at,
            parent=parent,
            alt=alt,
        )

    def attempted(self, at: float) -> Entry:
        """Return it with the time of an attempt."""
        return evolve(self, attempt_at=at)


@frozen
class Conflict:
    """Somebody else has committed, or deleted, in the meantime.

    Attributes:
        current: What is there now, or None. If it holds your own value, it was your own
            commit whose answer was lost.
    """

    current: Entry | None


@frozen(kw_only=True)
class Lease:
    """The right to be the one who refreshes, for a while.

    It saves calls and nothing else: who has lost it without noticing must still be
    allowed to commit what a refresh brought.

    Attributes:
        key: For which entry.
        owner: Who holds it.
        until: When it ends at the latest, on the holder's boot clock, counted from
            before it was asked for.
    """

    key: StoreKey
    owner: str = field(repr=False)
    until: float

    def remaining(self, boot: float) -> float:
        """Return how many seconds of it are left, none at the least."""
        return max(0.0, self.until - boot)


@runtime_checkable
class TokenStore(Protocol):
    """Keeps entries; one process at a time, or more where its class says so.

    Cancellation: a call that was cancelled happens whole or not at all, never by half,
    and leaves no lock behind. What was on its way (a thread at work, a command that was
    sent) may arrive a moment later. To commit again what may have been committed is
    safe: the second time ends in a `Conflict` that shows your value.

    All methods raise `StoreUnavailable` where the medium does not answer in time or is
    full (the old entry stays), and other kinds of `StoreError` as their class says.
    """

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None.

        Raises:
            StoreDamaged: What is there is no entry, and the store cannot put it aside.
        """
        ...

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has.

        When it returns the entry, that is durable as far as the medium can promise.

        Args:
            key: Whose entry it is.
            entry: From `Entry.first` or `Entry.followed_by`.
            expected: The generation that must be there now; None for no entry at all.
                Nothing else is a condition, a lease in particular is not.

        Raises:
            InvalidArgument: The entry's generation is not one after `expected`.
        """
        ...

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry, and what could not be read in its place. Idempotent.

        Args:
            key: Whose entry it is.
            expected: The generation that must be there now; None for any.

        Returns:
            None when it is gone, also when there was none.
        """
        ...

    async def aclose(self) -> None:
        """Close what the store has opened. Idempotent."""
        ...


@runtime_checkable
class SharedTokenStore(TokenStore, Protocol):
    """A store that several processes use at the same time."""

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes; an entry need not be there.

        Args:
            key: For which entry.
            owner: A name that no other process has. Who holds the lease already gets a
                new one, with a new end.
            ttl: Seconds until it ends by itself.

        Returns:
            None while somebody else holds it.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give a lease back. Does nothing when it has ended or is another's by now."""
        ...

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins.

        So that a successor knows how long ago the token may have been used.

        Args:
            key: Whose entry it is.
            generation: The one that is about to be refreshed; it does not change.
            at: Seconds since the epoch.

        Returns:
            Whether that generation was still there.
        """
        ...


def check_succession(entry: Entry, expected: int | None) -> None:
    """Raise `InvalidArgument` unless an entry may follow the expected generation."""
    if expected is not None and entry.generation != expected + 1:
        raise InvalidArgument("entry", "made by followed_by() of the expected entry")
