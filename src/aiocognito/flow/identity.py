"""Who somebody is to an identity pool, and what opens AWS for them, as values.

``GetId`` says who somebody is, ``GetCredentialsForIdentity`` what opens AWS for them
(the enhanced flow). Bounds are the service model's (botocore 1.43.117) where it has
any: identity ids of at most 55 characters, ten logins, tokens of at most 50,000.
Credentials go into HTTP headers, so nothing but visible ASCII is let through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    NotAuthorized,
    RemoteProtocolError,
    ResourceNotFound,
    RoleNotAssumed,
    ServiceError,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.tokens.claims import numeric_date
from aiocognito.tokens.credentials import AwsCredentials

__all__ = [
    "GUEST",
    "MAX_LOGINS",
    "Logins",
    "OpenIdToken",
    "asks_for_fresh_login",
    "checked_identity_id",
    "checked_login",
    "checked_provider",
    "credentials_call",
    "credentials_in",
    "identity_id_call",
    "instant",
    "member_text",
    "names_stale_identity",
    "read_credentials",
    "read_identity_id",
    "unlink_call",
]

MAX_LOGINS = 10
_MAX_PROVIDER = 128
_MAX_LOGIN_TOKEN = 50_000

_IDENTITY_ID = re.compile(r"[\w-]{1,32}:[0-9a-f-]{1,54}", re.ASCII)
_MAX_IDENTITY_ID = 55
_ACCESS_KEY_ID = re.compile(r"\w{16,128}", re.ASCII)  # STS: accessKeyIdType
_SECRET_KEY = re.compile(r"[\x21-\x7e]{1,1024}")
_SESSION_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


@frozen(kw_only=True)
class OpenIdToken:
    """An identity pool's own token of an identity: what STS takes, and other clients.

    Attributes:
        identity_id: Whose it is.
    """

    identity_id: str
    _token: Secret = field(converter=Secret, repr=False)

    @property
    def token(self) -> str:
        """A JWT that lives ten minutes, or as long as its maker asked for."""
        return self._token.reveal()


@frozen(kw_only=True)
class Logins:
    """Somebody's proofs of who they are; none for a guest.

    Attributes:
        tokens: Provider to token.
        user: Who that is, sorted (provider, subject) pairs without any token: the
            key under which an identity id may be remembered.
        rights: What the credentials depend on beside the user. While it stays equal
            a new token does not make them stale.
        openid: An OpenID token of the identity, where these logins came with one: a
            developer's back end is told identity and token in one answer.
    """

    tokens: Mapping[str, Secret] = field(repr=False)
    user: tuple[tuple[str, str], ...]
    rights: object = None
    openid: OpenIdToken | None = field(default=None, repr=False)


GUEST = Logins(tokens={}, user=())


# --- what the caller gives ------------------------------------------------------


def checked_provider(provider: object, argument: str = "logins") -> str:
    """Return a provider's name that the service model accepts."""
    if not isinstance(provider, str):
        raise InvalidType(argument, "a mapping with str keys", provider)
    if not 1 <= len(provider) <= _MAX_PROVIDER or not provider.isprintable():
        raise InvalidArgument(argument, "keyed by providers of 1 to 128 characters")
    return provider


def checked_login(token: object) -> Secret:
    """Return a provider's token that the service model accepts."""
    if not isinstance(token, str):
        raise InvalidType("logins", "a mapping whose values are or bring a str", token)
    if not 1 <= len(token) <= _MAX_LOGIN_TOKEN:
        raise InvalidArgument("logins", "tokens of 1 to 50,000 characters")
    return Secret(token)


def checked_identity_id(identity_id: object) -> str:
    """Return an identity's id that a caller has kept."""
    if not isinstance(identity_id, str):
        raise InvalidType("identity_id", "a str", identity_id)
    if not _is_identity_id(identity_id):
        raise InvalidArgument("identity_id", "like eu-west-1:<uuid>")
    return identity_id


# --- calls ----------------------------------------------------------------------


def identity_id_call(identity_pool_id: str, logins: Logins) -> Call:
    """Ask who somebody is. For a guest every such call makes a new identity."""
    return Call(
        service="cognito-identity",
        operation="GetId",
        parameters={"IdentityPoolId": identity_pool_id, **_logins(logins)},
        repeatable=bool(logins.tokens),
    )


