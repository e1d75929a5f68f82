"""Everything this library raises, in one tree.

::

    CognitoError
    ├─ InvalidArgument (also ValueError)     the caller's mistake, found before
    ├─ InvalidType (also TypeError)          anything is sent
    ├─ ServiceError                          the service answered with an error
    │  ├─ NotAuthorized
    │  │  ├─ IncorrectUsernameOrPassword     (an unknown user looks the same)
    │  │  ├─ UserDisabled  AttemptsExceeded  TemporaryPasswordExpired  SignInBlocked
    │  │  ├─ SecretHashMismatch  InvalidSession  DeviceRefused
    │  │  └─ RefreshTokenRejected  AccessTokenRejected  LoginTokenRejected
    │  ├─ UserNotConfirmed  PasswordResetRequired  UserNotFound
    │  ├─ CodeMismatch  ExpiredCode  CodeDeliveryFailure
    │  ├─ InvalidPassword(unmet) ─ PasswordHistoryPolicyViolation
    │  ├─ UsernameExists  AliasExists  GroupExists
    │  ├─ Throttled  LimitExceeded  TooManyFailedAttempts
    │  ├─ TriggerFailed(trigger, reason)  RefreshTokenReused
    │  ├─ InvalidParameter(reason_code)  ResourceConflict
    │  ├─ ResourceNotFound ─ DeviceNotFound
    │  ├─ MFAMethodNotFound  SoftwareTokenMFANotFound  EnableSoftwareTokenMFA
    │  ├─ WebAuthnNotEnabled  WebAuthnConfigurationMissing  WebAuthnChallengeNotFound
    │  ├─ WebAuthnClientMismatch  WebAuthnRelyingPartyMismatch
    │  ├─ WebAuthnOriginNotAllowed  WebAuthnCredentialNotSupported
    │  ├─ InvalidConfiguration  FeatureUnavailableInTier  OperationNotEnabled
    │  ├─ CredentialsRejected              the AWS keys that signed a call are no good
    │  ├─ RoleNotAssumed                   STS gave no credentials for a role
    │  └─ Forbidden  InternalError  ExternalService
    ├─ TransportError(operation, retry_safe)  no answer
    │  ├─ ConnectFailed  CertificateRejected     nothing was sent
    │  └─ ResponseLost  DeadlineExceeded         the service may have acted
    ├─ ProtocolError
    │  ├─ LocalProtocolError                 you called out of turn
    │  └─ RemoteProtocolError                the server said something impossible
    ├─ ChallengeRequired(challenge)          a challenge waits for an answer
    ├─ SignInRequired(username, reason)      the session is over
    ├─ RefreshFailed(retry_after)            no fresh token now; try again later
    ├─ SessionClosed                         signed out, or its pool was closed
    ├─ TokenVerificationError                a token is not what it must be
    │  ├─ TokenMalformed  TokenAlgorithmRejected  TokenKeyUnknown
    │  ├─ TokenSignatureInvalid  TokenExpired  TokenNotYetValid
    │  └─ TokenIssuerMismatch  TokenClientMismatch  TokenUseMismatch
    │     TokenUserMismatch  TokenScopeMissing  TokenGroupMissing
    ├─ KeysUnavailable(retry_safe)           the pool's signing keys cannot be read
    └─ StoreError                            kept tokens cannot be read or written
       ├─ StoreUnavailable ─ StoreLocked     not now; try again
       ├─ StoreUnsafe(path, reason)          others can read or change it
       ├─ StoreDamaged                       what is there is no entry
       └─ StoreKeyRejected                   no key that was given opens it

A challenge is not an error: it is a value that waits for an answer, and becomes
`ChallengeRequired` only where nobody was there to answer.

Messages are one short sentence that says what to do next. Facts are attributes.
No message contains a password, a token, a code or a client secret.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AccessTokenRejected",
    "AliasExists",
    "AttemptsExceeded",
    "CertificateRejected",
    "ChallengeRequired",
    "CodeDeliveryFailure",
    "CodeMismatch",
    "CognitoError",
    "ConnectFailed",
    "CredentialsRejected",
    "DeadlineExceeded",
    "DeviceNotFound",
    "DeviceRefused",
    "EnableSoftwareTokenMFA",
    "ExpiredCode",
    "ExternalService",
    "FeatureUnavailableInTier",
    "Forbidden",
    "GroupExists",
    "IncorrectUsernameOrPassword",
    "InternalError",
    "InvalidArgument",
    "InvalidConfiguration",
    "InvalidParameter",
    "InvalidPassword",
    "InvalidSession",
    "InvalidType",
    "KeysUnavailable",
    "LimitExceeded",
    "LocalProtocolError",
    "LoginTokenRejected",
    "MFAMethodNotFound",
    "NotAuthorized",
    "OperationNotEnabled",
    "PasswordHistoryPolicyViolation",
    "PasswordResetRequired",
    "ProtocolError",
    "RefreshFailed",
    "RefreshTokenRejected",
    "RefreshTokenReused",
    "RemoteProtocolError",
    "ResourceConflict",
    "ResourceNotFound",
    "ResponseLost",
    "RoleNotAssumed",
    "SecretHashMismatch",
    "ServiceError",
    "SessionClosed",
    "SignInBlocked",
    "SignInRequired",
    "SoftwareTokenMFANotFound",
    "StoreDamaged",
    "StoreError",
    "StoreKeyRejected",
    "StoreLocked",
    "StoreUnavailable",
    "StoreUnsafe",
    "TemporaryPasswordExpired",
    "Throttled",
    "TokenAlgorithmRejected",
    "TokenClientMismatch",
    "TokenExpired",
    "TokenGroupMissing",
    "TokenIssuerMismatch",
    "TokenKeyUnknown",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenScopeMissing",
    "TokenSignatureInvalid",
    "TokenUseMismatch",
    "TokenUserMismatch",
    "TokenVerificationError",
    "TooManyFailedAttempts",
    "TransportError",
    "TriggerFailed",
    "UserDisabled",
    "UserNotConfirmed",
    "UserNotFound",
    "UsernameExists",
    "WebAuthnChallengeNotFound",
    "WebAuthnClientMismatch",
    "WebAuthnConfigurationMissing",
    "WebAuthnCredentialNotSupported",
    "WebAuthnNotEnabled",
    "WebAuthnOriginNotAllowed",
    "WebAuthnRelyingPartyMismatch",
]


class CognitoError(Exception):
    """The root: catch it to catch everything this library raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only constructors break the default way of copying an exception.
        # Copies matter here: callers that share a failed refresh get one each.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def _rebuild(
    kind: type[CognitoError], args: tuple[Any, ...], facts: dict[str, Any]
) -> CognitoError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


