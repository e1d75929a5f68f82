"""From what the service wrote to one class of ours.

The code decides; the text only refines `NotAuthorized`, where one code stands for a
dozen situations, and `ResourceNotFound`, where a sign-in goes on without a device that is
gone. Texts are no contract: an unknown one leaves the general class, except on a refresh,
where every refusal means that the token is of no use any more.

Codes come from botocore's service models (cognito-idp, cognito-identity) and the
common codes of AWS's JSON protocol. Whether a call may be repeated follows from the
class: a throttled call was not carried out; a failing service may have acted, so only
a call that is harmless twice may be sent twice; every other answer is final.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiocognito import errors
from aiocognito._redact import scrub
from aiocognito.errors import RemoteProtocolError, ServiceError

__all__ = ["GENERIC_CODES", "http_date", "read_error", "request_id_in", "service_error"]

_CODES: dict[str, type[ServiceError]] = {
    "AccessDeniedException": errors.Forbidden,
    "AliasExistsException": errors.AliasExists,
    "CodeDeliveryFailureException": errors.CodeDeliveryFailure,
    "CodeMismatchException": errors.CodeMismatch,
    "DeveloperUserAlreadyRegisteredException": errors.ResourceConflict,
    "EnableSoftwareTokenMFAException": errors.EnableSoftwareTokenMFA,
    "ExpiredCodeException": errors.ExpiredCode,
    "ExpiredTokenException": errors.CredentialsRejected,
    "ExternalServiceException": errors.ExternalService,
    "FeatureUnavailableInTierException": errors.FeatureUnavailableInTier,
    "ForbiddenException": errors.Forbidden,
    "GroupExistsException": errors.GroupExists,
    "IncompleteSignature": errors.CredentialsRejected,
    "IncompleteSignatureException": errors.CredentialsRejected,
    "InternalErrorException": errors.InternalError,
    "InternalFailure": errors.InternalError,
    "InternalServerError": errors.InternalError,
    "InvalidClientTokenId": errors.CredentialsRejected,
    "InvalidEmailRoleAccessPolicyException": errors.InvalidConfiguration,
    "InvalidIdentityPoolConfigurationException": errors.InvalidConfiguration,
    "InvalidLambdaResponseException": errors.TriggerFailed,
    "InvalidParameterException": errors.InvalidParameter,
    "InvalidPasswordException": errors.InvalidPassword,
    "InvalidSignatureException": errors.CredentialsRejected,
    "InvalidSmsRoleAccessPolicyException": errors.InvalidConfiguration,
    "InvalidSmsRoleTrustRelationshipException": errors.InvalidConfiguration,
    "InvalidUserPoolConfigurationException": errors.InvalidConfiguration,
    "LimitExceededException": errors.LimitExceeded,
    "MFAMethodNotFoundException": errors.MFAMethodNotFound,
    "MissingAuthenticationToken": errors.CredentialsRejected,
    "MissingAuthenticationTokenException": errors.CredentialsRejected,
    "NotAuthorizedException": errors.NotAuthorized,
    "OperationNotEnabledException": errors.OperationNotEnabled,
    "PasswordHistoryPolicyViolationException": errors.PasswordHistoryPolicyViolation,
    "PasswordResetRequiredException": errors.PasswordResetRequired,
    "RefreshTokenReuseException": errors.RefreshTokenReused,
    "RequestLimitExceeded": errors.Throttled,
    "ResourceConflictException": errors.ResourceConflict,
    "ResourceNotFoundException": errors.ResourceNotFound,
    "ServiceUnavailable": errors.InternalError,
    "ServiceUnavailableException": errors.InternalError,
    "SoftwareTokenMFANotFoundException": errors.SoftwareTokenMFANotFound,
    "Throttling": errors.Throttled,
    "ThrottlingException": errors.Throttled,
    "TooManyFailedAttemptsException": errors.TooManyFailedAttempts,
    "TooManyRequestsException": errors.Throttled,
    "UnauthorizedException": errors.NotAuthorized,
    "UnexpectedLambdaException": errors.TriggerFailed,
    "UnrecognizedClientException": errors.CredentialsRejected,
    "UserLambdaValidationException": errors.TriggerFailed,
    "UserNotConfirmedException": errors.UserNotConfirmed,
    "UserNotFoundException": errors.UserNotFound,
    "UsernameExistsException": errors.UsernameExists,
    "WebAuthnChallengeNotFoundException": errors.WebAuthnChallengeNotFound,
    "WebAuthnClientMismatchException": errors.WebAuthnClientMismatch,
    "WebAuthnConfigurationMissingException": errors.WebAuthnConfigurationMissing,
    "WebAuthnCredentialNotSupportedException": errors.WebAuthnCredentialNotSupported,
    "WebAuthnNotEnabledException": errors.WebAuthnNotEnabled,
    "WebAuthnOriginNotAllowedException": errors.WebAuthnOriginNotAllowed,
    "WebAuthnRelyingPartyMismatchException": errors.WebAuthnRelyingPartyMismatch,
}

# What STS says of a role that somebody wants to take on; some of these names mean other
# things elsewhere.
_ASSUME_ROLE: dict[str, type[ServiceError]] = {
    "AccessDenied": errors.RoleNotAssumed,
    "ExpiredToken": errors.RoleNotAssumed,
    "ExpiredTokenException": errors.RoleNotAssumed,
    "IDPCommunicationError": errors.ExternalService,
    "IDPRejectedClaim": errors.RoleNotAssumed,
    "InvalidIdentityToken": errors.RoleNotAssumed,
    "MalformedPolicyDocument": errors.RoleNotAssumed,
    "PackedPolicyTooLarge": errors.RoleNotAssumed,
    "RegionDisabledException": errors.RoleNotAssumed,
    "ValidationError": errors.InvalidParameter,
}

GENERIC_CODES = frozenset(
    {
        "ConcurrentModificationException",
        "DeviceKeyExistsException",
        "UnsupportedOperationException",
        "UnsupportedTokenTypeException",
        "UserPoolAddOnNotEnabledException",
    }
)
"""Codes that stay a plain `ServiceError`: ``code`` and ``message`` say all there is."""

# What to make of an answer whose code we do not know or cannot read.
_STATUSES: dict[int, type[ServiceError]] = {403: errors.Forbidden, 429: errors.Throttled}

_REFRESHES = frozenset({"InitiateAuth", "AdminInitiateAuth", "GetTokensFromRefreshToken"})
_SIGN_INS = frozenset(
    {
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminInitiateAuth",
        "AdminRespondToAuthChallenge",
    }
)
_IDENTITIES = frozenset(
    {
        "GetCredentialsForIdentity",
        "GetId",
        "GetOpenIdToken",
        "GetOpenIdTokenForDeveloperIdentity",
        "UnlinkIdentity",
    }
)
_ANY: frozenset[str] = frozenset()

_NO_DEVICE = re.compile(r"\bdevice\b", re.IGNORECASE)  # as the official clients look for it

# (what the text contains, where it counts, what it means); the first match wins. Order
# matters: a message about the secret hash may name a refresh token's client.
_NOT_AUTHORIZED: tuple[tuple[re.Pattern[str], frozenset[str], type[ServiceError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), operations, kind)
    for pattern, operations, kind in (
        (r"incorrect username or password", _ANY, errors.IncorrectUsernameOrPassword),
        (r"password attempts exceeded", _ANY, errors.AttemptsExceeded),
        (r"user is disabled", _ANY, errors.UserDisabled),
        (r"security reasons", _ANY, errors.SignInBlocked),
        (r"temporary password has expired", _ANY, errors.TemporaryPasswordExpired),
        (
            r"secret[ _]?hash|client[ _]?secret|configured (for|with) secret",
            _ANY,
            errors.SecretHashMismatch,
        ),
        (r"invalid session|session is expired|session can only", _ANY, errors.InvalidSession),
        (r"refresh token", _REFRESHES, errors.RefreshTokenRejected),
        (r"access token", _ANY, errors.AccessTokenRejected),
        (
            r"login token|supported provider|logins don't match|token is inactive",
            _IDENTITIES,
            errors.LoginTokenRejected,
        ),
    )
)

_TRIGGER = re.compile(r"\s*(\w{1,64}) failed with error (.*)", re.ASCII | re.DOTALL)

_UNMET = (
    ("length", ("not long enough", "length")),
    ("uppercase", ("uppercase",)),
    ("lowercase", ("lowercase",)),
    ("number", ("numeric", "number")),
    ("symbol", ("symbol",)),
    ("history", ("previously", "history")),
)

_REPEATABLE_FAILURES = (errors.InternalError, errors.ExternalService)
_REPEATABLE_CODES = frozenset({"UnexpectedLambdaException", "InvalidLambdaResponseException"})

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,99}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_TEXT = 1000
_MAX_RETRY_AFTER = 3600.0


def service_error(
    *,
    code: str,
    message: str,
    operation: str,
    status: int | None = None,
    request_id: str | None = None,
    retry_after: float | None = None,
    repeatable: bool = False,
    sent: Iterable[str] = (),
    refreshing: bool = False,
    reason_code: str | None = None,
) -> ServiceError:
    """Build the error of the right class for what the service answered.

    Args:
        code: AWS's name, also with a namespace (``com.amazonaws…#Name``) or a URL
            after a colon.
        message: The service's text. It is read as it is, and kept only after
            everything in ``sent`` was blanked out.
        operation: AWS's name of the operation that was refused.
        status: The HTTP status; it decides only where the code is unknown.
        request_id: What AWS support asks for.
        retry_after: Seconds the service asked us to wait.
        repeatable: `Call.repeatable`.
        sent: Every string of the request that must not show up in the message.
        refreshing: Whether the call presented a refresh token.
        reason_code: The finer code of an ``InvalidParameterException``.
    """
    code = _plain_code(code)
    if code == "UserNotFoundException" and operation in _SIGN_INS and not refreshing:
        # An unknown user and a wrong password must look the same, code and text included.
        code, message = "NotAuthorizedException", "Incorrect username or password."
    kind = _class_of(code, message, operation, status, refreshing)
    secrets = tuple(sent)
    facts: dict[str, Any] = {
        "code": code,
        "operation": operation,
        "request_id": request_id,
        "status": status,
        "retry_safe": _is_retry_safe(kind, code, repeatable),
        "retry_after": retry_after,
    }
    if issubclass(kind, errors.TriggerFailed):
        trigger, reason = _unwrap(message)
        facts |= {"trigger": trigger, "reason": _clean(reason, secrets)}
    elif issubclass(kind, errors.InvalidPassword):
        facts["unmet"] = _unmet(kind, message)
    elif issubclass(kind, errors.InvalidParameter):
        facts["reason_code"] = reason_code
    return kind(_clean(message, secrets), **facts)


def read_error(
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    operation: str,
    repeatable: bool = False,
    sent: Iterable[str] = (),
    refreshing: bool = False,
) -> ServiceError | RemoteProtocolError:
    """Read an answer that is not a success, whoever wrote it.

    Cognito answers ``{"__type": …, "message": …}``; others on the way answer what they
    like, a load balancer or a firewall HTML. Header names are lower case.
    """
    answer = _json_object(body)
    code = _first(answer, "__type", "code") or headers.get("x-amzn-errortype", "")
    if not _CODE.fullmatch(_plain_code(code)):
        code = ""
    if not code and not answer and status < 500 and status not in _STATUSES:
        return RemoteProtocolError(
            f"The answer to {operation} has status {status} and is none of Cognito's; "
            "check the endpoint."
        )
    return service_error(
        code=code or str(status),
        message=_first(answer, "message", "Message"),
        operation=operation,
        status=status,
        request_id=request_id_in(headers),
        retry_after=_retry_after(headers),
        repeatable=repeatable,
        sent=sent,
        refreshing=refreshing,
        reason_code=_first(answer, "reasonCode")[:100] or None,
    )


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """Return AWS's id of the request, if it is a plausible one."""
    value = headers.get("x-amzn-requestid", "")
    return value if 0 < len(value) <= 128 and value.isascii() and value.isprintable() else None


