"""The service errors a local pool answers with: documented codes and texts.

Most texts are those that people quote from the real service; a few that nobody
has quoted are our own and are marked so. Programs should match codes, not texts,
but plenty of them match texts, so these are kept to the letter.
"""

from __future__ import annotations

__all__ = ["PoolError"]


class PoolError(Exception):
    """A call was refused the way the service refuses it.

    Attributes:
        code: What goes into ``__type``, such as ``NotAuthorizedException``.
        message: The service's sentence.
        status: The HTTP status: 400, or 500 when the service itself failed.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.code, self.message, self.status)


def not_authorized(message: str) -> PoolError:
    return PoolError("NotAuthorizedException", message)


def invalid_parameter(message: str) -> PoolError:
    return PoolError("InvalidParameterException", message)


# --- whole calls ---------------------------------------------------------------


def unknown_operation(operation: str) -> PoolError:
    return PoolError("UnknownOperationException", f"This pool does not answer {operation}.")


def client_not_found(client_id: str) -> PoolError:
    return PoolError("ResourceNotFoundException", f"User pool client {client_id} does not exist.")


def missing_parameter(name: str) -> PoolError:
    return invalid_parameter(f"Missing required parameter {name}")


# --- who is calling ------------------------------------------------------------


def incorrect_username_or_password() -> PoolError:
    """One text for a wrong password, signature, time or secret block, and for nobody."""
    return not_authorized("Incorrect username or password.")


def user_not_found() -> PoolError:
    return PoolError("UserNotFoundException", "User does not exist.")


def user_client_not_found() -> PoolError:
    """What the calls of sign-up and recovery say, where the client may know."""
    return PoolError("UserNotFoundException", "Username/client id combination not found.")


def user_not_confirmed() -> PoolError:
    return PoolError("UserNotConfirmedException", "User is not confirmed.")


def user_disabled() -> PoolError:
    return not_authorized("User is disabled.")


def attempts_exceeded() -> PoolError:
    return not_authorized("Password attempts exceeded")


def secret_missing(client_id: str) -> PoolError:
    return not_authorized(
        f"Client {client_id} is configured for secret but secret was not received"
    )


def secret_mismatch(client_id: str) -> PoolError:
    return not_authorized(f"Unable to verify secret hash for client {client_id}")


def secret_mismatch_on_refresh(client_id: str) -> PoolError:
    return not_authorized(f"SecretHash does not match for the client: {client_id}")


def device_not_found() -> PoolError:
    return PoolError("ResourceNotFoundException", "Device does not exist.")


# --- sessions and codes --------------------------------------------------------


def session_unknown() -> PoolError:
    return not_authorized("Invalid session for the user.")


def session_expired() -> PoolError:
    return not_authorized("Invalid session for the user, session is expired.")


def session_spent() -> PoolError:
    return not_authorized("Invalid session for the user, session can only be used once.")


def code_mismatch() -> PoolError:
    return PoolError("CodeMismatchException", "Invalid code or auth state for the user.")


def verification_mismatch() -> PoolError:
    return PoolError(
        "CodeMismatchException", "Invalid verification code provided, please try again."
    )


def code_expired() -> PoolError:
    return PoolError("ExpiredCodeException", "Invalid code provided, please request a code again.")


def attempt_limit_exceeded() -> PoolError:
    return PoolError(
        "LimitExceededException", "Attempt limit exceeded, please try after some time."
    )


def totp_mismatch() -> PoolError:
    return PoolError("CodeMismatchException", "Invalid code received for user")


def totp_used() -> PoolError:
    return PoolError("ExpiredCodeException", "Your software token has already been used once.")


def totp_not_in_pool() -> PoolError:
    return PoolError(
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
    )


def totp_not_set_up() -> PoolError:
    return PoolError(
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA does not exist for the user.",
    )