# --- the caller's mistakes ---------------------------------------------------


class InvalidArgument(CognitoError, ValueError):
    """An argument has the right type and an impossible value.

    Attributes:
        argument: The parameter's name.
    """

    def __init__(self, argument: str, requirement: str) -> None:
        super().__init__(f"{argument} must be {requirement}.")
        self.argument = argument


class InvalidType(CognitoError, TypeError):
    """An argument has the wrong type.

    Attributes:
        argument: The parameter's name.
    """

    def __init__(self, argument: str, expected: str, got: object) -> None:
        # The type only: the value may be the secret in the wrong wrapper.
        super().__init__(f"{argument} must be {expected}, not {type(got).__name__}.")
        self.argument = argument


# --- the service's answers ---------------------------------------------------


class ServiceError(CognitoError):
    """The service answered with an error.

    Attributes:
        code: AWS's name for it, such as ``NotAuthorizedException``.
        message: The service's own text, with everything we had sent blanked out.
        operation: The operation that was refused, such as ``InitiateAuth``.
        request_id: What AWS support asks for, or None.
        status: The HTTP status; Cognito answers 400 to nearly everything.
        retry_safe: Whether sending the same call again cannot do harm.
        retry_after: Seconds the service asked us to wait, or None.
    """

    advice: ClassVar[str] = "The service refused the call"
    quotes_service: ClassVar[bool] = True

    def __init__(
        self,
        message: str = "",
        *,
        code: str,
        operation: str,
        request_id: str | None = None,
        status: int | None = None,
        retry_safe: bool = False,
        retry_after: float | None = None,
    ) -> None:
        quoted = f": {message.rstrip('.')}" if message and self.quotes_service else ""
        super().__init__(f"{self.advice}{quoted}. [{operation}: {code}]")
        self.code = code
        self.message = message
        self.operation = operation
        self.request_id = request_id
        self.status = status
        self.retry_safe = retry_safe
        self.retry_after = retry_after