def http_date(text: str | None) -> datetime | None:
    """Read a ``Date`` header as UTC; None if it is missing or malformed."""
    if not text or len(text) > 64:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# --- which class ----------------------------------------------------------------


def _class_of(
    code: str, message: str, operation: str, status: int | None, refreshing: bool
) -> type[ServiceError]:
    kind = _CODES.get(code)
    if operation == "AssumeRoleWithWebIdentity":
        kind = _ASSUME_ROLE.get(code, kind)
    if code in ("NotAuthorizedException", "UnauthorizedException"):  # RevokeToken has the second
        return _refined(message, operation, refreshing)
    if kind is errors.ResourceNotFound and _NO_DEVICE.search(message):
        return errors.DeviceNotFound
    if kind is not None:
        return kind
    if status is not None and status >= 500:
        return errors.InternalError
    return _STATUSES.get(status or 0, ServiceError)


def _refined(message: str, operation: str, refreshing: bool) -> type[ServiceError]:
    for pattern, operations, kind in _NOT_AUTHORIZED:
        if (not operations or operation in operations) and pattern.search(message):
            return kind
    if refreshing or operation == "GetTokensFromRefreshToken":
        return errors.RefreshTokenRejected
    return errors.NotAuthorized


def _is_retry_safe(kind: type[ServiceError], code: str, repeatable: bool) -> bool:
    if issubclass(kind, errors.Throttled):
        return True
    if issubclass(kind, _REPEATABLE_FAILURES) or code in _REPEATABLE_CODES:
        return repeatable
    return False


