"""Amazon Cognito for async Python: sign in, stay fresh, reach AWS."""

from typing import TYPE_CHECKING

from aiocognito._lazy import lazily as _lazily
from aiocognito.errors import *  # noqa: F403  the error tree is public as a whole
from aiocognito.errors import __all__ as _error_names

if TYPE_CHECKING:
    from aiocognito import errors, events, logins, responders
    from aiocognito._asking import Listing
    from aiocognito._used_steps import UsedSteps
    from aiocognito.account import TotpSetup
    from aiocognito.admin import Admin
    from aiocognito.aws_identity import AwsIdentity
    from aiocognito.events import (
        ClockSkewed,
        CredentialsChanged,
        DeviceChanged,
        Event,
        PersistFailed,
        QuotaShort,
        ReauthenticationDue,
        RefreshFailing,
        SecurityAlert,
        SessionEnded,
        TimeJumped,
        TokensChanged,
    )
    from aiocognito.fleet import Fleet
    from aiocognito.flow.account_reading import (
        AuthFactors,
        CodeDelivery,
        SignUpConfirmed,
        SignUpResult,
        UserProfile,
    )
    from aiocognito.flow.admin_values import (
        AdminUser,
        AppClientDescription,
        AppClientSummary,
        Device,
        Group,
        PasswordRules,
        UserPoolDescription,
        UserPoolSummary,
    )
    from aiocognito.flow.aws_flows import BasicFlow, EnhancedFlow
    from aiocognito.flow.challenges import (
        Answer,
        Challenge,
        CustomChallenge,
        DeviceSrpAuth,
        EmailOtp,
        MfaSetup,
        NewPasswordRequired,
        PasswordChallenge,
        PasswordSrpChallenge,
        SelectChallenge,
        SelectMfaType,
        SmsMfa,
        SmsOtp,
        SoftwareTokenMfa,
        SoftwareTokenSetup,
        UnknownChallenge,
        WebAuthn,
    )
    from aiocognito.flow.context import RequestContext
    from aiocognito.flow.developer_identity import DeveloperIdentity, PrincipalTagMap
    from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
    from aiocognito.flow.identity import OpenIdToken
    from aiocognito.flow.passkeys import Passkey
    from aiocognito.flow.reading import challenge_from_dict
    from aiocognito.flow.secret_hash import secret_hash
    from aiocognito.flow.user_filter import UserFilter
    from aiocognito.health import PoolHealth
    from aiocognito.identity_admin import IdentityAdmin
    from aiocognito.identity_pool import IdentityPool
    from aiocognito.login import Login, Responder, SignedIn, Step
    from aiocognito.pool import UserPool
    from aiocognito.scheduler import Scheduler
    from aiocognito.session import Session
    from aiocognito.software_passkey import SoftwarePasskey
    from aiocognito.tokens.claims import Claims
    from aiocognito.tokens.credentials import AwsCredentials
    from aiocognito.tokens.devices import RememberedDevice
    from aiocognito.tokens.environment import AwsEnvironment
    from aiocognito.tokens.model import NewDevice
    from aiocognito.verify.verifier import ANY_CLIENT, TokenVerifier
    from aiocognito.webauthn.options import (
        PasskeyCreationOptions,
        PasskeyDescriptor,
        PasskeyRequestOptions,
    )

