"""The words of `_turn`: what it asks for, what it is told, and how it ends."""

from __future__ import annotations

from typing import Protocol

from attrs import define, field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, StoreError
from aiocognito.stores.base import Entry, Lease, StoreKey

__all__ = [
    "Acquire",
    "Adopt",
    "Again",
    "Answer",
    "Commit",
    "Delete",
    "Doubt",
    "Down",
    "Effect",
    "Failed",
    "Found",
    "Load",
    "Lost",
    "Mark",
    "Memory",
    "Minted",
    "NotSaved",
    "Outcome",
    "Present",
    "Refused",
    "Release",
    "Rules",
    "Saved",
    "SignIn",
    "Wait",
]


# --- what the driver is asked to do -------------------------------------------------


@frozen
class Load:
    """Read the store: `Found` or None."""


@frozen
class Acquire:
    """Ask for the lease: a `Lease`, or None while somebody else has it."""

    seconds: float


@frozen
class Release:
    """Give it back."""

    lease: Lease


@frozen
class Mark:
    """Write down that a refresh from this generation begins: whether it was still there."""

    generation: int


@frozen
class Present:
    """Send this refresh token, once: an `Answer`."""

    token: Secret


@frozen
class SignIn:
    """Sign in anew: `Minted`, or `Failed` where there is no way or it did not work.

    Attributes:
        refused: What the service said to the refresh token, None if there was none.
        ambiguous: An earlier answer may have been lost, so this is no theft.
        planned: The refresh token lives and reaches its end soon.
    """

    refused: CognitoError | None = None
    ambiguous: bool = False
    planned: bool = False


@frozen
class Commit:
    """Commit to the store: the `Entry`, or a `Conflict`."""

    entry: Entry
    expected: int | None


@frozen
class Delete:
    """Forget this generation, if it is still there."""

    expected: int


Effect = Load | Acquire | Release | Mark | Present | SignIn | Commit | Delete


# --- what came of it ----------------------------------------------------------------


@frozen
class Found:
    """An entry, and the refresh tokens in it. No token: its value cannot be read."""

    entry: Entry
    token: Secret | None
    alt: Secret | None = None


@frozen(kw_only=True)
class Minted:
    """Tokens came and are in memory; `value` is what the store is to keep of them."""

    value: bytes = field(repr=False)
    minted_at: float


@frozen
class Refused:
    """The service says that this refresh token is dead."""

    error: CognitoError


@frozen
class Lost:
    """Nobody knows whether the service acted."""

    error: CognitoError


@frozen
class Failed:
    """It did not work, and nothing has changed."""

    error: CognitoError


Answer = Minted | Refused | Lost | Failed


# --- how a turn ends ----------------------------------------------------------------


@frozen
class Saved:
    """The tokens in memory are the store's."""

    entry: Entry


@frozen
class NotSaved:
    """The tokens in memory are newer than the store's, which does not answer."""

    minted: Minted
    base: Entry | None
    parent: str | None
    error: StoreError


@frozen
class Adopt:
    """Take what the store holds."""

    entry: Entry


@frozen
class Wait:
    """Somebody else is at it. Look again soon."""


@frozen
class Again:
    """The ground has moved. Take another turn."""


@frozen
class Down:
    """The store does not answer, and nothing may be done without it."""

    error: StoreError


Outcome = Saved | NotSaved | Adopt | Wait | Again | Down | Failed


# --- what a worker knows ------------------------------------------------------------


@frozen
class Doubt:
    """A refusal that another worker's answer may still explain."""

    generation: int
    until: float  # boot clock
    error: CognitoError


@define
class Memory:
    """What one worker knows between two turns.

    Attributes:
        known: The entry whose tokens are in memory, or that they grew out of.
        token: The refresh token in memory.
        unsaved: Tokens in memory that the store does not have yet.
        lost: The refresh token whose answer we lost, until an answer comes.
        doubt: Why we wait although the service has refused the store's token.
        ends_soon: Whether to sign in anew rather than refresh, if that can be done.
        spent: Fingerprints of what was presented since the store was last up to date.
    """

    known: Entry | None = None
    token: Secret | None = None
    unsaved: NotSaved | None = None
    lost: Secret | None = None
    doubt: Doubt | None = None
    ends_soon: bool = False
    spent: tuple[str, ...] = ()


class Clocks(Protocol):
    def boot(self) -> float: ...
    def wall(self) -> float: ...


@frozen(kw_only=True)
class Rules:
    """What does not change between turns.

    Attributes:
        key: Whose entry it is.
        clock: Both clocks; nothing waits on them here.
        shared: Whether other workers use the entry. Then there is a lease.
        marks: Whether the store can write down attempts.
        lease: Seconds a lease lasts for a refresh.
        sign_in_lease: The same for a sign-in, which may wait for the next TOTP code.
        call: Seconds after which a call has ended, whatever its end.
    """

    key: StoreKey
    clock: Clocks
    shared: bool
    marks: bool
    lease: float = 15.0
    sign_in_lease: float = 60.0
    call: float = 5.0

    def fingerprint(self, token: Secret) -> str:
        return self.key.fingerprint_of(token.reveal())

    def lasts(self, lease: Lease | None) -> bool:
        """Whether a call begun now ends before the lease does."""
        return lease is None or lease.remaining(self.clock.boot()) > self.call