# --- what the text says ------------------------------------------------------------


def _unwrap(message: str) -> tuple[str | None, str]:
    """Take the function's own words out of ``<Trigger> failed with error <words>.``.

    The service appends one period, also where the words end in one.
    """
    if not (match := _TRIGGER.fullmatch(message)):
        return None, message
    return match[1], match[2].removesuffix(".")


def _unmet(kind: type[ServiceError], message: str) -> tuple[str, ...]:
    if issubclass(kind, errors.PasswordHistoryPolicyViolation):
        return ("history",)
    text = message.lower()
    unmet = tuple(name for name, signs in _UNMET if any(sign in text for sign in signs))
    return unmet or ("other",)


def _clean(text: str, secrets: Iterable[str]) -> str:
    # Blank first, cut after: half a secret at the end would not be recognised.
    return _CONTROL.sub(" ", scrub(text, secrets)).strip()[:_MAX_TEXT]


# --- how it is written ---------------------------------------------------------------


def _plain_code(code: str) -> str:
    return code.strip().rpartition("#")[2].partition(":")[0]


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _first(answer: Mapping[str, Any], *names: str) -> str:
    for name in names:
        if isinstance(value := answer.get(name), str) and value:
            return value
    return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``x-amz-retry-after`` counts milliseconds, ``retry-after`` seconds.

    The other form of ``retry-after``, a date, is ignored: it needs two clocks to agree.
    """
    for name, unit in (("x-amz-retry-after", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,9}", value):
            return min(int(value) / unit, _MAX_RETRY_AFTER)
    return None
