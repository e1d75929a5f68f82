"""Logins of an identity pool, a builder for each provider.

Each returns a mapping of one entry; join them with ``|`` and give the result to
`IdentityPool.for_logins`::

    both = logins.google(google_id_token) | logins.facebook(facebook_access_token)

A token is a `str`, or an async callable that brings a current one: credentials outlive
most tokens, and are renewed with whatever it brings then. The names are those of the
developer guide's page on external providers.
"""

from __future__ import annotations

import re

from aiocognito._logins import LoginSource, LoginValue, SessionToken
from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito.errors import InvalidArgument, InvalidType

__all__ = [
    "amazon",
    "apple",
    "developer",
    "facebook",
    "google",
    "oidc",
    "saml",
    "session",
    "twitter",
    "user_pool",
]

Logins = dict[str, LoginValue]

_SAML_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:saml-provider/[\w+=,.@-]{1,128}", re.ASCII)
_ISSUER = re.compile(r"(?:https://)?([A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[\x21-\x7e]*)?)")


def user_pool(user_pool_id: str, id_token: LoginValue, *, login_key: str | None = None) -> Logins:
    """A user pool, in any partition.

    Args:
        user_pool_id: Such as ``eu-west-1_Ab12Cd34E``.
        id_token: The ID token; an access token is refused by the service.
        login_key: The provider's name in place of
            ``cognito-idp.<region>.<suffix>/<user pool id>``, for a pool with the
            updated issuer.
    """
    return {login_key or parse_user_pool_id(user_pool_id).login_key: id_token}


def session(session: LoginSource) -> Logins:
    """A signed-in `Session`, beside other logins. Its ID token is asked for each time.

    As with `IdentityPool.for_session` a sign-out, and other roles, drop the credentials.
    """
    return {session.login_key: SessionToken(session)}


def google(id_token: LoginValue) -> Logins:
    """Google: an ID token."""
    return {"accounts.google.com": id_token}


def apple(id_token: LoginValue) -> Logins:
    """Sign in with Apple: an ID token."""
    return {"appleid.apple.com": id_token}


def facebook(access_token: LoginValue) -> Logins:
    """Facebook: an access token."""
    return {"graph.facebook.com": access_token}


def amazon(access_token: LoginValue) -> Logins:
    """Login with Amazon: an access token."""
    return {"www.amazon.com": access_token}


def twitter(access_token: str, access_token_secret: str) -> Logins:
    """Twitter, which new identity pools do not have any more: token and secret."""
    for name, value in (("access_token", access_token), ("secret", access_token_secret)):
        if not isinstance(value, str):
            raise InvalidType(name, "a str", value)
    return {"api.twitter.com": f"{access_token};{access_token_secret}"}


def oidc(issuer: str, id_token: LoginValue) -> Logins:
    """An OpenID Connect provider that is registered with IAM.

    Args:
        issuer: Its URL, ``iss`` of its tokens, with or without ``https://``.
        id_token: An ID token.
    """
    if not isinstance(issuer, str):
        raise InvalidType("issuer", "a str", issuer)
    found = _ISSUER.fullmatch(issuer)
    if found is None:
        raise InvalidArgument("issuer", "an https URL such as https://login.example.com/realm")
    return {found[1].removesuffix("/"): id_token}


def saml(provider_arn: str, assertion: LoginValue) -> Logins:
    """A SAML provider that is registered with IAM.

    Args:
        provider_arn: Such as ``arn:aws:iam::123456789012:saml-provider/name``.
        assertion: The SAML response in base64.
    """
    if not isinstance(provider_arn, str):
        raise InvalidType("provider_arn", "a str", provider_arn)
    if not _SAML_ARN.fullmatch(provider_arn):
        raise InvalidArgument("provider_arn", "an ARN of a SAML provider in IAM")
    return {provider_arn: assertion}


def developer(
    identity_pool_id: str, openid_token: LoginValue, *, login_key: str | None = None
) -> Logins:
    """A user whom a back end has vouched for (`IdentityAdmin.openid_token`).

    Give `IdentityPool.for_logins` the identity id that came with the token, too.

    Args:
        identity_pool_id: Its partition decides about the provider's name.
        openid_token: What the back end was told.
        login_key: The provider's name in place of ``cognito-identity.amazonaws.com`` and
            its kin in other partitions.
    """
    return {login_key or parse_identity_pool_id(identity_pool_id).login_key: openid_token}
