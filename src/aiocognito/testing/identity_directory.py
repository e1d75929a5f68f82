"""The identities of one pool: whose they are, and what becomes of them.

- without a login every identity is a new guest;
- a login leads to one identity, whatever the token;
- a guest that signs in becomes the identity of that login, or is merged into the one
  the login has already;
- two identities that both have logins do not merge by themselves;
- an identity whose last login was taken off opens for nobody, guests included (API
  reference, UnlinkIdentity and UnlinkDeveloperIdentity).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from aiocognito.testing.service_errors import PoolError, not_authorized

__all__ = ["Identity", "IdentityDirectory", "VerifiedLogin"]


@define
class Identity:
    """One identity; one that never had logins is a guest.

    Attributes:
        logins: (provider, subject).
        closed: Whether it was merged into another, or its last login was taken off.
    """

    identity_id: str
    logins: set[tuple[str, str]] = field(factory=set)
    closed: bool = False


@frozen
class VerifiedLogin:
    """A login whose token was checked."""

    provider: str
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What identities are found by."""
        return self.provider, str(self.claims["sub"])


class IdentityDirectory:
    """Finds, makes, links and merges identities."""

    def __init__(self, region: str, entropy: Callable[[int], bytes]) -> None:
        self._region = region
        self._entropy = entropy
        self._identities: dict[str, Identity] = {}
        self._by_login: dict[tuple[str, str], Identity] = {}

    def new(self) -> Identity:
        """Make a guest."""
        unique = uuid.UUID(bytes=self._entropy(16), version=4)
        identity = Identity(f"{self._region}:{unique}")
        self._identities[identity.identity_id] = identity
        return identity

    def get(self, identity_id: str) -> Identity:
        """Return an identity, or raise ``ResourceNotFoundException``."""
        identity = self._identities.get(identity_id)
        if identity is None:
            raise PoolError("ResourceNotFoundException", f"Identity '{identity_id}' not found.")
        return identity

    def known(self, keys: Iterable[tuple[str, str]]) -> Identity | None:
        """Return the one identity these logins have, if any.

        Raises:
            PoolError: ``ResourceConflictException``: they have several.
        """
        found = {
            identity.identity_id: identity
            for key in keys
            if (identity := self._by_login.get(key)) is not None
        }
        if len(found) > 1:
            # The code is documented; the sentence is ours.
            raise PoolError("ResourceConflictException", "Logins belong to different identities.")
        return next(iter(found.values()), None)

    def link(self, identity: Identity, keys: Iterable[tuple[str, str]]) -> None:
        """Let these logins lead to this identity."""
        for key in keys:
            identity.logins.add(key)
            self._by_login[key] = identity

    def unlink(self, identity: Identity, keys: Iterable[tuple[str, str]]) -> None:
        """Let these logins lead to it no more."""
        for key in keys:
            identity.logins.discard(key)
            self._by_login.pop(key, None)
        # Its own tokens are no login that somebody brought.
        if all(subject in self._identities for _, subject in identity.logins):
            for key in identity.logins:
                self._by_login.pop(key, None)
            identity.logins.clear()
            identity.closed = True

    def merge(self, source: Identity, into: Identity) -> None:
        """Move all logins of one identity to another; the first is gone."""
        self.link(into, list(source.logins))
        source.logins.clear()
        source.closed = True

    def resolve(self, asked: Identity, logins: tuple[VerifiedLogin, ...]) -> Identity:
        """Decide which identity an id and a set of logins stand for.

        Raises:
            PoolError: ``NotAuthorizedException``: the id is somebody else's.
        """
        if not logins:
            if asked.logins or asked.closed:
                raise _forbidden(asked)
            return asked
        known = self.known(login.key for login in logins)
        if asked.closed and known is None:
            raise _forbidden(asked)
        if asked.logins and known is not asked:
            raise not_authorized(
                "Logins don't match. Please include at least one valid login "
                "for this identity or identity pool."
            )
        if known is not None and known is not asked:
            asked.closed = True
        identity = known or asked
        self.link(identity, (login.key for login in logins))
        return identity


def _forbidden(asked: Identity) -> PoolError:
    return not_authorized(f"Access to Identity '{asked.identity_id}' is forbidden.")