class NotAuthorized(ServiceError):
    """The service refused for a reason only its text tells."""

    advice = "Not authorized"


class IncorrectUsernameOrPassword(NotAuthorized):
    """The user name or the password is wrong; the two are never told apart."""

    advice = "Check the user name and the password, then sign in again"
    quotes_service = False


class UserDisabled(NotAuthorized):
    """An administrator has disabled this user."""

    advice = "Ask an administrator to enable this user"
    quotes_service = False


class AttemptsExceeded(NotAuthorized):
    """The user is locked after too many wrong passwords, for up to 15 minutes."""

    advice = "Wait before the next attempt; this user is locked for up to 15 minutes"
    quotes_service = False


class TemporaryPasswordExpired(NotAuthorized):
    """The temporary password was not used in time."""

    advice = "Ask an administrator for a new temporary password"
    quotes_service = False


class SignInBlocked(NotAuthorized):
    """Threat protection refused for the risk it saw; the password may well be right."""

    advice = "Threat protection refused this; do not repeat it at once"
    quotes_service = False


class SecretHashMismatch(NotAuthorized):
    """The app client's secret is missing, wrong, or not wanted."""

    advice = "Check client_secret; it does not fit this app client"
    quotes_service = False


class InvalidSession(NotAuthorized):
    """The challenge's session is expired, used or unknown."""

    advice = "Start the sign-in again; this challenge has expired or was answered before"
    quotes_service = False


class DeviceRefused(NotAuthorized):
    """The remembered device's proof is wrong; the user's password was right.

    The service's words for it are those of a wrong password.
    """

    advice = "Sign in without this remembered device; the service does not accept its proof"
    quotes_service = False


class RefreshTokenRejected(NotAuthorized):
    """The refresh token is expired, revoked, or not for this client and device."""

    advice = "Sign in again; the refresh token is no longer accepted"


class AccessTokenRejected(NotAuthorized):
    """The access token is expired, revoked or lacks a scope."""

    advice = "Refresh the session or sign in again; the access token is not accepted"


class LoginTokenRejected(NotAuthorized):
    """The identity pool does not accept this login."""

    advice = "Check that the identity pool lists this user pool and app client"

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message, **facts)
        hint = next((hint for sign, hint in _LOGIN_HINTS if sign in message), None)
        if hint is not None:
            self.args: tuple[Any, ...] = (f"{hint}. [{self.operation}: {self.code}]",)


# What the service's words mean for whoever configured it.
_LOGIN_HINTS = (
    ("required claim: aud", "Give the ID token to the identity pool; this is an access token"),
    (
        "Issuer doesn't match",
        "Check login_key against the token's iss: cognito-idp…/<pool>, or issuer-cognito-idp…",
    ),
    ("Token expired", "Refresh the session, then ask again; the login token has expired"),
    ("Token is inactive", "Sign in again; the user was signed out, disabled or deleted"),
    ("Couldn't verify", "Check where the login token comes from; its signature is wrong"),
)


class UserNotConfirmed(ServiceError):
    """The user exists and has not confirmed the account yet."""

    advice = "Confirm the account with the code that was sent, then sign in"
    quotes_service = False


class PasswordResetRequired(ServiceError):
    """An administrator asked for a new password."""

    advice = "Reset the password (forgot password), then sign in"
    quotes_service = False


class UserNotFound(ServiceError):
    """No such user. At sign-in this becomes `IncorrectUsernameOrPassword`."""

    advice = "Check the user name"
    quotes_service = False


class CodeMismatch(ServiceError):
    """The code is wrong; the same challenge still waits for the right one."""

    advice = "Enter the code again; it is not the one expected"
    quotes_service = False


class ExpiredCode(ServiceError):
    """The code is too old, or this TOTP code was used before."""

    advice = "Use a new code; this one is expired or was used before"
    quotes_service = False


class CodeDeliveryFailure(ServiceError):
    """The service could not deliver the code."""

    advice = "Check the user's e-mail address or phone number; the code was not delivered"


