"""Which role an identity's credentials stand for: by token, by rules, or the default.

The order is the developer guide's (role-based access control): a role that was asked
for, if the token has it; then what the mapping of the app client says; then the pool's
default role. What a refusal says is not recorded; those sentences are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from aiocognito.errors import InvalidArgument
from aiocognito.testing.identity_requests import roles_of
from aiocognito.testing.service_errors import PoolError, not_authorized

__all__ = ["Ambiguous", "MatchType", "RoleByRules", "RoleByToken", "RoleRule", "chosen_role"]

MatchType = Literal["Equals", "Contains", "StartsWith", "NotEqual"]
Ambiguous = Literal["AuthenticatedRole", "Deny"]

_MATCH_TYPES = ("Equals", "Contains", "StartsWith", "NotEqual")
_AMBIGUOUS = ("AuthenticatedRole", "Deny")
_MAX_RULES = 25  # quota; the model would take 400


def _among(argument: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidArgument(argument, f"one of {', '.join(allowed)}")


@frozen
class RoleRule:
    """One rule: a claim, how it is compared, with what, and the role it gives.

    Args:
        claim: Such as ``custom:department``.
        match: ``Equals``, ``Contains``, ``StartsWith`` or ``NotEqual``, the last of
            which a token without the claim does not fulfil.
        value: What the claim is compared with.
        role_arn: The role it gives.
    """

    claim: str
    match: MatchType
    value: str
    role_arn: str

    def __attrs_post_init__(self) -> None:
        _among("match", self.match, _MATCH_TYPES)

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether a token with these claims gets the role."""
        if self.claim not in claims:
            return False
        found = claims[self.claim]
        # A list matches by its members: groups and roles are lists.
        texts = [str(item) for item in found] if isinstance(found, list) else [str(found)]
        match self.match:
            case "Equals":
                return self.value in texts
            case "Contains":
                return any(self.value in text for text in texts)
            case "StartsWith":
                return any(text.startswith(self.value) for text in texts)
            case "NotEqual":
                return self.value not in texts


@frozen
class RoleByToken:
    """Role mapping of type ``Token``: the token's preferred role.

    Args:
        ambiguous: What follows where the token has none: ``AuthenticatedRole`` or
            ``Deny``.
    """

    ambiguous: Ambiguous = field(default="AuthenticatedRole", kw_only=True)

    def __attrs_post_init__(self) -> None:
        _among("ambiguous", self.ambiguous, _AMBIGUOUS)

    def role(self, claims: Mapping[str, Any]) -> str | None:
        """Return the role a token stands for, or None where it does not say."""
        preferred = claims.get("cognito:preferred_role")
        return preferred if isinstance(preferred, str) else None


@frozen
class RoleByRules:
    """Role mapping of type ``Rules``: the first rule that fits.

    Args:
        rules: Up to 25, in order.
        ambiguous: What follows where none fits: ``AuthenticatedRole`` or ``Deny``.
    """

    rules: tuple[RoleRule, ...] = field(converter=tuple)
    ambiguous: Ambiguous = field(default="Deny", kw_only=True)

    def __attrs_post_init__(self) -> None:
        _among("ambiguous", self.ambiguous, _AMBIGUOUS)
        if not 1 <= len(self.rules) <= _MAX_RULES:
            raise InvalidArgument("rules", "one to 25")

    def role(self, claims: Mapping[str, Any]) -> str | None:
        """Return the role of the first rule that fits, or None."""
        return next((rule.role_arn for rule in self.rules if rule.fits(claims)), None)


RoleMapping = RoleByToken | RoleByRules


def chosen_role(
    *,
    claims: Mapping[str, Any],
    mapping: RoleMapping | None,
    wanted: object,
    default: str | None,
) -> str:
    """Return the role of a user's credentials.

    Args:
        claims: Of the login token.
        mapping: Of its app client, if there is one.
        wanted: ``CustomRoleArn``, if the caller named one.
        default: The pool's role for users.

    Raises:
        PoolError: The role is denied, or none is configured.
    """
    if wanted is not None:
        if wanted not in roles_of(claims):
            raise not_authorized("CustomRoleArn is not among the roles of this token.")
        return str(wanted)
    if mapping is not None:
        found = mapping.role(claims)
        if found is not None:
            return found
        if mapping.ambiguous == "Deny":
            raise not_authorized("No role is mapped to this token, and others are denied.")
    if default is None:
        raise no_role()
    return default


def no_role() -> PoolError:
    """Say that the pool has no role for somebody."""
    return PoolError(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )
