"""Read the service's answers; trust nothing about their shape.

Everything that is not what Cognito sends becomes `RemoteProtocolError`. Bounds are
the service model's where it has any (``SessionType`` 20 to 4096), ours elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, RemoteProtocolError
from aiocognito.flow.challenges import (
    Challenge,
    Context,
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
from aiocognito.tokens.devices import is_device_key, is_group_key
from aiocognito.tokens.model import NewDevice, TokenSet
from aiocognito.webauthn.options import read_request_options

__all__ = [
    "Asked",
    "Granted",
    "Registered",
    "challenge_from_dict",
    "read_auth",
    "read_challenge",
    "read_registered",
    "read_secret",
    "read_tokens",
]

_MAX_PARAMETERS = 64
_MAX_VALUE = 131_072  # service model: AuthParameters and ChallengeResponses values
_MAX_TOKEN = 32_768
_MAX_LIST = 64
_SESSION_LENGTHS = range(20, 4097)
_TOKEN = re.compile(r"[A-Za-z0-9\-_=.]+", re.ASCII)  # service model: TokenModelType
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
PLAINTEXT = (PasswordChallenge.name, "ADMIN_NO_SRP_AUTH")
"""The challenges that only the password in the clear answers."""
_PASSKEY_OPTIONS = "CREDENTIAL_REQUEST_OPTIONS"
_SECRET_CODE = re.compile(r"[A-Za-z0-9]{16,256}", re.ASCII)  # service model; 256 is ours
_DAY = 86_400.0
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # surrogates; they have no UTF-8


@frozen(kw_only=True)
class Granted:
    """The answer brought tokens."""

    tokens: TokenSet
    new_device: NewDevice | None


@frozen(kw_only=True)
class Asked:
    """The answer asks something."""

    name: str
    parameters: Mapping[str, str] = field(repr=False)
    session: Secret | None
    available: tuple[str, ...] = ()
    """``AvailableChallenges``: what may be chosen from."""


@frozen(kw_only=True)
class Registered:
    """The answer to VerifySoftwareToken."""

    success: bool
    session: Secret | None


def read_auth(body: Mapping[str, Any]) -> Granted | Asked:
    """Read the answer to InitiateAuth or RespondToAuthChallenge.

    Raises:
        RemoteProtocolError: Tokens and a challenge, neither, or a malformed one.
    """
    result, name = body.get("AuthenticationResult"), body.get("ChallengeName")
    if result is not None and name is None:
        return Granted(tokens=read_tokens(body), new_device=_new_device(result))
    if name is None or result is not None:
        raise RemoteProtocolError("The answer brings neither tokens nor one challenge.")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RemoteProtocolError("The challenge's name is malformed.")
    parameters = _parameters(body.get("ChallengeParameters"))
    return Asked(
        name=name,
        parameters=parameters,
        session=_session(body.get("Session")),
        available=_available(body.get("AvailableChallenges")),
    )


def read_tokens(body: Mapping[str, Any]) -> TokenSet:
    """Read ``AuthenticationResult``.

    Raises:
        RemoteProtocolError: It is missing, or no access token is in it.
    """
    result = body.get("AuthenticationResult")
    if not isinstance(result, Mapping):
        raise RemoteProtocolError("The answer brings no tokens.")
    access = _token(result, "AccessToken")
    if access is None:
        raise RemoteProtocolError("The answer brings no access token.")
    return TokenSet(
        access_token=access,
        id_token=_token(result, "IdToken"),
        refresh_token=_token(result, "RefreshToken"),
        expires_in=_seconds(result.get("ExpiresIn")),
    )


def read_challenge(asked: Asked, context: Context) -> Challenge:
    """Give a challenge its class.

    Raises:
        RemoteProtocolError: Its parameters are not what that challenge carries.
    """
    common: dict[str, Any] = {"context": context, "parameters": asked.parameters}
    get = asked.parameters.get
    match asked.name:
        case SmsMfa.name:
            return SmsMfa(destination=get("CODE_DELIVERY_DESTINATION"), **common)
        case SmsOtp.name:
            return SmsOtp(destination=get("CODE_DELIVERY_DESTINATION"), **common)
        case EmailOtp.name:
            return EmailOtp(destination=get("CODE_DELIVERY_DESTINATION"), **common)
        case SoftwareTokenMfa.name:
            return SoftwareTokenMfa(device_name=get("FRIENDLY_DEVICE_NAME"), **common)
        case SelectMfaType.name:
            return SelectMfaType(options=_names(get("MFAS_CAN_CHOOSE")), **common)
        case MfaSetup.name:
            if asked.session is None:
                raise RemoteProtocolError("MFA_SETUP comes without a session.")
            return MfaSetup(options=_names(get("MFAS_CAN_SETUP"), "MFAS_CAN_SETUP"), **common)
        case DeviceSrpAuth.name:
            return DeviceSrpAuth(**common)
        case CustomChallenge.name:
            return CustomChallenge(**common)
        case SelectChallenge.name:
            return SelectChallenge(
                options=_selectable(asked, context),
                passkey_options=None
                if get(_PASSKEY_OPTIONS) is None
                else read_request_options(get(_PASSKEY_OPTIONS)),
                **common,
            )
        case WebAuthn.name:
            return WebAuthn(options=read_request_options(get(_PASSKEY_OPTIONS)), **common)
        case PasswordChallenge.name:
            return PasswordChallenge(**common)
        case PasswordSrpChallenge.name:
            return PasswordSrpChallenge(**common)
        case NewPasswordRequired.name:
            return NewPasswordRequired(
                required_attributes=_required(get("requiredAttributes")),
                user_attributes=_attributes(get("userAttributes")),
                **common,
            )
        case other:
            return UnknownChallenge(challenge_name=other, **common)


def _selectable(asked: Asked, context: Context) -> tuple[str, ...]:
    """Leave out the choice of showing the password, unless the caller made it before."""
    names = asked.available
    if not context.plaintext_allowed:
        names = tuple(name for name in names if name not in PLAINTEXT)
    if not names:
        raise RemoteProtocolError("SELECT_CHALLENGE offers nothing that could be chosen.")
    return names


def read_secret(body: Mapping[str, Any], setup: MfaSetup) -> SoftwareTokenSetup:
    """Read the answer to AssociateSoftwareToken, asked in the middle of a sign-in.

    Raises:
        RemoteProtocolError: It brings no secret or no session to go on with.
    """
    code, session = body.get("SecretCode"), _session(body.get("Session"))
    if not isinstance(code, str) or not _SECRET_CODE.fullmatch(code):
        raise RemoteProtocolError("The answer brings no secret for an authenticator.")
    if session is None:
        raise RemoteProtocolError("The answer brings no session.")
    return SoftwareTokenSetup(
        context=evolve(setup.context, session=session),
        parameters=setup.parameters,
        secret=Secret(code),
    )


def read_registered(body: Mapping[str, Any]) -> Registered:
    """Read the answer to VerifySoftwareToken, asked in the middle of a sign-in.

    Raises:
        RemoteProtocolError: It says neither yes nor no, or brings no session for a yes.
    """
    status, session = body.get("Status"), _session(body.get("Session"))
    if status not in ("SUCCESS", "ERROR"):
        raise RemoteProtocolError("The answer does not say whether the code was right.")
    if status == "SUCCESS" and session is None:
        raise RemoteProtocolError("The answer brings no session.")
    return Registered(success=status == "SUCCESS", session=session)


def challenge_from_dict(data: Mapping[str, Any]) -> Challenge:
    """Rebuild a challenge from what `to_dict` returned.

    Raises:
        InvalidArgument: It is not that, or was changed.
    """
    try:
        if data["version"] != 1:
            raise InvalidArgument("data", "written by this version of the library")
        name, session = data["challenge"], data["session"]
        body = {
            "ChallengeName": name,
            "ChallengeParameters": data["parameters"],
            "Session": session,
            "AvailableChallenges": data.get("options"),
        }
        asked = read_auth(body)
        context = Context(
            client_id=_text(data["client_id"]),
            username=_text(data["username"]),
            session=None if session is None else Secret(session),
            password_proven=data["password_proven"] is True,
            plaintext_allowed=data["plaintext_allowed"] is True,
            admin=data.get("admin") is True,
        )
        assert isinstance(asked, Asked)
        challenge = read_challenge(asked, context)
        if isinstance(challenge, MfaSetup) and "secret" in data:
            return read_secret({"SecretCode": data["secret"], "Session": session}, challenge)
        return challenge
    except (KeyError, TypeError, RemoteProtocolError):
        raise InvalidArgument("data", "what a challenge's to_dict() returned") from None


# --- members -------------------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or _HALF_A_PAIR.search(value):
        raise TypeError
    return value


def _parameters(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > _MAX_PARAMETERS:
        raise RemoteProtocolError("The challenge's parameters are malformed.")
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str) or len(text) > _MAX_VALUE:
            raise RemoteProtocolError("A challenge parameter is malformed.")
        if _HALF_A_PAIR.search(text):  # a name goes into hashes
            raise RemoteProtocolError("A challenge parameter is malformed.")
    return dict(value)


def _session(value: object) -> Secret | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) not in _SESSION_LENGTHS:
        raise RemoteProtocolError("The challenge's session is malformed.")
    return Secret(value)


def _available(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise RemoteProtocolError("AvailableChallenges is malformed.")
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in value):
        raise RemoteProtocolError("AvailableChallenges is malformed.")
    return tuple(value)


def _token(result: Mapping[str, Any], member: str) -> Secret | None:
    value = result.get(member)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_TOKEN or not _TOKEN.fullmatch(value):
        raise RemoteProtocolError(f"{member} is malformed.")
    return Secret(value)


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 2 * _DAY:
        raise RemoteProtocolError("ExpiresIn is malformed.")
    return float(value)


def _new_device(result: Mapping[str, Any]) -> NewDevice | None:
    value = result.get("NewDeviceMetadata")
    if value is None:
        return None
    key = value.get("DeviceKey") if isinstance(value, Mapping) else None
    group = value.get("DeviceGroupKey") if isinstance(value, Mapping) else None
    if not isinstance(key, str) or not isinstance(group, str):
        raise RemoteProtocolError("NewDeviceMetadata is malformed.")
    if not is_device_key(key) or not is_group_key(group):
        raise RemoteProtocolError("NewDeviceMetadata is malformed.")
    return NewDevice(key=key, group_key=group)


def _json(text: str | None, what: str) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RemoteProtocolError(f"{what} is not JSON.") from None


def _names(text: str | None, what: str = "MFAS_CAN_CHOOSE") -> tuple[str, ...]:
    """Read a JSON array of strings that travels inside a string."""
    values = _json(text, what)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > _MAX_LIST:
        raise RemoteProtocolError(f"{what} is malformed.")
    if not all(isinstance(value, str) and 0 < len(value) <= 256 for value in values):
        raise RemoteProtocolError(f"{what} is malformed.")
    return tuple(values)


def _required(text: str | None) -> tuple[str, ...]:
    names = _names(text, "requiredAttributes")
    return tuple(name.removeprefix("userAttributes.") for name in names)


def _attributes(text: str | None) -> Mapping[str, str]:
    values = _json(text, "userAttributes")
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise RemoteProtocolError("userAttributes is malformed.")
    # Some servers put booleans and null here; Cognito's own are strings.
    return {key: value for key, value in values.items() if isinstance(value, str)}
