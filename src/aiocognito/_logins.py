"""Where the logins of an identity come from: a session, the caller, or nobody.

Tokens are asked for when an exchange begins. A flight of credentials may wait for a
flight of tokens, never the reverse: nothing in here knows about credentials.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from aiocognito._clock import Clock
from aiocognito._redact import Secret
from aiocognito._retry import is_transient
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType, TokenMalformed
from aiocognito.flow.identity import (
    GUEST,
    MAX_LOGINS,
    Logins,
    OpenIdToken,
    checked_login,
    checked_provider,
)
from aiocognito.tokens.claims import numeric_date, read_unverified

__all__ = [
    "DeveloperLogins",
    "GivenLogins",
    "Guest",
    "LoginSource",
    "LoginValue",
    "LoginsSource",
    "SessionLogins",
    "SessionToken",
]

# An ID token must live this long when an exchange begins, so that it still lives when
# the service looks at it; one of a few seconds, this share of its life.
_MIN_SECONDS = 60.0
_MIN_SHARE = 0.2

LoginValue = str | Callable[[], Awaitable[str]]


class LoginSource(Protocol):
    """What an identity pool needs of a signed-in session; `Session` fulfils it."""

    @property
    def login_key(self) -> str:
        """The user pool's name in ``Logins``."""
        ...

    @property
    def username(self) -> str | None:
        """For observers alone."""
        ...

    @property
    def claims(self) -> Mapping[str, Any]:
        """The newest ID token's verified claims; raises `CognitoError` without one."""
        ...

    async def id_token(self) -> str:
        """Return an ID token that is good to use now."""
        ...

    async def refresh(self) -> None:
        """Get a newer ID token now."""
        ...


class LoginsSource(Protocol):
    """Brings the logins of one holder of credentials."""

    @property
    def username(self) -> str | None:
        """Whose they are, for observers alone."""
        ...

    def rights(self) -> object:
        """What `Logins.rights` would be now, without waiting for anything."""
        ...

    async def bring(self) -> Logins:
        """Return logins good for one exchange."""
        ...

    async def renew(self) -> Logins | None:
        """Return newer ones after the service called these too old; None: there are none."""
        ...


class SessionToken:
    """A session's ID token as a value of ``Logins``, with what it says of its user's rights.

    Args:
        session: Whose.
        rights_claims: Names of further claims that decide what the credentials may do.
    """

    def __init__(self, session: LoginSource, rights_claims: Sequence[str] = ()) -> None:
        self._session = session
        self._rights_claims = rights_claims
        self._read: tuple[Mapping[str, Any], object] | None = None

    async def __call__(self) -> str:
        return await self._session.id_token()

    async def renew(self) -> None:
        await self._session.refresh()

    def rights(self) -> object:
        """User and roles of the newest ID token; None where the session has ended."""
        try:
            claims = self._session.claims
        except CognitoError:
            return None
        if self._read is None or self._read[0] is not claims:
            self._read = (claims, _rights(claims, self._rights_claims))
        return self._read[1]


class SessionLogins:
    """The ID token of a session, as a login of the session's user pool.

    Args:
        session: Whose.
        login_key: The provider's name in place of the session's own, or None.
        clock: For the rest of a token's life.
        rights_claims: Names of further claims that decide what the credentials may do.
    """

    def __init__(
        self,
        session: LoginSource,
        login_key: str | None,
        clock: Clock,
        rights_claims: Sequence[str] = (),
    ) -> None:
        self._session = session
        self._login_key = login_key
        self._clock = clock
        self._token = SessionToken(session, rights_claims)

    @property
    def username(self) -> str | None:
        return self._session.username

    def rights(self) -> object:
        return self._token.rights()

    async def bring(self) -> Logins:
        token = await self._session.id_token()
        remaining = self._remaining()
        if remaining is not None and remaining < self._wanted():
            try:
                await self._session.refresh()
            except CognitoError as error:
                # It may still be good enough; the service decides.
                if not is_transient(error) or remaining <= 0:
                    raise
            token = await self._session.id_token()
        return self._logins(token)

    async def renew(self) -> Logins:
        await self._session.refresh()
        return self._logins(await self._session.id_token())

    def _logins(self, token: str) -> Logins:
        provider = self._login_key or self._session.login_key
        subject = str(self._session.claims.get("sub", ""))
        return Logins(
            tokens={provider: checked_login(token)},
            user=((provider, subject),),
            rights=self.rights(),
        )

    def _remaining(self) -> float | None:
        # By the local clock, which may be wrong. One that is fast costs a refresh for
        # each exchange, a slow one a refused exchange: see `asks_for_fresh_login`.
        expires = numeric_date(self._session.claims.get("exp"))
        return None if expires is None else expires - self._clock.wall()

    def _wanted(self) -> float:
        claims = self._session.claims
        issued, expires = numeric_date(claims.get("iat")), numeric_date(claims.get("exp"))
        if issued is None or expires is None:
            return _MIN_SECONDS
        return min(_MIN_SECONDS, _MIN_SHARE * (expires - issued))