__all__ = [
    "ANY_CLIENT",
    "Admin",
    "AdminUser",
    "Answer",
    "AppClientDescription",
    "AppClientSummary",
    "AuthFactors",
    "AwsCredentials",
    "AwsEnvironment",
    "AwsIdentity",
    "BasicFlow",
    "Challenge",
    "Choice",
    "Claims",
    "ClockSkewed",
    "CodeDelivery",
    "CredentialsChanged",
    "Custom",
    "CustomChallenge",
    "DeveloperIdentity",
    "Device",
    "DeviceChanged",
    "DeviceSrpAuth",
    "EmailOtp",
    "EnhancedFlow",
    "Event",
    "Fleet",
    "Flow",
    "Group",
    "IdentityAdmin",
    "IdentityPool",
    "Listing",
    "Login",
    "MfaSetup",
    "NewDevice",
    "NewPasswordRequired",
    "OpenIdToken",
    "Passkey",
    "PasskeyCreationOptions",
    "PasskeyDescriptor",
    "PasskeyRequestOptions",
    "Password",
    "PasswordChallenge",
    "PasswordRules",
    "PasswordSrpChallenge",
    "PersistFailed",
    "PoolHealth",
    "PrincipalTagMap",
    "QuotaShort",
    "ReauthenticationDue",
    "RefreshFailing",
    "RememberedDevice",
    "RequestContext",
    "Responder",
    "Scheduler",
    "SecurityAlert",
    "SelectChallenge",
    "SelectMfaType",
    "Session",
    "SessionEnded",
    "SignUpConfirmed",
    "SignUpResult",
    "SignedIn",
    "SmsMfa",
    "SmsOtp",
    "SoftwarePasskey",
    "SoftwareTokenMfa",
    "SoftwareTokenSetup",
    "Srp",
    "Step",
    "TimeJumped",
    "TokenVerifier",
    "TokensChanged",
    "TotpSetup",
    "UnknownChallenge",
    "UsedSteps",
    "UserFilter",
    "UserPool",
    "UserPoolDescription",
    "UserPoolSummary",
    "UserProfile",
    "WebAuthn",
    "challenge_from_dict",
    "errors",
    "events",
    "logins",
    "responders",
    "secret_hash",
    *_error_names,
]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "_asking": ("Listing",),
        "_used_steps": ("UsedSteps",),
        "account": ("TotpSetup",),
        "admin": ("Admin",),
        "aws_identity": ("AwsIdentity",),
        "errors": ("errors",),
        "events": (
            "ClockSkewed",
            "CredentialsChanged",
            "DeviceChanged",
            "Event",
            "PersistFailed",
            "QuotaShort",
            "ReauthenticationDue",
            "RefreshFailing",
            "SecurityAlert",
            "SessionEnded",
            "TimeJumped",
            "TokensChanged",
            "events",
        ),
        "flow.account_reading": (
            "AuthFactors",
            "CodeDelivery",
            "SignUpConfirmed",
            "SignUpResult",
            "UserProfile",
        ),
        "flow.admin_values": (
            "AdminUser",
            "AppClientDescription",
            "AppClientSummary",
            "Device",
            "Group",
            "PasswordRules",
            "UserPoolDescription",
            "UserPoolSummary",
        ),
        "flow.aws_flows": ("BasicFlow", "EnhancedFlow"),
        "flow.challenges": (
            "Answer",
            "Challenge",
            "CustomChallenge",
            "DeviceSrpAuth",
            "EmailOtp",
            "MfaSetup",
            "NewPasswordRequired",
            "PasswordChallenge",
            "PasswordSrpChallenge",
            "SelectChallenge",
            "SelectMfaType",
            "SmsMfa",
            "SmsOtp",
            "SoftwareTokenMfa",
            "SoftwareTokenSetup",
            "UnknownChallenge",
            "WebAuthn",
        ),
        "flow.context": ("RequestContext",),
        "flow.developer_identity": ("DeveloperIdentity", "PrincipalTagMap"),
        "flow.flows": ("Choice", "Custom", "Flow", "Password", "Srp"),
        "flow.identity": ("OpenIdToken",),
        "flow.passkeys": ("Passkey",),
        "flow.reading": ("challenge_from_dict",),
        "flow.secret_hash": ("secret_hash",),
        "flow.user_filter": ("UserFilter",),
        "health": ("PoolHealth",),
        "identity_admin": ("IdentityAdmin",),
        "identity_pool": ("IdentityPool",),
        "login": ("Login", "Responder", "SignedIn", "Step"),
        "fleet": ("Fleet",),
        "logins": ("logins",),
        "pool": ("UserPool",),
        "responders": ("responders",),
        "scheduler": ("Scheduler",),
        "session": ("Session",),
        "software_passkey": ("SoftwarePasskey",),
        "tokens.claims": ("Claims",),
        "tokens.credentials": ("AwsCredentials",),
        "tokens.environment": ("AwsEnvironment",),
        "tokens.devices": ("RememberedDevice",),
        "tokens.model": ("NewDevice",),
        "verify.verifier": ("ANY_CLIENT", "TokenVerifier"),
        "webauthn.options": (
            "PasskeyCreationOptions",
            "PasskeyDescriptor",
            "PasskeyRequestOptions",
        ),
    },
)
