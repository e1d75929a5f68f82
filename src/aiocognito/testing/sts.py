"""A local STS that knows one operation: AssumeRoleWithWebIdentity.

It takes tokens of one identity pool alone and checks what the service checks: signature,
issuer, audience and time of the token, whether the role trusts this kind of identity,
and the bounds of what is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from aiocognito.errors import TokenExpired, TokenVerificationError
from aiocognito.testing.issued_credentials import CredentialDesk
from aiocognito.testing.openid_tokens import OpenIdDesk, principal_tags
from aiocognito.testing.service_errors import PoolError, unknown_operation

__all__ = ["LocalRole", "LocalSts"]

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_SHORTEST, _LONGEST, _USUAL = 900, 43_200, 3600


@frozen(kw_only=True)
class LocalRole:
    """A role that identities of the pool may take on.

    Attributes:
        arn: Its name.
        trusts: Which identities its trust policy lets in (the condition on ``amr``):
            ``authenticated``, ``unauthenticated``, or ``any``.
        max_duration: Seconds; 3600 on the service unless the role says more.
    """

    arn: str
    trusts: Literal["authenticated", "unauthenticated", "any"] = "any"
    max_duration: int = _USUAL


class LocalSts:
    """Gives credentials for roles to who brings an identity pool's token.

    Attributes:
        roles: By ARN.
        longest: Seconds after which credentials end whatever was asked for, or None;
            so that tests see them end.
    """

    def __init__(self, openid: OpenIdDesk, credentials: CredentialDesk) -> None:
        self.roles: dict[str, LocalRole] = {}
        self.longest: float | None = None
        self._openid = openid
        self._credentials = credentials

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call of STS.

        Raises:
            PoolError: STS answers with an error.
        """
        if operation != "AssumeRoleWithWebIdentity":
            raise unknown_operation(operation)
        arn, name, token = (
            _text(parameters, member)
            for member in ("RoleArn", "RoleSessionName", "WebIdentityToken")
        )
        duration, policy = _duration(parameters), _policy(parameters)
        if not _SESSION_NAME.fullmatch(name):
            raise _invalid("roleSessionName", "regular expression pattern: [\\w+=,.@-]*")
        claims = self._claims(token)
        role = self._role(arn, claims["amr"][0])
        if duration > role.max_duration:
            raise _validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        issued = self._credentials.issue(
            lifetime=duration if self.longest is None else min(duration, self.longest),
            identity_id=claims["sub"],
            is_guest=claims["amr"][0] == "unauthenticated",
            role_arn=role.arn,
            tags=principal_tags(claims),
            session_name=name,
            policy=policy,
        )
        account, _, role_name = role.arn.removeprefix("arn:aws:iam::").partition(":role/")
        return {
            "Credentials": {
                "AccessKeyId": issued.access_key_id,
                "SecretAccessKey": issued.secret_key,
                "SessionToken": issued.session_token,
                "Expiration": issued.expires_at,
            },
            "SubjectFromWebIdentityToken": claims["sub"],
            "AssumedRoleUser": {
                "AssumedRoleId": f"AROALOCAL:{name}",
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
            },
            "Provider": self._openid.provider,
            "Audience": claims["aud"],
        }

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            return self._openid.read(token)
        except TokenExpired as error:
            raise PoolError(
                "ExpiredTokenException",
                f"Token expired: current date/time {error.expected} must be before the "
                f"expiration date/time {error.actual}",
            ) from None
        except TokenVerificationError:
            raise PoolError(
                "InvalidIdentityToken",
                "The web identity token that was passed could not be validated.",  # our words
            ) from None

    def _role(self, arn: str, kind: str) -> LocalRole:
        role = self.roles.get(arn)
        if role is None or role.trusts not in (kind, "any"):
            text = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            raise PoolError("AccessDenied", text, 403)
        return role


def _text(parameters: Mapping[str, Any], member: str) -> str:
    value = parameters.get(member)
    if not isinstance(value, str) or not value:
        raise _invalid(member[0].lower() + member[1:], "Member must not be null")
    return value


def _duration(parameters: Mapping[str, Any]) -> int:
    value = parameters.get("DurationSeconds", _USUAL)
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        raise _validation("DurationSeconds is no number") from None
    if seconds < _SHORTEST:
        raise _invalid("durationSeconds", "Member must have value greater than or equal to 900")
    if seconds > _LONGEST:
        raise _invalid("durationSeconds", "Member must have value less than or equal to 43200")
    return seconds


def _policy(parameters: Mapping[str, Any]) -> str | None:
    policy = parameters.get("Policy")
    if policy is None:
        return None
    try:
        document = json.loads(policy)
    except (TypeError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise PoolError("MalformedPolicyDocument", "Syntax errors in policy.")
    return str(policy)


def _invalid(path: str, constraint: str) -> PoolError:
    return _validation(
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}"
    )


def _validation(text: str) -> PoolError:
    return PoolError("ValidationError", text)
