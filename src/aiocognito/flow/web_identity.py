"""The basic flow's calls: an OpenID token of an identity, and a role for it at STS.

STS signs nothing and asks for nothing signed here: the token is the proof. Its
credentials have one name that differs, ``SecretAccessKey``.
"""

from __future__ import annotations

import re

from aiocognito._redact import Secret
from aiocognito.errors import RoleNotAssumed, ServiceError
from aiocognito.flow.aws_flows import BasicFlow
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.identity import (
    Logins,
    OpenIdToken,
    credentials_in,
    member_text,
    read_identity_id,
)
from aiocognito.tokens.credentials import AwsCredentials

__all__ = [
    "assume_role_call",
    "openid_has_expired",
    "openid_token_call",
    "read_assumed_role",
    "read_openid_token",
]

_TOKEN = re.compile(r"[\x21-\x7e]{4,20000}")  # STS: clientTokenType


def openid_token_call(identity_id: str, logins: Logins) -> Call:
    """Ask for an OpenID token of an identity. Repeating it only makes more of them."""
    given = {"Logins": logins.tokens} if logins.tokens else {}
    return Call(
        service="cognito-identity",
        operation="GetOpenIdToken",
        parameters={"IdentityId": identity_id, **given},
        repeatable=True,
    )


def read_openid_token(reply: Reply) -> OpenIdToken:
    """Read identity and token, of GetOpenIdToken or of its developer's twin.

    Raises:
        RemoteProtocolError: Something is missing or malformed.
    """
    return OpenIdToken(
        identity_id=read_identity_id(reply), token=member_text(reply.body, "Token", _TOKEN)
    )


def assume_role_call(openid: OpenIdToken, flow: BasicFlow) -> Call:
    """Ask STS for credentials of a role. Repeating it only makes more of them."""
    optional: dict[str, object] = {}
    if flow.policy is not None:
        optional["Policy"] = flow.policy
    if flow.policy_arns:
        optional["PolicyArns"] = [{"arn": arn} for arn in flow.policy_arns]
    return Call(
        service="sts",
        operation="AssumeRoleWithWebIdentity",
        parameters={
            "RoleArn": flow.role_arn,
            "RoleSessionName": flow.session_name or openid.identity_id.replace(":", "_"),
            "WebIdentityToken": Secret(openid.token),
            "DurationSeconds": flow.duration,
            **optional,
        },
        repeatable=True,
    )


def read_assumed_role(reply: Reply, identity_id: str) -> AwsCredentials:
    """Read the answer to AssumeRoleWithWebIdentity.

    Args:
        reply: The answer. It does not have to name the identity.
        identity_id: Whose token was sent.

    Raises:
        RemoteProtocolError: Something is missing or malformed.
    """
    return credentials_in(reply, named="SecretAccessKey", identity_id=identity_id)


def openid_has_expired(error: ServiceError) -> bool:
    """Whether STS only wants a newer OpenID token of the same identity."""
    return isinstance(error, RoleNotAssumed) and error.code in (
        "ExpiredToken",
        "ExpiredTokenException",
    )
