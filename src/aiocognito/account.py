"""One layer under every account method of `UserPool` and `Session`.

`deliver` sends a call and repeats it where that does no harm; `Account.ask` does the same
with a fresh access token, and once more with a newer one when the service has revoked it.
What is sent and how answers are read is pure and lives in `flow.account` and
`flow.account_reading`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from attrs import evolve, field, frozen

from aiocognito._redact import Secret
from aiocognito._retry import pause_before_repeat
from aiocognito._services import PoolServices
from aiocognito.errors import (
    AccessTokenRejected,
    CognitoError,
    EnableSoftwareTokenMFA,
    InvalidType,
    RemoteProtocolError,
)
from aiocognito.flow.account import associate_totp_call, verify_totp_call
from aiocognito.flow.account_reading import read_totp_secret, read_totp_status
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.otpauth import otpauth_uri
from aiocognito.flow.passkeys import Passkey, list_passkeys_call, read_passkeys

__all__ = ["Account", "AccountDesk", "TotpSetup", "deliver"]

_MOST_PAGES = 50  # of 20 each; a user has 20 passkeys at most

# "Access Token has been revoked" and "has expired": a newer one helps. It does not help
# against a missing scope, nor a deleted user's "Invalid Access Token".
_MENDED_BY_REFRESH = re.compile(r"revoked|expired", re.IGNORECASE)


async def deliver(services: PoolServices, call: Call) -> Reply:
    """Send a call; repeat it where nothing was sent, or where twice does no harm.

    Cancelling leaves it unknown whether the service acted.

    Raises:
        CognitoError: Why the last attempt failed.
    """
    attempt = 0
    while True:
        try:
            return await services.transport.send(call)
        except CognitoError as error:
            attempt += 1
            pause = pause_before_repeat(
                error,
                attempt=attempt,
                repeat_ambiguous=call.repeatable,
                jitter=services.timing.jitter(),
            )
            if pause is None:
                raise
        await services.timing.sleep(pause)


class TokenSource(Protocol):
    """Where access tokens come from: a session."""

    async def access_token(self) -> str:
        """Return one that is good to use now."""
        ...

    def invalidate(self, access_token: str) -> None:
        """Do not return this one again."""
        ...


@frozen
class Account:
    """The calls of a signed-in user."""

    _services: PoolServices
    _tokens: TokenSource

    async def ask(self, build: Callable[[Secret], Call]) -> Reply:
        """Send a call with a fresh access token; refresh and repeat it once if revoked.

        A refused token means that the service has not acted, so even what is not
        repeatable is sent again.

        Raises:
            SignInRequired: The refresh token is dead too.
            CognitoError: Why the call failed.
        """
        token = await self._tokens.access_token()
        try:
            return await deliver(self._services, build(Secret(token)))
        except AccessTokenRejected as error:
            if not _MENDED_BY_REFRESH.search(error.message):
                raise
            self._tokens.invalidate(token)
        newer = await self._tokens.access_token()
        return await deliver(self._services, build(Secret(newer)))

    async def set_up_totp(self, *, issuer: str, name: str) -> TotpSetup:
        """Ask for a new secret. See `Session.set_up_totp`."""
        if not isinstance(name, str):
            raise InvalidType("name", "a str", name)
        otpauth_uri("", issuer=issuer, account=name)  # refused before anything is sent
        reply = await self.ask(associate_totp_call)
        return TotpSetup(self, read_totp_secret(reply.body), issuer, name)

    async def list_passkeys(self) -> tuple[Passkey, ...]:
        """Ask for page after page. See `Session.list_passkeys`."""
        found: list[Passkey] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            reply = await self.ask(partial(list_passkeys_call, cursor=cursor))
            page, cursor = read_passkeys(reply.body)
            found += page
            if cursor is None:
                return tuple(found)
        raise RemoteProtocolError("The server's list of passkeys has no end.")


@frozen
class AccountDesk:
    """Asks for the pages of a list, each with an access token that is good then."""

    _account: Account

    async def ask(self, call: Call) -> Mapping[str, Any]:
        """Send a call, built without its access token. Raises as `Account.ask`."""
        reply = await self._account.ask(
            lambda token: evolve(call, parameters={**call.parameters, "AccessToken": token})
        )
        return reply.body


@frozen
class TotpSetup:
    """An authenticator being set up: show `uri` as a QR code, then `verify` its code.

    The secret is kept out of ``repr``. Nothing changes at sign-in until the code is
    verified and `Session.set_mfa` switches the factor on.
    """

    _account: Account = field(repr=False)
    _secret: Secret
    issuer: str
    name: str

    @property
    def secret(self) -> str:
        """The secret in base32 without padding, for those who type it."""
        return self._secret.reveal()

    @property
    def uri(self) -> str:
        """``otpauth://totp/…``, the content of the QR code. It contains the secret."""
        return otpauth_uri(self._secret.reveal(), issuer=self.issuer, account=self.name)

    async def verify(self, code: str, *, device_name: str | None = None) -> None:
        """Register the authenticator with the code it shows.

        The code is used up: a sign-in in the same 30 seconds is refused with it.
        Cancelling leaves it unknown whether it was registered.

        Args:
            code: As text; blanks are dropped.
            device_name: What the user calls the authenticator.

        Raises:
            EnableSoftwareTokenMFA: The code is wrong; verify the next one.
        """
        reply = await self._account.ask(lambda token: verify_totp_call(token, code, device_name))
        if not read_totp_status(reply.body):
            raise EnableSoftwareTokenMFA(
                code="EnableSoftwareTokenMFAException",
                operation="VerifySoftwareToken",
                request_id=reply.request_id,
            )
