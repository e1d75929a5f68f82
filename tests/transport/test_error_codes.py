"""One class for each thing the service can say, and nothing secret in any of them."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from aiocognito import errors
from aiocognito.errors import RemoteProtocolError, ServiceError
from aiocognito.transport.error_codes import (
    GENERIC_CODES,
    http_date,
    read_error,
    request_id_in,
    service_error,
)


def error_of(code: str, message: str = "", operation: str = "SignUp", **more: Any) -> ServiceError:
    return service_error(code=code, message=message, operation=operation, **more)


def refused(message: str, operation: str = "InitiateAuth", **more: Any) -> ServiceError:
    return error_of("NotAuthorizedException", message, operation, **more)


# --- every code of the model -------------------------------------------------------


def modelled_codes() -> set[str]:
    """The error shapes of every operation that needs no AWS credentials."""
    codes = set()
    for service in ("cognito-idp", "cognito-identity"):
        model = ServiceModel(Loader().load_service_model(service, "service-2"))
        for name in model.operation_names:
            operation = model.operation_model(name)
            if operation.resolved_auth_type == "none":
                codes |= {shape.name for shape in operation.error_shapes}
    return codes


MODELLED = sorted(modelled_codes())


def test_the_model_has_errors_to_map() -> None:
    assert len(MODELLED) > 40


@pytest.mark.parametrize("code", MODELLED)
def test_every_modelled_error_has_its_class_or_is_generic_on_purpose(code: str) -> None:
    kind = type(error_of(code, "text"))
    assert (kind is ServiceError) == (code in GENERIC_CODES)


def test_generic_codes_are_codes_of_the_model() -> None:
    assert set(MODELLED) >= GENERIC_CODES


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", errors.Forbidden),
        ("AliasExistsException", errors.AliasExists),
        ("CodeMismatchException", errors.CodeMismatch),
        ("ExpiredCodeException", errors.ExpiredCode),
        ("ForbiddenException", errors.Forbidden),
        ("InternalErrorException", errors.InternalError),
        ("InvalidLambdaResponseException", errors.TriggerFailed),
        ("InvalidSmsRoleTrustRelationshipException", errors.InvalidConfiguration),
        ("LimitExceededException", errors.LimitExceeded),
        ("PasswordResetRequiredException", errors.PasswordResetRequired),
        ("RefreshTokenReuseException", errors.RefreshTokenReused),
        ("ResourceConflictException", errors.ResourceConflict),
        ("ThrottlingException", errors.Throttled),
        ("TooManyFailedAttemptsException", errors.TooManyFailedAttempts),
        ("TooManyRequestsException", errors.Throttled),
        ("UnauthorizedException", errors.NotAuthorized),
        ("UserNotConfirmedException", errors.UserNotConfirmed),
        ("UserNotFoundException", errors.UserNotFound),
        ("UsernameExistsException", errors.UsernameExists),
        ("SomethingNewException", ServiceError),
    ],
)
def test_a_code_has_one_class(code: str, kind: type[ServiceError]) -> None:
    error = error_of(code, "text", status=400, request_id="id-1")
    assert type(error) is kind
    assert (error.code, error.operation, error.status) == (code, "SignUp", 400)
    assert (error.message, error.request_id) == ("text", "id-1")


# --- NotAuthorized ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Incorrect username or password.", errors.IncorrectUsernameOrPassword),
        ("Password attempts exceeded", errors.AttemptsExceeded),
        ("User is disabled.", errors.UserDisabled),
        (
            "Temporary password has expired and must be reset by an administrator.",
            errors.TemporaryPasswordExpired,
        ),
        (
            "Client 4abc is configured for secret but secret was not received",
            errors.SecretHashMismatch,
        ),
        ("Unable to verify secret hash for client 4abc", errors.SecretHashMismatch),
        ("SecretHash does not match for the client: 4abc", errors.SecretHashMismatch),
        (
            "Client 4abc is not configured for secret but secret was received",
            errors.SecretHashMismatch,
        ),
        ("Invalid session for the user, session is expired.", errors.InvalidSession),
        ("Invalid session for the user, session can only be used once.", errors.InvalidSession),
        ("Invalid session for the user.", errors.InvalidSession),
        ("Refresh Token has expired", errors.RefreshTokenRejected),
        ("Refresh Token has been revoked", errors.RefreshTokenRejected),
        ("Invalid Refresh Token", errors.RefreshTokenRejected),
        ("Access Token has expired", errors.AccessTokenRejected),
        ("Invalid Access Token", errors.AccessTokenRejected),
        ("Access Token does not have required scopes", errors.AccessTokenRejected),
        # F092
        ("Unable to login because of security reasons.", errors.SignInBlocked),
        ("Request not allowed due to security reasons", errors.SignInBlocked),
        ("No first factor is available to the user.", errors.NotAuthorized),
        ("", errors.NotAuthorized),
    ],
)
def test_the_text_refines_not_authorized(message: str, kind: type[ServiceError]) -> None:
    assert type(refused(message)) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid login token. Token expired: 1727419245 >= 1727407607", errors.LoginTokenRejected),
        ("Invalid login token. Couldn't verify signed token.", errors.LoginTokenRejected),
        (
            "Token is not from a supported provider of this identity pool.",
            errors.LoginTokenRejected,
        ),
        ("Logins don't match. Please include at least one valid login", errors.LoginTokenRejected),
        ("Token is inactive", errors.LoginTokenRejected),
        (
            "Unauthenticated access is not supported for this identity pool.",
            errors.NotAuthorized,
        ),
        ("Access to Identity 'eu-west-1:1' is forbidden.", errors.NotAuthorized),
    ],
)
def test_identity_pools_have_texts_of_their_own(message: str, kind: type[ServiceError]) -> None:
    assert type(refused(message, "GetCredentialsForIdentity")) is kind
    assert type(refused(message, "InitiateAuth")) is errors.NotAuthorized


def test_a_refresh_refused_for_an_unknown_reason_means_the_token_is_gone() -> None:
    assert type(refused("Nope.", "GetTokensFromRefreshToken")) is errors.RefreshTokenRejected
    assert type(refused("Nope.", refreshing=True)) is errors.RefreshTokenRejected
    assert type(refused("Nope.")) is errors.NotAuthorized
    assert type(refused("User is disabled.", refreshing=True)) is errors.UserDisabled


def test_a_refresh_text_counts_only_where_a_refresh_can_be() -> None:
    assert type(refused("Invalid Refresh Token", "RevokeToken")) is errors.NotAuthorized


# --- an unknown user ------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["InitiateAuth", "RespondToAuthChallenge"])
def test_an_unknown_user_looks_like_a_wrong_password(operation: str) -> None:
    # threat 43
    unknown = error_of("UserNotFoundException", "User does not exist.", operation, status=400)
    wrong = error_of(
        "NotAuthorizedException", "Incorrect username or password.", operation, status=400
    )
    assert type(unknown) is type(wrong) is errors.IncorrectUsernameOrPassword
    assert str(unknown) == str(wrong)
    assert vars(unknown) == vars(wrong)


def test_a_deleted_user_shows_on_refresh_and_on_other_calls() -> None:
    code = "UserNotFoundException"
    assert type(error_of(code, "", "InitiateAuth", refreshing=True)) is errors.UserNotFound
    assert type(error_of(code, "", "GetUser")) is errors.UserNotFound


# --- facts in the text -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "trigger", "reason"),
    [
        ("PreSignUp failed with error Not from here.", "PreSignUp", "Not from here"),
        ("PreSignUp failed with error Not from here..", "PreSignUp", "Not from here."),
        ("PreTokenGeneration failed with error a: b\nc.", "PreTokenGeneration", "a: b c"),
        ("PreSignUp failed with error ", "PreSignUp", ""),
        ("Something else went wrong.", None, "Something else went wrong."),
    ],
)
def test_a_triggers_own_words_are_unwrapped(message: str, trigger: str | None, reason: str) -> None:
    # F074
    error = error_of("UserLambdaValidationException", message)
    assert isinstance(error, errors.TriggerFailed)
    assert (error.trigger, error.reason) == (trigger, reason)


@pytest.mark.parametrize(
    ("detail", "unmet"),
    [
        ("Password not long enough", ("length",)),
        ("Password must have uppercase characters", ("uppercase",)),
        ("Password must have lowercase characters", ("lowercase",)),
        ("Password must have numeric characters", ("number",)),
        ("Password must have symbol characters", ("symbol",)),
        ("Password has previously been used", ("history",)),
        ("Password is on a list", ("other",)),
    ],
)
def test_an_invalid_password_says_what_is_missing(detail: str, unmet: tuple[str, ...]) -> None:
    # F091
    error = error_of("InvalidPasswordException", f"Password did not conform with policy: {detail}")
    assert isinstance(error, errors.InvalidPassword)
    assert error.unmet == unmet


def test_a_password_used_before_is_a_kind_of_invalid_password() -> None:
    error = error_of("PasswordHistoryPolicyViolationException", "No.")
    assert isinstance(error, errors.PasswordHistoryPolicyViolation)
    assert error.unmet == ("history",)


# --- may it be repeated -------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("code", "safe"),
    [
        ("TooManyRequestsException", "always"),
        ("InternalErrorException", "if repeatable"),
        ("ExternalServiceException", "if repeatable"),
        ("UnexpectedLambdaException", "if repeatable"),
        ("InvalidLambdaResponseException", "if repeatable"),
        ("LimitExceededException", "never"),
        ("NotAuthorizedException", "never"),
        ("UserLambdaValidationException", "never"),
        ("SomethingNewException", "never"),
    ],
)
def test_each_error_knows_whether_a_repeat_is_safe(code: str, safe: str, repeatable: bool) -> None:
    expected = safe == "always" or (safe == "if repeatable" and repeatable)
    assert error_of(code, repeatable=repeatable).retry_safe is expected


# --- nothing of ours comes back ---------------------------------------------------------


def test_what_was_sent_is_blanked_out_of_the_text() -> None:
    # threat 34
    error = refused("Value 'hunter2!' at 'password' is bad for hunter2!", sent=["hunter2!"])
    assert error.message == "Value '***' at 'password' is bad for ***"
    assert "hunter2" not in str(error) + repr(vars(error))


def test_a_secret_is_blanked_out_of_a_triggers_words() -> None:
    # threat 34
    error = error_of(
        "UserLambdaValidationException",
        "PreSignUp failed with error no ana@x.io.",
        sent=["ana@x.io"],
    )
    assert isinstance(error, errors.TriggerFailed)
    assert (error.trigger, error.reason) == ("PreSignUp", "no ***")


def test_a_secret_that_a_long_text_would_cut_in_two_is_blanked_first() -> None:
    error = refused("x" * 995 + "Passw0rd!", sent=["Passw0rd!"])
    assert "Pass" not in error.message
    assert len(error.message) <= 1000


def test_a_text_cannot_forge_log_lines() -> None:
    assert error_of("NewException", "a\r\nERROR b\x1b[31m\u2028c").message == "a ERROR b [31m c"


@given(st.text(), st.text())
def test_any_text_makes_an_error_that_can_be_copied(code: str, message: str) -> None:
    error = service_error(code=code, message=message, operation="SignUp")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


# --- whatever arrives -----------------------------------------------------------------------


def read(body: object, status: int = 400, **headers: str) -> ServiceError | RemoteProtocolError:
    return read_error(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        operation="InitiateAuth",
    )


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"__type": "CodeMismatchException", "message": "m"}, {}),
        ({"__type": "com.amazonaws.cognito#CodeMismatchException", "Message": "m"}, {}),
        ({"code": "CodeMismatchException", "message": "m"}, {}),
        ({"message": "m"}, {"x_amzn_errortype": "CodeMismatchException:http://x/"}),
        ({"__type": 5, "message": "m"}, {"x_amzn_errortype": "CodeMismatchException"}),
        ({"__type": "CodeMismatchException:http://x", "message": "m", "Message": "n"}, {}),
    ],
)
def test_a_code_is_found_in_every_place_it_is_known_to_be(
    body: object, headers: dict[str, str]
) -> None:
    error = read(body, **headers)
    assert isinstance(error, errors.CodeMismatch)
    assert (error.code, error.message, error.status) == ("CodeMismatchException", "m", 400)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, errors.Forbidden),
        (429, errors.Throttled),
        (500, errors.InternalError),
        (502, errors.InternalError),
        (503, errors.InternalError),
        (599, errors.InternalError),
        (404, RemoteProtocolError),
        (400, RemoteProtocolError),
        (407, RemoteProtocolError),
        (204, RemoteProtocolError),
    ],
)
@pytest.mark.parametrize(
    "body", [b"<html>no</html>", b"", b"[1]", b'"text"', b"\xff\xfe", b"[" * 9999]
)
def test_an_answer_without_a_code_is_judged_by_its_status(
    body: bytes, status: int, kind: type[Exception]
) -> None:
    error = read(body, status)
    assert type(error) is kind
    assert "html" not in str(error)


def test_json_without_a_code_keeps_its_message() -> None:
    error = read({"message": "odd"}, 400)
    assert isinstance(error, ServiceError)
    assert (type(error), error.code, error.message) == (ServiceError, "400", "odd")


@pytest.mark.parametrize("code", ["A" * 101, "Bad Code", "1st", "a\nb", "é", ""])
def test_a_malformed_code_is_not_believed(code: str) -> None:
    error = read({"__type": code, "message": "m"})
    assert isinstance(error, ServiceError)
    assert error.code == "400"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"x_amz_retry_after": "1500"}, 1.5),
        ({"x_amz_retry_after": "1500", "retry_after": "7"}, 1.5),
        ({"retry_after": "99999999"}, 3600.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "1e9"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "Fri, 20 Nov 2026 22:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_service_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    error = read({"__type": "TooManyRequestsException"}, **headers)
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == seconds


def test_the_finer_code_of_an_invalid_parameter_is_kept() -> None:
    error = read({"__type": "InvalidParameterException", "message": "m", "reasonCode": "X_1"})
    assert isinstance(error, errors.InvalidParameter)
    assert error.reason_code == "X_1"


@given(status=st.integers(201, 599), body=st.binary(max_size=200))
def test_any_bytes_make_an_error_and_not_a_crash(status: int, body: bytes) -> None:
    error = read_error(status=status, headers={}, body=body, operation="GetId")
    assert isinstance(error, (ServiceError, RemoteProtocolError))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Fri, 20 Nov 2026 22:08:10 GMT", datetime(2026, 11, 20, 22, 8, 10, tzinfo=UTC)),
        (
            "Fri, 20 Nov 2026 22:08:10 +0200",
            datetime(2026, 11, 20, 22, 8, 10, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("Fri, 20 Nov 2026 22:08:10 -0000", None),
        ("Fri, 20 Nov 99999 22:08:10 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("x" * 65, None),
    ],
)
def test_the_services_clock_is_read_with_care(text: str | None, moment: datetime | None) -> None:
    assert http_date(text) == moment


@pytest.mark.parametrize("value", ["", "x" * 129, "a\tb", "ü"])
def test_an_implausible_request_id_is_dropped(value: str) -> None:
    assert request_id_in({"x-amzn-requestid": value}) is None
