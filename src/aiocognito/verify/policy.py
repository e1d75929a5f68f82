"""Whether signed claims are the ones we want: issuer, kind, client, user and time.

Pure: the time is an argument. A signature says only that the pool wrote the claims.
That they were written for us, about this user and for now is decided here (the
developer guide's "Verifying JSON web tokens").
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    TokenClientMismatch,
    TokenExpired,
    TokenGroupMissing,
    TokenIssuerMismatch,
    TokenMalformed,
    TokenNotYetValid,
    TokenScopeMissing,
    TokenUseMismatch,
    TokenUserMismatch,
)
from aiocognito.tokens.claims import Claims, numeric_date
from aiocognito.verify.compact import excerpt

__all__ = ["TokenUse", "check_claims", "check_same_sign_in", "wanted"]

TokenUse = Literal["access", "id"]


def check_claims(
    claims: Claims,
    *,
    issuers: Collection[str],
    token_use: TokenUse,
    client_ids: Collection[str] | None,
    now: float,
    leeway: float,
    username: str | None = None,
    sub: str | None = None,
    scope: str | Collection[str] | None = None,
    groups: str | Collection[str] | None = None,
) -> None:
    """Refuse claims that are not what they must be.

    Time is looked at after everything that cannot change, so `TokenExpired` means that
    a newer token of the same kind would do. ``iat`` is never a reason to refuse: it
    tells about clocks, not about rights.

    Args:
        claims: Signed by the pool; this does not check that.
        issuers: Spellings of ``iss`` that are right.
        token_use: The kind of token wanted.
        client_ids: App clients whose tokens are accepted; None accepts any.
        now: Seconds since the epoch.
        leeway: Seconds by which clocks may differ, for ``exp`` and ``nbf``.
        username: The user's true name in the pool, compared exactly.
        sub: The user's permanent id.
        scope: All of these must be granted; a text may name several, separated by blanks.
        groups: The user must be in at least one of these.

    Raises:
        InvalidArgument: ``scope`` or ``groups`` is given and empty.
        TokenVerificationError: The leaf that says which claim is wrong.
    """
    _check_origin(claims, issuers, token_use, client_ids)
    _check_user(claims, username, sub)
    _check_time(claims, now, leeway)
    if scope is not None:
        _check_scopes(claims, wanted("scope", scope))
    if groups is not None:
        _check_groups(claims, wanted("groups", groups))


def check_same_sign_in(access: Claims, identity: Claims) -> None:
    """Refuse an access and an ID token that do not belong together.

    Raises:
        TokenUserMismatch: They are of different users or different sign-ins.
        TokenClientMismatch: They are of different app clients.
    """
    if identity.client_id != access.client_id:
        raise TokenClientMismatch(
            "the ID token and the access token differ",
            claim="aud",
            expected=excerpt(access.client_id),
            actual=excerpt(identity.client_id),
        )
    for claim, expected, actual in (
        ("sub", access.sub, identity.sub),
        ("cognito:username", access.username, identity.username),
        # Some local servers put it into one of the two tokens only.
        ("origin_jti", access.origin_jti, identity.origin_jti or access.origin_jti),
    ):
        if actual != expected:
            raise TokenUserMismatch(
                "the ID token and the access token differ",
                claim=claim,
                expected=excerpt(expected),
                actual=excerpt(actual),
            )


def wanted(argument: str, names: str | Collection[str]) -> frozenset[str]:
    """Read a caller's list of names.

    Empty is refused rather than taken for "no check": a list that came out empty by
    accident must not open the door.

    Raises:
        InvalidType: Not a text or a collection of texts.
        InvalidArgument: Nothing in it.
    """
    if isinstance(names, str):
        names = names.split() if argument == "scope" else (names,)
    elif not isinstance(names, Collection):
        raise InvalidType(argument, "a str or a collection of str", names)
    for name in names:  # bytes end here too: a collection of numbers
        if not isinstance(name, str):
            raise InvalidType(argument, "a str or a collection of str", name)
    if not names or "" in names:
        raise InvalidArgument(argument, "one name or several, none of them empty")
    return frozenset(names)


def _check_origin(
    claims: Claims,
    issuers: Collection[str],
    token_use: TokenUse,
    client_ids: Collection[str] | None,
) -> None:
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer not in issuers:
        raise TokenIssuerMismatch(claim="iss", expected=tuple(issuers), actual=excerpt(issuer))
    use = claims.get("token_use")
    if use != token_use:
        raise TokenUseMismatch(claim="token_use", expected=token_use, actual=excerpt(use))
    claim = claims.client_claim
    client_id = claims.get(claim)
    if not isinstance(client_id, str) or (client_ids is not None and client_id not in client_ids):
        expected = None if client_ids is None else tuple(sorted(client_ids))
        raise TokenClientMismatch(claim=claim, expected=expected, actual=excerpt(client_id))


def _check_user(claims: Claims, username: str | None, sub: str | None) -> None:
    actual = claims.get("sub")
    if not isinstance(actual, str) or not actual:
        raise TokenMalformed("it names no user", claim="sub", actual=excerpt(actual))
    if sub is not None and actual != sub:
        raise TokenUserMismatch(claim="sub", expected=sub, actual=excerpt(actual))
    if username is not None and claims.username != username:
        claim = claims.username_claim
        raise TokenUserMismatch(claim=claim, expected=username, actual=excerpt(claims.get(claim)))


def _check_time(claims: Claims, now: float, leeway: float) -> None:
    if "nbf" in claims:
        begin = numeric_date(claims["nbf"])
        if begin is None:
            raise _no_time(claims, "nbf")
        if now + leeway < begin:
            raise TokenNotYetValid(claim="nbf", expected=now, actual=begin)
    end = numeric_date(claims.get("exp"))
    if end is None:
        raise _no_time(claims, "exp")
    if now - leeway >= end:
        raise TokenExpired(claim="exp", expected=now, actual=end)


def _no_time(claims: Claims, claim: str) -> TokenMalformed:
    actual = excerpt(claims.get(claim))
    return TokenMalformed(f"its {claim} is no time", claim=claim, actual=actual)


def _check_scopes(claims: Claims, scopes: frozenset[str]) -> None:
    if missing := sorted(scopes - claims.scopes):
        raise TokenScopeMissing(
            claim="scope", expected=tuple(missing), actual=excerpt(claims.get("scope"))
        )


def _check_groups(claims: Claims, groups: frozenset[str]) -> None:
    if groups.isdisjoint(claims.groups):
        raise TokenGroupMissing(
            claim="cognito:groups", expected=tuple(sorted(groups)), actual=claims.groups
        )
