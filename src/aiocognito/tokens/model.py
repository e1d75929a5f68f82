"""What a sign-in or a refresh yields."""

from __future__ import annotations

from attrs import field, frozen

from aiocognito._redact import Secret

__all__ = ["NewDevice", "TokenSet"]


@frozen(kw_only=True)
class TokenSet:
    """The tokens of one ``AuthenticationResult``, not verified yet.

    Attributes:
        access_token: For APIs; a JWT.
        id_token: For identity pools and profile data; a JWT. Cognito always sends
            one to a user; some local servers do not.
        refresh_token: Opaque. None in the answer to a refresh without rotation,
            which means: keep the old one.
        expires_in: Seconds of life of the access token as the service says, or None.
    """

    access_token: Secret
    id_token: Secret | None = None
    refresh_token: Secret | None = None
    expires_in: float | None = None


@frozen(kw_only=True)
class NewDevice:
    """The device the service offers to remember (``NewDeviceMetadata``)."""

    key: str
    group_key: str = field(repr=False)
