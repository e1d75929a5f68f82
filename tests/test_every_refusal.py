"""What a session does about everything a refresh can be answered with, row by row.

Each row is an answer as it comes over the wire (code and text, or what the transport
raises); from there on all is the library's own: the class it becomes, whether time may
mend it, whether the service may have acted, how often it is repeated at once, how long
the pause is at least, and what it ends.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from attrs import frozen

from aiocognito import errors
from aiocognito._retry import (
    is_ambiguous,
    is_transient,
    pause_before_repeat,
    pause_when_throttled,
    session_end,
    shortest_rest,
)
from aiocognito.errors import CognitoError
from aiocognito.transport.error_codes import read_error

REFRESH = "GetTokensFromRefreshToken"

Class = Literal["passing", "final"]


@frozen(kw_only=True)
class Row:
    """One row: the answer, and what follows from it on a refresh."""

    error: CognitoError
    kind: Class
    ambiguous: bool = False
    repeats: int = 0  # at once, where sending twice does no harm
    rotating: int = 0  # at once, where it might
    ends: str | None = None
    rest: float = 0.0


def said(code: str, text: str = "text", *, status: int = 400, operation: str = REFRESH) -> Any:
    return read_error(
        status=status,
        headers={},
        body=json.dumps({"__type": code, "message": text}).encode(),
        operation=operation,
        refreshing=operation == REFRESH,
    )


def page(status: int) -> Any:
    return read_error(
        status=status, headers={}, body=b"<html>no</html>", operation=REFRESH, refreshing=True
    )


def refused(text: str) -> Any:
    return said("NotAuthorizedException", text)


DEAD = "refresh-token-rejected"
ROWS: dict[str, Row] = {
    # nothing was sent
    "no connection": Row(
        error=errors.ConnectFailed(REFRESH, retry_safe=True), kind="passing", repeats=2, rotating=2
    ),
    "certificate": Row(error=errors.CertificateRejected(REFRESH, retry_safe=True), kind="final"),
    # sent, and who knows
    "no answer in time": Row(
        error=errors.DeadlineExceeded(REFRESH, retry_safe=False),
        kind="passing",
        ambiguous=True,
        repeats=1,
    ),
    "cut off": Row(
        error=errors.ResponseLost(REFRESH, retry_safe=False),
        kind="passing",
        ambiguous=True,
        repeats=1,
    ),
    "internal error": Row(
        error=said("InternalErrorException", status=500), kind="passing", ambiguous=True, repeats=1
    ),
    "unknown code, 500": Row(
        error=said("NewException", status=500), kind="passing", ambiguous=True, repeats=1
    ),
    "a page, 503": Row(error=page(503), kind="passing", ambiguous=True, repeats=1),
    "unreadable": Row(
        error=errors.RemoteProtocolError("no JSON"), kind="passing", ambiguous=True, repeats=1
    ),
    # too many
    "too many requests": Row(error=said("TooManyRequestsException"), kind="passing"),
    "a page, 429": Row(error=page(429), kind="passing"),
    "limit exceeded": Row(error=said("LimitExceededException"), kind="final"),
    # the refresh token
    "expired": Row(error=refused("Refresh Token has expired"), kind="final", ends=DEAD),
    "revoked": Row(error=refused("Refresh Token has been revoked"), kind="final", ends=DEAD),
    "invalid": Row(error=refused("Invalid Refresh Token"), kind="final", ends=DEAD),
    "some other words": Row(error=refused("Computer says no"), kind="final", ends=DEAD),
    "reused": Row(
        error=said("RefreshTokenReuseException"), kind="final", ends="refresh-token-reused"
    ),
    # the user
    "disabled": Row(error=refused("User is disabled."), kind="final", ends="user-disabled"),
    "gone": Row(error=said("UserNotFoundException"), kind="final", ends="user-gone"),
    "not confirmed": Row(
        error=said("UserNotConfirmedException"), kind="final", ends="user-not-confirmed"
    ),
    "password reset": Row(
        error=said("PasswordResetRequiredException"), kind="final", ends="password-reset-required"
    ),
    "locked": Row(error=refused("Password attempts exceeded"), kind="final"),
    # configuration
    "secret hash": Row(error=refused("Unable to verify secret hash for client 1"), kind="final"),
    "no such client": Row(error=said("ResourceNotFoundException"), kind="final"),
    "parameter": Row(error=said("InvalidParameterException"), kind="final"),
    "pool configuration": Row(error=said("InvalidUserPoolConfigurationException"), kind="final"),
    "unsupported": Row(error=said("UnsupportedOperationException"), kind="final"),
    "tier": Row(error=said("FeatureUnavailableInTierException"), kind="final"),
    "role": Row(error=said("InvalidSmsRoleAccessPolicyException"), kind="final"),
    "replica": Row(error=said("OperationNotEnabledException"), kind="final"),
    # triggers
    "trigger refuses": Row(
        error=said("UserLambdaValidationException", "PreTokenGeneration failed with error no"),
        kind="final",
    ),
    "trigger fails": Row(error=said("UnexpectedLambdaException"), kind="passing", repeats=2),
    "trigger rambles": Row(error=said("InvalidLambdaResponseException"), kind="passing", repeats=2),
    # a firewall
    "forbidden": Row(error=said("ForbiddenException"), kind="passing", rest=60.0),
    "a page, 403": Row(error=page(403), kind="passing", rest=60.0),
    # what ends a sign-in and no session
    "code": Row(error=said("CodeMismatchException"), kind="final"),
    "old code": Row(error=said("ExpiredCodeException"), kind="final"),
    "weak password": Row(error=said("InvalidPasswordException"), kind="final"),
    "no such factor": Row(error=said("MFAMethodNotFoundException"), kind="final"),
    "no authenticator": Row(error=said("SoftwareTokenMFANotFoundException"), kind="final"),
    # ours
    "no keys": Row(error=errors.KeysUnavailable(), kind="passing"),
    "ended on the way": Row(error=errors.TokenExpired(claim="exp"), kind="passing"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_follows_from_each_answer(row: Row) -> None:
    # threat 24, F104, F120
    assert is_transient(row.error) is (row.kind == "passing")
    assert is_ambiguous(row.error) is row.ambiguous
    assert session_end(row.error) == row.ends
    assert shortest_rest(row.error) == row.rest
    assert repeats(row.error, harmless=True) == row.repeats
    assert repeats(row.error, harmless=False) == row.rotating


def repeats(error: CognitoError, *, harmless: bool) -> int:
    count = 0
    while (
        pause_before_repeat(error, attempt=count + 1, repeat_ambiguous=harmless, jitter=0.5)
        is not None
    ):
        count += 1
    return count


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_only_what_ends_the_session_drops_tokens(row: Row) -> None:
    if row.kind == "passing":
        assert row.ends is None


def test_a_refused_access_token_ends_no_session() -> None:
    for text in ("Access Token has been revoked", "Access Token has expired"):
        error = said("NotAuthorizedException", text, operation="GetUser")
        assert type(error) is errors.AccessTokenRejected
        assert not is_transient(error)


def test_a_used_up_conversation_begins_anew_and_is_not_repeated() -> None:
    for text in ("Invalid session for the user", "session is expired", "session can only be used"):
        error = said("NotAuthorizedException", text, operation="RespondToAuthChallenge")
        assert type(error) is errors.InvalidSession
        assert repeats(error, harmless=True) == 0


def test_wrong_and_unknown_look_the_same() -> None:
    # threat 43
    wrong = said(
        "NotAuthorizedException", "Incorrect username or password.", operation="InitiateAuth"
    )
    unknown = said("UserNotFoundException", "User does not exist.", operation="InitiateAuth")
    assert type(wrong) is type(unknown) is errors.IncorrectUsernameOrPassword
    assert (wrong.code, wrong.message, str(wrong)) == (unknown.code, unknown.message, str(unknown))
    assert not is_transient(wrong)


def test_limits_of_a_user_are_never_waited_for() -> None:
    error = said("LimitExceededException", operation="ForgotPassword")
    assert pause_when_throttled(error, attempt=1, jitter=0.0) is None
    assert repeats(error, harmless=True) == 0
