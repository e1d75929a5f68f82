"""The two ways from an identity to AWS credentials, as values.

The enhanced flow asks the identity pool, which chooses the role; its credentials live an
hour. The basic (classic) flow takes an OpenID token of the identity to STS, and the
program chooses the role, the time and a narrower policy. Bounds are those of the service
models (botocore 1.43.117).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["BasicFlow", "CredentialsFlow", "EnhancedFlow"]

_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:[\w-]*:[\x21-\x7e]+", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_POLICY = re.compile(r"[\t\n\r\x20-\xff]{1,2048}")
_DURATION = range(900, 43_201)
_MAX_POLICIES = 10  # STS: ten managed policies for a session


def _checked_arn(argument: str, arn: object) -> str:
    if not isinstance(arn, str):
        raise InvalidType(argument, "a str", arn)
    if not 20 <= len(arn) <= 2048 or not _ARN.fullmatch(arn):
        raise InvalidArgument(argument, "an ARN such as arn:aws:iam::123456789012:role/name")
    return arn


@frozen
class EnhancedFlow:
    """GetCredentialsForIdentity: the identity pool chooses the role (the default).

    Args:
        custom_role_arn: One of the roles in the token's ``cognito:roles``, in place of
            the one the pool would choose. The service refuses any other.

    Raises:
        InvalidType: Not a `str`.
        InvalidArgument: Not an ARN.
    """

    custom_role_arn: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.custom_role_arn is not None:
            _checked_arn("custom_role_arn", self.custom_role_arn)


def _as_policy(policy: str | Mapping[str, Any] | None) -> str | None:
    if policy is None or isinstance(policy, str):
        return policy
    if not isinstance(policy, Mapping):
        raise InvalidType("policy", "JSON text or a mapping", policy)
    return json.dumps(policy, separators=(",", ":"))


def _as_arns(arns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(arns, str) or not isinstance(arns, Iterable):
        raise InvalidType("policy_arns", "several ARNs", arns)
    return tuple(_checked_arn("policy_arns", arn) for arn in arns)


@frozen
class BasicFlow:
    """GetOpenIdToken, then AssumeRoleWithWebIdentity at STS: you choose the role.

    The identity pool must allow the classic flow (``AllowClassicFlow``) and have no role
    mappings, and the role must trust ``cognito-identity.amazonaws.com``.

    Args:
        role_arn: The role to take on.
        duration: Seconds the credentials live, 900 to 43200; at most what the role
            allows.
        session_name: What CloudTrail shows, 2 to 64 of ``A-Za-z0-9_+=,.@-``. Left out,
            it is the identity's id with an underscore for its colon.
        policy: What these credentials may do at most: an IAM policy as JSON text or as
            a mapping.
        policy_arns: The same as managed policies, up to ten.

    Raises:
        InvalidType: An argument of the wrong type.
        InvalidArgument: One that STS would not accept.
    """

    role_arn: str
    duration: int = field(default=3600, kw_only=True)
    session_name: str | None = field(default=None, kw_only=True)
    policy: str | None = field(default=None, kw_only=True, converter=_as_policy, repr=False)
    policy_arns: tuple[str, ...] = field(default=(), kw_only=True, converter=_as_arns)

    def __attrs_post_init__(self) -> None:
        _checked_arn("role_arn", self.role_arn)
        if isinstance(self.duration, bool) or not isinstance(self.duration, int):
            raise InvalidType("duration", "an int", self.duration)
        if self.duration not in _DURATION:
            raise InvalidArgument("duration", "900 to 43200 seconds")
        if len(self.policy_arns) > _MAX_POLICIES:
            raise InvalidArgument("policy_arns", "ten at most")
        if self.session_name is not None:
            if not isinstance(self.session_name, str):
                raise InvalidType("session_name", "a str", self.session_name)
            if not _SESSION_NAME.fullmatch(self.session_name):
                raise InvalidArgument("session_name", "2 to 64 of A-Z, a-z, 0-9 and _+=,.@-")
        if self.policy is not None:
            _check_policy(self.policy)


def _check_policy(policy: str) -> None:
    try:
        document: Any = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not _POLICY.fullmatch(policy):
        raise InvalidArgument("policy", "an IAM policy in JSON of at most 2048 characters")


CredentialsFlow = EnhancedFlow | BasicFlow
"""What ``flow=`` takes where AWS credentials are asked for."""
