"""A user pool that checks: the pure core of the local Cognito.

No sockets, nothing asynchronous, no clock and no randomness of its own. It answers
the operations that need no AWS credentials with the members of their output shapes,
or raises `PoolError`. Shells put it behind a `Transport` or behind HTTP; they ask it
one call at a time, for it holds no lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from aiocognito._clock import Clock
from aiocognito._partitions import parse_user_pool_id
from aiocognito.testing import descriptions, minting
from aiocognito.testing.account import Account
from aiocognito.testing.admin_constraints import ALL_INPUTS
from aiocognito.testing.admin_creation import UserCreation
from aiocognito.testing.admin_groups import AdminDescriptions, GroupOperations
from aiocognito.testing.admin_operations import AdminOperations
from aiocognito.testing.administration import PoolAdministration
from aiocognito.testing.attributes import OwnAttributes
from aiocognito.testing.constraints import check
from aiocognito.testing.conversation import Conversation
from aiocognito.testing.device_operations import DeviceOperations
from aiocognito.testing.draws import Entropy
from aiocognito.testing.lockout import Lockout
from aiocognito.testing.passkeys import Passkeys
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.recovery import PasswordRecovery
from aiocognito.testing.refreshing import Refreshing
from aiocognito.testing.registration import Registration
from aiocognito.testing.relying_party import UserVerification
from aiocognito.testing.settings import (
    MFA_METHODS,
    DeviceTracking,
    MfaMode,
    PoolSettings,
    Recovery,
)
from aiocognito.testing.state import PoolState
from aiocognito.testing.totp import STEP, code_at
from aiocognito.testing.totp_setup import TotpSetup
from aiocognito.testing.triggers import Trigger

__all__ = ["LocalUserPool"]


class LocalUserPool(PoolAdministration):
    """One user pool, strict where the service is strict.

    Args:
        user_pool_id: Such as ``eu-west-1_Ab12Cd34E``. Pools of the same id share their
            signing keys within a process.
        clock: Where the pool reads the time; `ManualClock` to move it by hand.
        entropy: Where it draws from: ids, salts, codes. The signing keys alone are
            drawn by OpenSSL.
        issuer: ``iss`` of the tokens; the service's own form if not given.
        username_attributes: ``email``, ``phone_number``: what people type, while true
            user names are UUIDs.
        alias_attributes: What people may type besides the true name, once verified.
        mfa: ``OFF``, ``OPTIONAL`` (each user decides) or ``ON``.
        mfa_methods: The factors on offer, out of ``SMS_MFA``, ``SOFTWARE_TOKEN_MFA``
            and ``EMAIL_OTP``.
        first_factors: What USER_AUTH may begin with, out of ``PASSWORD``, ``EMAIL_OTP``,
            ``SMS_OTP`` and ``WEB_AUTHN``; the app client has to allow the flow besides.
        relying_party: The domain that passkeys are made for, such as
            ``auth.example.com`` or ``localhost``; the managed-login domain if not given.
        user_verification: ``required`` or ``preferred``, of passkeys.
        passkey_mfa: Whether a passkey whose user was verified may stand for two factors;
            each user switches that on.
        device_tracking: ``ALWAYS`` or ``OPT_IN`` to hand out device keys, which every
            refresh must then name. With ``OPT_IN`` a confirmed device is remembered only
            once UpdateDeviceStatus says so.
        device_replaces_mfa: False where a remembered device proves itself after the
            second factor, not in place of it.
        required_attributes: What sign-up and NEW_PASSWORD_REQUIRED ask for.
        custom_attributes: Names without ``custom:``.
        immutable_attributes: Whole names of attributes that users write only once.
        auto_verified_attributes: ``email``, ``phone_number``: where codes go by
            themselves, at sign-up and after a change.
        verified_before_update: Those of them whose old value counts until the new one
            is verified (``AttributesRequireVerificationBeforeUpdate``).
        recovery: Where the code for a forgotten password may go, best first;
            ``("admin_only",)`` for nowhere.
        self_sign_up: False where only administrators make users.
        triggers: Lambda triggers by name, such as ``PreSignUp``: functions that get the
            event and return it. The `triggers` property changes them later.
        domain: The prefix of the managed-login domain.
        timestamp_tolerance: How far the time in an SRP claim may be off, in seconds.

    Raises:
        InvalidArgument: For a setting that no pool can have.
    """

    def __init__(
        self,
        user_pool_id: str,
        *,
        clock: Clock,
        entropy: Entropy = secrets.token_bytes,
        issuer: str | None = None,
        name: str = "local",
        username_attributes: Iterable[str] = (),
        alias_attributes: Iterable[str] = (),
        case_sensitive: bool = False,
        mfa: MfaMode = "OPTIONAL",
        mfa_methods: Iterable[str] = MFA_METHODS,
        first_factors: Iterable[str] = ("PASSWORD",),
        password_policy: PasswordPolicy | None = None,
        device_tracking: DeviceTracking = "OFF",
        device_replaces_mfa: bool = True,
        required_attributes: Iterable[str] = (),
        custom_attributes: Iterable[str] = (),
        immutable_attributes: Iterable[str] = (),
        auto_verified_attributes: Iterable[str] = ("email",),
        verified_before_update: Iterable[str] = (),
        recovery: Iterable[Recovery] = ("verified_email", "verified_phone_number"),
        self_sign_up: bool = True,
        triggers: Mapping[str, Trigger] | None = None,
        domain: str | None = None,
        relying_party: str | None = None,
        user_verification: UserVerification = "preferred",
        passkey_mfa: bool = False,
        timestamp_tolerance: float = 300.0,
    ) -> None:
        pool = parse_user_pool_id(user_pool_id)
        settings = PoolSettings(
            pool=pool,
            name=name,
            issuer=issuer if issuer is not None else pool.issuers[0],
            username_attributes=tuple(username_attributes),
            alias_attributes=tuple(alias_attributes),
            case_sensitive=case_sensitive,
            mfa=mfa,
            mfa_methods=tuple(mfa_methods),
            first_factors=tuple(first_factors),
            password_policy=password_policy if password_policy is not None else PasswordPolicy(),
            device_tracking=device_tracking,
            device_replaces_mfa=device_replaces_mfa,
            required_attributes=tuple(required_attributes),
            custom_attributes=tuple(custom_attributes),
            immutable_attributes=tuple(immutable_attributes),
            auto_verified_attributes=tuple(auto_verified_attributes),
            verified_before_update=tuple(verified_before_update),
            recovery=tuple(recovery),
            self_sign_up=self_sign_up,
            domain=domain,
            relying_party=relying_party,
            user_verification=user_verification,
            passkey_mfa=passkey_mfa,
        )
        super().__init__(PoolState.empty(settings, clock, entropy, tolerance=timestamp_tolerance))
        self.triggers.update(triggers or {})
        self._operations = self._wire()

    def _wire(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        refreshing = Refreshing(self._state)
        conversation = Conversation(self._state, refreshing)
        account = Account(self._state, guesses=Lockout())
        totp = TotpSetup(self._state)
        registration = Registration(self._state)
        recovery = PasswordRecovery(self._state)
        attributes = OwnAttributes(self._state)
        return {
            "InitiateAuth": conversation.initiate,
            "RespondToAuthChallenge": conversation.respond,
            "AdminInitiateAuth": conversation.admin_initiate,
            "AdminRespondToAuthChallenge": conversation.respond,
            "GetTokensFromRefreshToken": refreshing.by_operation,
            "RevokeToken": refreshing.revoke,
            "SignUp": registration.sign_up,
            "ConfirmSignUp": registration.confirm,
            "ResendConfirmationCode": registration.resend,
            "ForgotPassword": recovery.begin,
            "ConfirmForgotPassword": recovery.finish,
            "UpdateUserAttributes": attributes.update,
            "DeleteUserAttributes": attributes.delete,
            "GetUserAttributeVerificationCode": attributes.send_code,
            "VerifyUserAttribute": attributes.verify,
            "GetUser": account.get_user,
            "GetUserAuthFactors": account.auth_factors,
            "DeleteUser": account.delete_user,
            "ChangePassword": account.change_password,
            "SetUserMFAPreference": account.set_mfa_preference,
            "GlobalSignOut": account.global_sign_out,
            "AssociateSoftwareToken": totp.associate,
            "VerifySoftwareToken": totp.verify,
            **DeviceOperations(self._state).table(),
            **Passkeys(self._state).table(),
            **UserCreation(self._state).table(),
            **AdminOperations(self._state).table(),
            **GroupOperations(self._state).table(),
            **AdminDescriptions(self._state).table(),
        }

    # --- answering ---

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one operation. Who may ask is the shells' affair.

        A refused call changes nothing but the counters of failures; a weighed SRP
        claim also spends its secret block, and what a failing ``PostConfirmation`` was
        told of has happened.

        Args:
            operation: AWS's name, such as ``InitiateAuth``.
            parameters: The members of its input shape, as JSON has them.

        Raises:
            PoolError: With a code that the operation's model lists, or one of those
                every operation can have.
        """
        request = check(operation, parameters, ALL_INPUTS)
        self._state.named_device.begin(None)
        return self._operations[operation](request)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the key set: the ID tokens' key and the access tokens' key."""
        return self._state.tokens.keys.jwks()

    def openid_configuration(self) -> dict[str, Any]:
        """Return the OpenID discovery document."""
        return descriptions.openid_configuration(self._state.settings)

    def describe_user_pool(self) -> dict[str, Any]:
        """Return the answer of DescribeUserPool."""
        return {
            "UserPool": descriptions.user_pool(self._state.settings, users=len(self._state.users))
        }

    def describe_user_pool_client(self, client_id: str) -> dict[str, Any]:
        """Return the answer of DescribeUserPoolClient; raises `PoolError` for a stranger."""
        client = self._state.client(client_id)
        return {"UserPoolClient": client.description(self.user_pool_id)}

    # --- for tests ---

    def totp_code(self, username: str, *, unused: bool = False) -> str:
        """Return the code of this moment; with `unused`, one that was not used yet.

        Raises:
            LookupError: No such user, no authenticator, or every code that would be
                accepted now is spent.
        """
        token = self.user(username).software_token
        if token is None:
            raise LookupError(f"{username!r} has no authenticator")
        now = self._state.clock.wall()
        return token.unused_code(now) if unused else code_at(token.secret, int(now // STEP))

    def force_srp(self, *, b: int | None = None, secret_block: bytes | None = None) -> None:
        """Use these in every SRP exchange from now on; None goes back to drawing.

        For edge cases of padding. `add_user` and `set_password` take the salt.

        Args:
            b: The server's secret exponent.
            secret_block: The raw bytes of the block.
        """
        self._state.srp.forced.b = b
        self._state.srp.forced.secret_block = secret_block

    def verify_id_token(
        self, token: str, client_ids: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Check an ID token as an identity pool does and return its claims.

        Checks signature, issuer, kind and expiry, and the audience if `client_ids` is
        given. Does not ask whether the user signed out; see `is_active`.

        Raises:
            TokenVerificationError: The leaf that names the check that failed.
        """
        return self._state.tokens.verify_id_token(token, client_ids)

    def is_active(self, claims: Mapping[str, Any]) -> bool:
        """Say whether the user behind verified claims still exists, enabled and signed in.

        What an identity pool asks with ``ServerSideTokenCheck``.
        """
        user = self._state.users.of_sub(str(claims.get("sub")))
        return user is not None and user.enabled and not self._state.tokens.is_revoked(claims)

    def mint(
        self,
        username: str,
        client_id: str,
        *,
        token_use: minting.TokenUse = "access",  # noqa: S107 - no password
        expires_in: float | None = None,
        signature: minting.Signature = "valid",
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a token, also one the pool would never issue, to test a verifier with.

        Args:
            expires_in: Seconds from now, negative for an expired token; the client's
                own lifetime if not given.
            signature: ``broken``, or ``other-key`` for one made with the wrong key
                under the right ``kid``.
            claims: Laid over the usual ones; None takes one away.
            header: The same for the header.
        """
        return minting.mint(
            self._state.tokens,
            self.user(username),
            self._state.client(client_id),
            token_use=token_use,
            expires_in=expires_in,
            signature=signature,
            claims=claims or {},
            header=header or {},
        )
