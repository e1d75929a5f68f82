"""App clients: what they may do, how long their tokens live, their secrets."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Any

from attrs import field, frozen, validators

from aiocognito.errors import InvalidArgument
from aiocognito.testing.service_errors import (
    PoolError,
    not_authorized,
    secret_mismatch,
    secret_missing,
)
from aiocognito.testing.settings import READ_ONLY

__all__ = ["LocalClient"]

MODERN_FLOWS = frozenset(
    {
        "ALLOW_USER_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_CUSTOM_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
    }
)
_REFRESH = "ALLOW_REFRESH_TOKEN_AUTH"
_DEFAULT_FLOWS = (_REFRESH, "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")

_positive = validators.gt(0)


@frozen(kw_only=True)
class LocalClient:
    """One app client of a local pool. Times are seconds, from one second up.

    Attributes:
        client_id: Letters and digits.
        client_secret: The first secret, or None for a public client.
        secrets: Every secret that counts; a pool client may hold two.
        explicit_auth_flows: The ``ALLOW_…`` names.
        auth_session_validity: How long a challenge waits for its answer.
        rotation: Whether each refresh brings a new refresh token.
        rotation_grace: How long the old one stays good after that, 0 to 60.
        token_revocation: Whether tokens carry ``jti`` and ``origin_jti`` and can be
            revoked.
        read_attributes: What GetUser shows; None means everything.
        write_attributes: What users may write through it; None means everything that is
            not the service's own.
    """

    client_id: str
    name: str
    secrets: tuple[str, ...] = field(repr=False)
    explicit_auth_flows: tuple[str, ...]
    prevent_user_existence_errors: bool
    access_token_validity: int = field(validator=_positive)
    id_token_validity: int = field(validator=_positive)
    refresh_token_validity: int = field(validator=_positive)
    auth_session_validity: float = field(validator=_positive)
    rotation: bool
    rotation_grace: float = field(validator=[validators.ge(0), validators.le(60)])
    token_revocation: bool
    read_attributes: tuple[str, ...] | None = None
    write_attributes: tuple[str, ...] | None = None

    def __attrs_post_init__(self) -> None:
        unknown = set(self.explicit_auth_flows) - MODERN_FLOWS
        if unknown:
            raise InvalidArgument("explicit_auth_flows", f"from {', '.join(sorted(MODERN_FLOWS))}")
        if self.rotation and _REFRESH in self.explicit_auth_flows:
            raise InvalidArgument(
                "explicit_auth_flows", f"without {_REFRESH} on a client that rotates"
            )

    @property
    def client_secret(self) -> str | None:
        """The first secret, or None for a public client."""
        return self.secrets[0] if self.secrets else None

    def allows(self, flow: str) -> bool:
        """Say whether the client may use a flow, such as ``USER_SRP_AUTH``."""
        return f"ALLOW_{flow}" in self.explicit_auth_flows

    def may_read(self, attribute: str) -> bool:
        """Say whether the client's users are shown an attribute."""
        return self.read_attributes is None or attribute in (*self.read_attributes, "sub")

    def refuse_unwritable(self, attributes: Iterable[str]) -> None:
        """Let users write attributes.

        Raises:
            PoolError: ``NotAuthorizedException`` for one they may not write.
        """
        writable = self.write_attributes
        for name in attributes:
            if name in READ_ONLY or (writable is not None and name not in writable):
                raise not_authorized("A client attempted to write unauthorized attribute")

    def check_hash(
        self, username: str, given: str | None, *, mismatch: PoolError | None = None
    ) -> None:
        """Check a ``SECRET_HASH``.

        Args:
            username: Exactly as it stands in the request, or the true name on refresh.
            given: The base64 text received, or None.
            mismatch: What to raise instead of the usual text.

        Raises:
            PoolError: ``NotAuthorizedException``.
        """
        expected = [secret_hash(secret, username, self.client_id) for secret in self.secrets]
        self._check(expected, given, mismatch or secret_mismatch(self.client_id))

    def check_secret(self, given: str | None) -> None:
        """Check a plain ``ClientSecret``. Raises as `check_hash`."""
        self._check(self.secrets, given, secret_mismatch(self.client_id))

    def _check(self, expected: Iterable[str], given: str | None, mismatch: PoolError) -> None:
        if given is None:
            if self.secrets:
                raise secret_missing(self.client_id)
            return
        # No short cut: every secret is compared, and each in constant time.
        fits = [hmac.compare_digest(text.encode(), given.encode()) for text in expected]
        if not any(fits):
            raise mismatch

    def description(self, user_pool_id: str) -> dict[str, Any]:
        """Return the ``UserPoolClient`` member of DescribeUserPoolClient."""
        described: dict[str, Any] = {
            "UserPoolId": user_pool_id,
            "ClientId": self.client_id,
            "ClientName": self.name,
            "ExplicitAuthFlows": list(self.explicit_auth_flows),
            "PreventUserExistenceErrors": (
                "ENABLED" if self.prevent_user_existence_errors else "LEGACY"
            ),
            "EnableTokenRevocation": self.token_revocation,
            **self._validity(),
        }
        if self.client_secret is not None:
            described["ClientSecret"] = self.client_secret
        if self.read_attributes is not None:
            described["ReadAttributes"] = list(self.read_attributes)
        if self.write_attributes is not None:
            described["WriteAttributes"] = list(self.write_attributes)
        if self.rotation:
            described["RefreshTokenRotation"] = {
                "Feature": "ENABLED",
                "RetryGracePeriodSeconds": int(self.rotation_grace),
            }
        return described

    def _validity(self) -> dict[str, Any]:
        # Everything in seconds, so that no unit has to divide what a test asked for.
        # Session validity is in minutes and cannot say less than three of them.
        return {
            "AccessTokenValidity": self.access_token_validity,
            "IdTokenValidity": self.id_token_validity,
            "RefreshTokenValidity": self.refresh_token_validity,
            "TokenValidityUnits": {
                "AccessToken": "seconds",
                "IdToken": "seconds",
                "RefreshToken": "seconds",
            },
            "AuthSessionValidity": min(15, max(3, round(self.auth_session_validity / 60))),
        }


def default_flows(*, rotation: bool) -> tuple[str, ...]:
    """Return what a new client allows; one that rotates cannot have the refresh flow."""
    return tuple(flow for flow in _DEFAULT_FLOWS if not (rotation and flow == _REFRESH))


def secret_hash(secret: str, username: str, client_id: str) -> str:
    """Return base64(HMAC-SHA256(secret, username + client id)).

    Written out here although the client half has its own: the server that checks it
    must not share its mistakes.
    """
    digest = hmac.digest(secret.encode(), (username + client_id).encode(), "sha256")
    return base64.b64encode(digest).decode("ascii")
