"""How a pool looks to DescribeUserPool and to OpenID discovery."""

from __future__ import annotations

from typing import Any

from aiocognito.testing.settings import PoolSettings

__all__ = ["mfa_configuration", "openid_configuration", "user_pool"]

_ARN_ACCOUNT = "000000000000"


def user_pool(settings: PoolSettings, *, users: int) -> dict[str, Any]:
    """Return the ``UserPool`` member of DescribeUserPool, ``Domain`` among it."""
    pool = settings.pool
    described: dict[str, Any] = {
        "Id": pool.text,
        "Name": settings.name,
        "Arn": f"arn:aws:cognito-idp:{pool.region}:{_ARN_ACCOUNT}:userpool/{pool.text}",
        "Policies": {
            "PasswordPolicy": settings.password_policy.description(),
            "SignInPolicy": {"AllowedFirstAuthFactors": list(settings.first_factors)},
        },
        "MfaConfiguration": settings.mfa,
        "UsernameConfiguration": {"CaseSensitive": settings.case_sensitive},
        "EstimatedNumberOfUsers": users,
        "AutoVerifiedAttributes": list(settings.auto_verified_attributes),
        "UserAttributeUpdateSettings": {
            "AttributesRequireVerificationBeforeUpdate": list(settings.verified_before_update)
        },
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [
                {"Name": name, "Priority": priority}
                for priority, name in enumerate(settings.recovery, 1)
            ]
        },
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": not settings.self_sign_up},
    }
    if settings.username_attributes:
        described["UsernameAttributes"] = list(settings.username_attributes)
    if settings.alias_attributes:
        described["AliasAttributes"] = list(settings.alias_attributes)
    if settings.device_tracking != "OFF":
        described["DeviceConfiguration"] = {
            "ChallengeRequiredOnNewDevice": settings.device_replaces_mfa,
            "DeviceOnlyRememberedOnUserPrompt": settings.device_tracking == "OPT_IN",
        }
    if settings.domain is not None:
        described["Domain"] = settings.domain
    return described


def mfa_configuration(settings: PoolSettings) -> dict[str, Any]:
    """Return the answer of GetUserPoolMfaConfig."""
    described: dict[str, Any] = {"MfaConfiguration": settings.mfa}
    if settings.offers("SOFTWARE_TOKEN_MFA"):
        described["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if settings.rp is not None:
        described["WebAuthnConfiguration"] = {
            "RelyingPartyId": settings.rp.id,
            "UserVerification": settings.user_verification,
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION"
            if settings.passkey_mfa
            else "SINGLE_FACTOR",
        }
    return described


def openid_configuration(settings: PoolSettings) -> dict[str, Any]:
    """Return the discovery document; endpoints on the domain only if there is one."""
    document: dict[str, Any] = {
        "issuer": settings.issuer,
        "jwks_uri": f"{settings.issuer}/.well-known/jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    if settings.domain is not None:
        host = f"https://{settings.managed_login_host}"
        document |= {
            "authorization_endpoint": f"{host}/oauth2/authorize",
            "token_endpoint": f"{host}/oauth2/token",
            "userinfo_endpoint": f"{host}/oauth2/userInfo",
            "revocation_endpoint": f"{host}/oauth2/revoke",
            "end_session_endpoint": f"{host}/logout",
        }
    return document