class InvalidPassword(ServiceError):
    """The new password does not meet the pool's policy.

    Attributes:
        unmet: What is missing, from ``length``, ``uppercase``, ``lowercase``,
            ``number``, ``symbol``, ``history`` and ``other``.
    """

    advice = "Choose another password"

    def __init__(self, message: str = "", *, unmet: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.unmet = unmet


class PasswordHistoryPolicyViolation(InvalidPassword):
    """The new password was used before."""

    advice = "Choose a password that was not used before"
    quotes_service = False


class UsernameExists(ServiceError):
    """Somebody has this user name already."""

    advice = "Choose another user name, or sign in"
    quotes_service = False


class AliasExists(ServiceError):
    """Another user has this e-mail address or phone number."""

    advice = "Use another e-mail address or phone number; this one belongs to another user"
    quotes_service = False


class GroupExists(ServiceError):
    """The pool has a group of this name already."""

    advice = "Choose another group name, or update the group"
    quotes_service = False


class CredentialsRejected(ServiceError):
    """AWS does not accept the signature: unknown or expired keys, or a wrong clock.

    Keys that are known and may not do this give `Forbidden`.
    """

    advice = "Check the AWS credentials behind aws=, and this machine's clock"


class RoleNotAssumed(ServiceError):
    """STS gave no credentials for a role; ``code`` says why.

    ``AccessDenied``: the role does not exist, or its trust policy does not name this
    identity pool. ``ExpiredTokenException``, ``InvalidIdentityToken``,
    ``IDPRejectedClaim``: the token. ``MalformedPolicyDocument``,
    ``PackedPolicyTooLarge``: the policy for the session. ``RegionDisabledException``:
    the account has STS switched off in this region.
    """

    advice = "Check the role's trust policy and what was asked of STS"


class Throttled(ServiceError):
    """The account's request quota is used up for the moment."""

    advice = "Send fewer requests for a while"
    quotes_service = False


class LimitExceeded(ServiceError):
    """A limit of this user or account is reached; repeating makes it worse."""

    advice = "Wait some time before the next attempt"


class TooManyFailedAttempts(LimitExceeded):
    """Too many failures for this action."""


class TriggerFailed(ServiceError):
    """A Lambda trigger of the pool refused the call or failed.

    Attributes:
        trigger: Which one, such as ``PreSignUp``, or None if the text does not say.
        reason: The function's own words, unwrapped.
    """

    advice = "The pool's Lambda trigger refused"

    def __init__(
        self,
        message: str = "",
        *,
        trigger: str | None = None,
        reason: str = "",
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.trigger = trigger
        self.reason = reason


class RefreshTokenReused(ServiceError):
    """A rotated refresh token was presented again after its grace period."""

    advice = "Sign in again; this refresh token was already exchanged for a newer one"
    quotes_service = False


class InvalidParameter(ServiceError):
    """The service does not accept the request as it is.

    Attributes:
        reason_code: A finer code of the service's, or None.
    """

    advice = "The service does not accept a parameter"

    def __init__(self, message: str = "", *, reason_code: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.reason_code = reason_code


class ResourceNotFound(ServiceError):
    """The pool, app client, device or identity does not exist in this region."""

    advice = "Check the ids and the region"


class DeviceNotFound(ResourceNotFound):
    """The user has no such device, or not any more."""

    advice = "Forget this device; the service does not know it"
    quotes_service = False


class ResourceConflict(ServiceError):
    """The login is linked to another identity."""

    advice = "Unlink the login from its other identity first"


class MFAMethodNotFound(ServiceError):
    """No MFA factor of this user can be used."""

    advice = "Set up an MFA factor for this user"
    quotes_service = False


class SoftwareTokenMFANotFound(ServiceError):
    """TOTP is not enabled in the pool or not set up by the user."""

    advice = "Set up TOTP for this user first"


class EnableSoftwareTokenMFA(ServiceError):
    """The TOTP code did not verify during set-up."""

    advice = "Enter a new code from the authenticator; TOTP was not set up"
    quotes_service = False


class WebAuthnNotEnabled(ServiceError):
    """Passkeys are no first factor of this pool."""

    advice = "Allow WEB_AUTHN as a first factor of the user pool"
    quotes_service = False


class WebAuthnConfigurationMissing(ServiceError):
    """The pool has neither a relying party nor a domain."""

    advice = "Give the user pool a relying party id or a domain"
    quotes_service = False


class WebAuthnChallengeNotFound(ServiceError):
    """The registration was not started, or too long ago, or completed before."""

    advice = "Start the registration of the passkey again; this one has ended"
    quotes_service = False


class WebAuthnClientMismatch(ServiceError):
    """The registration was started with another app client."""

    advice = "Complete the registration with the app client it was started with"
    quotes_service = False


class WebAuthnRelyingPartyMismatch(ServiceError):
    """The passkey is of another relying party than the pool."""

    advice = "Make the passkey for the relying party that the user pool names"
    quotes_service = False


class WebAuthnOriginNotAllowed(ServiceError):
    """The page that made the passkey is not the relying party's."""

    advice = "Make the passkey on a page of the relying party's domain"
    quotes_service = False


class WebAuthnCredentialNotSupported(ServiceError):
    """The pool does not take this kind of passkey."""

    advice = "Use another passkey provider or authenticator"
    quotes_service = False


class InvalidConfiguration(ServiceError):
    """The pool's own configuration is broken (roles, triggers, mail)."""

    advice = "Ask the pool's owner to correct its configuration"


class FeatureUnavailableInTier(ServiceError):
    """The pool's feature plan does not include this."""

    advice = "Choose a feature plan that includes this"


class OperationNotEnabled(ServiceError):
    """This region holds a replica that does not offer the operation."""

    advice = "Call the pool's primary region"


class Forbidden(ServiceError):
    """A web firewall or policy stands in the way."""

    advice = "The request was blocked (AWS WAF or a resource policy)"


class InternalError(ServiceError):
    """The service failed; whether it acted is unknown."""

    advice = "The service failed; try again later"
    quotes_service = False


class ExternalService(ServiceError):
    """An outside identity provider failed."""

    advice = "The identity provider behind the service failed; try again later"
    quotes_service = False


# --- no answer ---------------------------------------------------------------


class TransportError(CognitoError):
    """No answer arrived.

    Attributes:
        operation: The operation that was under way.
        retry_safe: Whether sending the same call again cannot do harm.
    """

    advice: ClassVar[str] = "The service could not be reached; try again"

    def __init__(self, operation: str, *, retry_safe: bool) -> None:
        super().__init__(f"{self.advice}. [{operation}]")
        self.operation = operation
        self.retry_safe = retry_safe


class ConnectFailed(TransportError):
    """Name look-up, connection or TLS failed before anything was sent."""

    advice = "No connection to the service; check the network, the region and endpoint_url"


class CertificateRejected(TransportError):
    """The server's certificate is not trusted. Nothing was sent."""

    advice = "The server's certificate is not trusted; do not sign in over this network"


class ResponseLost(TransportError):
    """The request was sent and the answer did not arrive whole."""

    advice = "The answer was lost on its way; the service may have acted"


class DeadlineExceeded(TransportError):
    """The answer did not arrive in time; the service may have acted."""

    advice = "The service did not answer in time"


# --- the conversation --------------------------------------------------------


class ProtocolError(CognitoError):
    """One side of the conversation said something out of turn."""


class LocalProtocolError(ProtocolError):
    """You called something that is not possible in this state."""


class RemoteProtocolError(ProtocolError):
    """The server said something that Cognito does not say.

    What was held before (tokens, identities) is kept.
    """


class ChallengeRequired(CognitoError):
    """A challenge waits and no responder answered it.

    Attributes:
        challenge: The challenge; answer it with ``pool.resume(challenge.answer(…))``.
    """

    def __init__(self, challenge: Any) -> None:
        super().__init__(
            f"The service asks for {challenge.name}; pass respond=, or answer it with pool.resume."
        )
        self.challenge = challenge


class SignInRequired(CognitoError):
    """The session cannot go on by itself; a person has to sign in.

    Attributes:
        username: For whom, or None if the session never knew.
        reason: One of ``not-signed-in``, ``refresh-token-rejected``,
            ``refresh-token-reused``, ``user-disabled``, ``user-gone``,
            ``password-reset-required``, ``user-not-confirmed``,
            ``wrong-password``, ``challenge``, ``signed-out``.
    """

    def __init__(self, username: str | None, reason: str) -> None:
        super().__init__(f"Sign in again: {reason.replace('-', ' ')}.")
        self.username = username
        self.reason = reason


class RefreshFailed(CognitoError):
    """No fresh token or credentials can be had now; the cause is chained.

    Attributes:
        retry_after: Seconds until the next attempt is made; earlier calls fail at once.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Nothing fresh can be had now; try again in {retry_after:.0f} s.")
        self.retry_after = retry_after


class SessionClosed(CognitoError):
    """The session was signed out or its pool was closed."""

    def __init__(self) -> None:
        super().__init__(
            "Sign in again, on an open pool; this one is closed, or the session was signed out."
        )


# --- tokens ------------------------------------------------------------------


class TokenVerificationError(CognitoError):
    """A token is not what it must be.

    Attributes:
        claim: The claim or header member at fault, or None.
        expected: What it had to be.
        actual: What it was. Never the token itself.
    """

    advice: ClassVar[str] = "The token is not valid"

    def __init__(
        self,
        detail: str = "",
        *,
        claim: str | None = None,
        expected: object = None,
        actual: object = None,
    ) -> None:
        super().__init__(f"{self.advice}: {detail}." if detail else f"{self.advice}.")
        self.claim = claim
        self.expected = expected
        self.actual = actual


class TokenMalformed(TokenVerificationError):
    """The text is not a well-formed JWT."""

    advice = "The token is malformed"


class TokenAlgorithmRejected(TokenVerificationError):
    """The token asks for another algorithm than RS256, or for an extension."""

    advice = "Only plain RS256 tokens are accepted"


class TokenKeyUnknown(TokenVerificationError):
    """No key of the pool signed this token."""

    advice = "The token was not signed by a known key of this pool"


class TokenSignatureInvalid(TokenVerificationError):
    """The signature does not fit the token."""

    advice = "The token's signature is wrong"


class TokenExpired(TokenVerificationError):
    """The token's time is over."""

    advice = "The token has expired; refresh it"


class TokenNotYetValid(TokenVerificationError):
    """The token is not valid yet."""

    advice = "The token is not valid yet; check the clock"


class TokenIssuerMismatch(TokenVerificationError):
    """Another pool issued this token."""

    advice = "The token comes from another issuer"


class TokenClientMismatch(TokenVerificationError):
    """The token was issued to another app client."""

    advice = "The token is for another app client"


class TokenUseMismatch(TokenVerificationError):
    """An ID token where an access token belongs, or the reverse."""

    advice = "The token is of the wrong kind"


class TokenUserMismatch(TokenVerificationError):
    """The token is another user's."""

    advice = "The token belongs to another user"


class TokenScopeMissing(TokenVerificationError):
    """The token lacks a scope."""

    advice = "The token lacks a scope"


class TokenGroupMissing(TokenVerificationError):
    """The user is in none of the groups asked for."""

    advice = "The user is not in the group"


class KeysUnavailable(CognitoError):
    """The pool's signing keys cannot be read, so nothing can be verified now.

    Attributes:
        retry_safe: Whether asking again can help.
    """

    def __init__(self, *, retry_safe: bool = True) -> None:
        advice = "try again later" if retry_safe else "check the pool id and endpoint_url"
        super().__init__(f"The pool's signing keys cannot be read; {advice}.")
        self.retry_safe = retry_safe


class StoreError(CognitoError):
    """A store of tokens cannot do what it was asked."""


class StoreUnavailable(StoreError):
    """The store does not answer, or is full; what it held before is still there.

    A commit may have happened all the same. To commit again is safe.
    """


class StoreLocked(StoreUnavailable):
    """Somebody else has been writing all the time; reading still works.

    Attributes:
        seconds: How long was waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The store is locked by another process; gave up after {seconds:.0f} s, try again."
        )
        self.seconds = seconds


class StoreUnsafe(StoreError):
    """Others could read or change what is kept there, so it is not used.

    Attributes:
        path: Which file or folder.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Not a safe place for tokens, {reason}; change it or choose another.")
        self.path = path
        self.reason = reason


class StoreDamaged(StoreError):
    """What the store holds is no entry of ours; delete it and sign in again."""


class StoreKeyRejected(StoreError):
    """None of the given keys opens the entry, or somebody has changed it.

    The entry stays: with the right key it may open.
    """