def unlink_call(identity_id: str, logins: Logins, providers: Sequence[str]) -> Call:
    """Take providers off an identity. What is gone already stays gone."""
    return Call(
        service="cognito-identity",
        operation="UnlinkIdentity",
        parameters={
            "IdentityId": identity_id,
            "Logins": logins.tokens,
            "LoginsToRemove": list(providers),
        },
        repeatable=True,
    )


def credentials_call(identity_id: str, logins: Logins, custom_role_arn: str | None = None) -> Call:
    """Ask for an identity's credentials. Repeating it only makes more of them."""
    role = {} if custom_role_arn is None else {"CustomRoleArn": custom_role_arn}
    return Call(
        service="cognito-identity",
        operation="GetCredentialsForIdentity",
        parameters={"IdentityId": identity_id, **_logins(logins), **role},
        repeatable=True,
    )


def _logins(logins: Logins) -> dict[str, Mapping[str, Secret]]:
    return {"Logins": logins.tokens} if logins.tokens else {}


# --- answers --------------------------------------------------------------------


def read_identity_id(reply: Reply) -> str:
    """Read ``IdentityId``, which may differ from the one asked with (a merge).

    Raises:
        RemoteProtocolError: It is missing or malformed.
    """
    value = reply.body.get("IdentityId")
    if not isinstance(value, str) or not _is_identity_id(value):
        raise RemoteProtocolError("The answer brings no identity id.")
    return value


def read_credentials(reply: Reply) -> AwsCredentials:
    """Read the answer to GetCredentialsForIdentity.

    Raises:
        RemoteProtocolError: Something is missing or malformed.
    """
    return credentials_in(reply, named="SecretKey")


def credentials_in(reply: Reply, *, named: str, identity_id: str | None = None) -> AwsCredentials:
    """Read the credentials of an answer.

    Args:
        reply: The answer.
        named: What the service calls the secret key.
        identity_id: Whose they are, where the answer does not have to say it.

    Raises:
        RemoteProtocolError: Something is missing or malformed.
    """
    found = reply.body.get("Credentials")
    if not isinstance(found, Mapping):
        raise RemoteProtocolError("The answer brings no credentials.")
    return AwsCredentials(
        access_key_id=member_text(found, "AccessKeyId", _ACCESS_KEY_ID),
        secret_access_key=member_text(found, named, _SECRET_KEY),
        session_token=member_text(found, "SessionToken", _SESSION_TOKEN),
        expires_at=instant(found.get("Expiration")),
        identity_id=read_identity_id(reply) if identity_id is None else identity_id,
    )


def _is_identity_id(text: str) -> bool:
    return len(text) <= _MAX_IDENTITY_ID and _IDENTITY_ID.fullmatch(text) is not None


def member_text(found: Mapping[str, object], member: str, shape: re.Pattern[str]) -> str:
    """Return a member that has this shape, or refuse the answer without quoting it."""
    value = found.get(member)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise RemoteProtocolError(f"The credentials' {member} is malformed.")
    return value


def instant(value: object) -> datetime:
    """Read an instant: aware where a client library parsed it, seconds on the wire."""
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if (seconds := numeric_date(value)) is not None:
            return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        pass  # a year that Python does not have
    raise RemoteProtocolError("The credentials' Expiration is malformed.")


# --- refusals -------------------------------------------------------------------

# The service has one code for them all; only its text tells. Texts as other clients
# report them; ids that we sent are blanked out.
_OLD_TOKEN = re.compile(r"Token expired: \d+ >= \d+|Token is inactive")
_OTHER_IDENTITY = re.compile(r"Logins don't match|Access to Identity .{0,80} is forbidden")


def asks_for_fresh_login(error: ServiceError) -> bool:
    """Whether a newer token may be accepted where this one was refused.

    STS asks in the same way for another token of the identity. An expired token is only
    old. An inactive one was signed out somewhere else
    (ServerSideTokenCheck): a refresh then says so in the session's own terms.
    """
    if isinstance(error, RoleNotAssumed):
        return error.code == "InvalidIdentityToken"
    return isinstance(error, NotAuthorized) and _OLD_TOKEN.search(error.message) is not None


def names_stale_identity(error: ServiceError) -> bool:
    """Whether the identity id we remembered is not this login's any more."""
    if isinstance(error, ResourceNotFound):
        return True
    return isinstance(error, NotAuthorized) and _OTHER_IDENTITY.search(error.message) is not None