class GivenLogins:
    """Tokens of any provider, from the caller.

    Args:
        logins: Provider to token, or to an async callable that brings one.

    Raises:
        InvalidType: Not such a mapping; a plain callable, for example.
        InvalidArgument: Empty, or more than ten.
    """

    username = None

    def __init__(self, logins: Mapping[str, LoginValue]) -> None:
        if not isinstance(logins, Mapping):
            raise InvalidType("logins", "a mapping of providers to tokens", logins)
        if not 1 <= len(logins) <= MAX_LOGINS:
            raise InvalidArgument("logins", "a mapping of one to ten providers")
        self._values = {checked_provider(name): _checked(logins[name]) for name in sorted(logins)}
        self._sessions = [value for value in logins.values() if isinstance(value, SessionToken)]

    def rights(self) -> object:
        return tuple(token.rights() for token in self._sessions)

    async def bring(self) -> Logins:
        tokens = {}
        for provider, value in self._values.items():
            tokens[provider] = value if isinstance(value, Secret) else checked_login(await value())
        return Logins(
            tokens=tokens,
            user=tuple((name, _subject(token.reveal())) for name, token in tokens.items()),
            rights=self.rights(),
        )

    async def renew(self) -> Logins | None:
        if all(isinstance(value, Secret) for value in self._values.values()):
            return None
        for token in self._sessions:
            await token.renew()
        return await self.bring()


class DeveloperLogins:
    """Users whom the program itself has signed in, vouched for with IAM credentials.

    Args:
        ask: Sends GetOpenIdTokenForDeveloperIdentity.
        user: Developer provider and user identifier pairs.
        login_key: The provider's name of the identity pool itself.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[OpenIdToken]],
        user: tuple[tuple[str, str], ...],
        login_key: str,
    ) -> None:
        self._ask = ask
        self._user = user
        self._login_key = login_key

    @property
    def username(self) -> str:
        return self._user[0][1]

    def rights(self) -> object:
        return None

    async def bring(self) -> Logins:
        openid = await self._ask()
        return Logins(
            tokens={self._login_key: Secret(openid.token)}, user=self._user, openid=openid
        )

    async def renew(self) -> Logins:
        return await self.bring()


class Guest:
    """Nobody: an identity without logins."""

    username = None

    def rights(self) -> object:
        return None

    async def bring(self) -> Logins:
        return GUEST

    async def renew(self) -> None:
        return None


def _checked(value: LoginValue) -> Secret | Callable[[], Awaitable[str]]:
    if isinstance(value, str):
        return checked_login(value)
    call = getattr(value, "__call__", None)  # noqa: B004  also objects with an async __call__
    if not (inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call)):
        raise InvalidType("logins", "a mapping to str or async callables (async def)", value)
    return value


def _rights(claims: Mapping[str, Any], further: Sequence[str]) -> object:
    roles = claims.get("cognito:roles")
    names = tuple(sorted(map(str, roles))) if isinstance(roles, list | tuple) else str(roles)
    mapped = tuple(repr(claims.get(name)) for name in further)
    return str(claims.get("sub")), names, str(claims.get("cognito:preferred_role")), mapped


def _subject(token: str) -> str:
    """Read whose token it is, where it says so; not verified, the service does that."""
    try:
        return str(read_unverified(token).get("sub", ""))
    except TokenMalformed:
        return ""  # opaque: an access token of Facebook's, a SAML assertion
