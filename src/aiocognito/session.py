"""A signed-in user: tokens that are fresh whenever they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import anyio

from aiocognito._issued import Issued, LiveTokens
from aiocognito._keeper import SignIn, TokenKeeper
from aiocognito._services import PoolServices
from aiocognito._session_devices import SessionDevices
from aiocognito.account import Account, TotpSetup
from aiocognito.aws_identity import AwsIdentity
from aiocognito.errors import CognitoError, LocalProtocolError, RemoteProtocolError
from aiocognito.flow import account as calls
from aiocognito.flow import passkeys
from aiocognito.flow.account_reading import (
    AuthFactors,
    CodeDelivery,
    UserProfile,
    read_auth_factors,
    read_deliveries,
    read_delivery,
    read_user,
)
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.refreshing import global_sign_out_call, revoke_call
from aiocognito.flow.writing import MfaSetting
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.saved import SavedState
from aiocognito.webauthn.options import PasskeyCreationOptions
from aiocognito.webauthn.responses import Credential

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["Session"]

_PATIENCE = 10.0  # seconds a sign-out waits for a refresh under way


class Session(SessionDevices):
    """One user, signed in.

    Made by `UserPool.sign_in`, `UserPool.session` and `UserPool.restore`. Ask for a
    token whenever one is needed: it is refreshed ahead of its end, once for all who
    ask, and to completion even if the one who asked is cancelled. One session belongs
    to one event loop.
    """

    # There may be a hundred thousand of them.
    __slots__ = ("__weakref__", "_aws", "_keeper", "_renewal", "_services")

    def __init__(
        self,
        services: PoolServices,
        *,
        username: str,
        sign_in_again: SignIn | None = None,
        context: RequestContext = RequestContext(),  # noqa: B008  frozen
        stored_as: str | None = None,
        device: RememberedDevice | None = None,
    ) -> None:
        self._services = services
        self._aws: AwsIdentity | None = None
        self._keeper = TokenKeeper(
            services,
            username=username,
            sign_in_again=sign_in_again,
            on_end=self._forget_aws,
            context=context,
            stored_as=stored_as,
            device=device,
        )
        self._renewal = self._keeper.renewal

    @property
    def _account(self) -> Account:
        return Account(self._services, self)

    # --- what is known ---

    @property
    def username(self) -> str:
        """The user's true name in the pool; before the first sign-in, the name given."""
        return self._keeper.username

    @property
    def claims(self) -> Claims:
        """The verified claims of the newest ID token.

        They may be of a token that has expired meanwhile.

        Raises:
            LocalProtocolError: There is none yet; await `id_token` first.
        """
        live = self._renewal.held
        if live is None or live.id_claims is None:
            raise LocalProtocolError("Await id_token() before reading its claims.")
        return live.id_claims

    @property
    def login_key(self) -> str:
        """The user pool's name in an identity pool's ``Logins``."""
        return self._services.client.pool.login_key

    # --- tokens ---

    async def access_token(self) -> str:
        """Return an access token that is good to use now.

        Returns at once while the token is fresh. Cancelling is safe at any time: a
        refresh under way finishes by itself and its tokens are kept.

        Raises:
            SignInRequired: The refresh token is dead and no password is known.
            RefreshFailed: The token has expired and cannot be refreshed just now.
            SessionClosed: Signed out, or the pool is closed.
        """
        live = self._renewal.fresh()
        if live is None or self._services.closed:
            live = await self._usable()
        return live.access_token

    async def id_token(self) -> str:
        """Return an ID token that is good to use now. As `access_token`.

        Raises:
            RemoteProtocolError: The server issued none.
        """
        live = self._renewal.fresh()
        if live is None or self._services.closed:
            live = await self._usable()
        if live.id_token is None:
            raise RemoteProtocolError("The server issued no ID token.")
        return live.id_token

    async def refresh(self) -> None:
        """Get new tokens now, or join the refresh under way.

        Worth calling when groups or attributes have changed. Cancelling is as safe as
        in `access_token`.

        Raises:
            CognitoError: Why it failed. Tokens that still live are kept.
        """
        self._keeper.check_open()
        await self._renewal.renew()

    def invalidate(self, access_token: str) -> None:
        """Do not hand out this access token again: an API has refused it.

        Ignored when a newer one is in place already.
        """
        live = self._renewal.held
        if live is not None and live.access_token == access_token:
            self._renewal.expire()

    async def _usable(self) -> LiveTokens:
        self._keeper.check_open()
        return await self._renewal.get()

    # --- AWS ---

    @property
    def aws_identity(self) -> AwsIdentity:
        """This user in the pool's identity pool, with AWS credentials.

        Raises:
            LocalProtocolError: The pool was made without ``identity_pool_id``.
        """
        if self._aws is None:
            if self._services.identity_pool is None:
                raise LocalProtocolError("Give UserPool an identity_pool_id to reach AWS.")
            self._aws = self._services.identity_pool.for_session(self)
        return self._aws

    def aws_session(
        self, region_name: str | None = None, *, account_id: str | None = None
    ) -> AioSession:
        """Return an aiobotocore session whose clients renew their credentials.

        Args:
            region_name: Where its clients go by default; the identity pool's region
                if left out.
            account_id: See `AwsIdentity.aws_session`.

        Raises as `aws_identity`.
        """
        return self.aws_identity.aws_session(region_name, account_id=account_id)

    # --- the account ---
    #
    # Each of these presents a fresh access token. If the service has revoked it
    # meanwhile, the session is refreshed and the call sent once more; `SignInRequired`
    # says that this did not help. Cancelling leaves it unknown whether the service acted.

    async def get_user(self) -> UserProfile:
        """Ask the service for the user's attributes and second factors as they are now."""
        return read_user((await self._account.ask(calls.get_user_call)).body)

    async def auth_factors(self) -> AuthFactors:
        """Ask how the user can sign in: what is set up of passwords, codes, passkeys."""
        return read_auth_factors((await self._account.ask(calls.auth_factors_call)).body)

    async def change_password(self, old_password: str | None, new_password: str) -> None:
        """Change the password; tokens live on.

        What `UserPool.session` was given to sign in with is not changed along.

        Args:
            old_password: None only for a user who never had one.
            new_password: 1 to 256 characters that meet the pool's policy.

        Raises:
            IncorrectUsernameOrPassword: The old password is wrong.
            InvalidPassword: ``unmet`` says what the new one lacks.
            LimitExceeded: Too many attempts.
            CognitoError: Anything else.
        """
        await self._account.ask(
            lambda token: calls.change_password_call(token, old_password, new_password)
        )

    async def update_attributes(
        self,
        attributes: calls.Attributes,
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> tuple[CodeDelivery, ...]:
        """Change attributes; an empty text deletes one.

        A new e-mail address or phone number has to be verified (`verify_attribute`).
        Pools may keep the old one until then. Tokens show changes after a `refresh`.

        Returns:
            Where codes went, if the pool sends them by itself.

        Raises:
            AliasExists: Another user has the address or number.
            InvalidParameter: Not in the schema, or not to be changed.
            NotAuthorized: The app client may not write it.
            CognitoError: Anything else.
        """
        reply = await self._account.ask(
            lambda token: calls.update_attributes_call(token, attributes, client_metadata)
        )
        return read_deliveries(reply.body)

    async def delete_attributes(self, *names: str) -> None:
        """Delete attributes. Raises as `update_attributes`."""
        await self._account.ask(lambda token: calls.delete_attributes_call(token, names))

    async def send_attribute_code(
        self, name: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> CodeDelivery | None:
        """Send a code that verifies ``email`` or ``phone_number``; earlier ones are void.

        Raises:
            LimitExceeded: Too often.
            CognitoError: Anything else.
        """
        reply = await self._account.ask(
            lambda token: calls.send_attribute_code_call(token, name, client_metadata)
        )
        return read_delivery(reply.body)

    async def verify_attribute(self, name: str, code: str) -> None:
        """Verify ``email`` or ``phone_number`` with the code that was sent.

        Raises:
            CodeMismatch: The code is wrong.
            ExpiredCode: It is too old, or none was sent.
            AliasExists: Another user has the address or number.
            CognitoError: Anything else.
        """
        await self._account.ask(lambda token: calls.verify_attribute_call(token, name, code))

    async def set_up_totp(self, *, issuer: str, name: str | None = None) -> TotpSetup:
        """Begin to set up an authenticator: returns its secret and the QR code's content.

        One that is set up already counts until the new one is verified.

        Args:
            issuer: The application's name, which the authenticator shows.
            name: The user's name below it; the true name in the pool if left out.

        Raises:
            SoftwareTokenMFANotFound: The pool does not offer TOTP.
            CognitoError: Anything else.
        """
        return await self._account.set_up_totp(
            issuer=issuer, name=self.username if name is None else name
        )

    async def set_mfa(
        self,
        *,
        totp: MfaSetting | None = None,
        sms: MfaSetting | None = None,
        email: MfaSetting | None = None,
        passkey: Literal["off", "on"] | None = None,
    ) -> None:
        """Switch second factors ``"on"`` or ``"off"``, or on and ``"preferred"``.

        Factors left out stay as they are, but for this: one alone can be preferred, and
        ``"on"`` for the preferred one leaves none. TOTP has to be set up before; SMS and
        e-mail need a verified number or address.

        A passkey is no second factor: switched on, it stands for both of them, where the
        pool allows that and another factor is on besides.

        Raises:
            InvalidParameter: A factor cannot be used yet, or the pool demands one.
            CognitoError: Anything else.
        """
        settings = {"totp": totp, "sms": sms, "email": email, "passkey": passkey}
        await self._account.ask(lambda token: calls.set_mfa_call(token, settings))

    async def start_passkey_registration(self) -> PasskeyCreationOptions:
        """Begin to register a passkey; a registration begun before is void.

        What comes back goes to a browser (``options.to_json()``) or to
        `SoftwarePasskey.create`, and its answer to `complete_passkey_registration`
        within some minutes. That may be in another process, with the same user.

        Raises:
            WebAuthnNotEnabled: ``WEB_AUTHN`` is no first factor of the pool.
            WebAuthnConfigurationMissing: The pool has no relying party.
            LimitExceeded: The user has as many passkeys as one may have, which is 20.
            CognitoError: Anything else.
        """
        reply = await self._account.ask(passkeys.start_registration_call)
        return passkeys.read_registration_start(reply.body)

    async def complete_passkey_registration(self, credential: Credential) -> None:
        """Register the passkey that a browser or a `SoftwarePasskey` has made.

        Never repeated by itself. After a lost answer, `list_passkeys` tells whether it
        is there.

        Args:
            credential: What ``navigator.credentials.create()`` returned, with
                ``toJSON()`` applied: as a mapping, or as JSON text.

        Raises:
            InvalidType: Neither a mapping nor text.
            InvalidArgument: Not what ``create()`` returns; nothing is sent.
            WebAuthnChallengeNotFound: Too late, or completed before.
            WebAuthnOriginNotAllowed: Made on a page that is not the relying party's.
            WebAuthnRelyingPartyMismatch: Made for another relying party.
            WebAuthnClientMismatch: Started with another app client.
            WebAuthnCredentialNotSupported: A kind of passkey the pool does not take.
            CognitoError: Anything else.
        """
        await self._account.ask(
            lambda token: passkeys.complete_registration_call(token, credential)
        )

    async def list_passkeys(self) -> tuple[passkeys.Passkey, ...]:
        """Return the user's passkeys, all pages of them."""
        return await self._account.list_passkeys()

    async def delete_passkey(self, passkey: passkeys.Passkey | str) -> None:
        """Delete a passkey; nobody signs in with it any more. Tokens live on.

        Never repeated by itself: a second call finds none.

        Args:
            passkey: One of `list_passkeys`, or its id.

        Raises:
            ResourceNotFound: The user has no such passkey.
            CognitoError: Anything else.
        """
        await self._account.ask(lambda token: passkeys.delete_passkey_call(token, passkey))

    async def delete_user(self) -> None:
        """Delete the user for good, and close the session.

        Never repeated by itself. After an error the session stays open; after a lost
        answer the user may be gone all the same.
        """
        await self._account.ask(calls.delete_user_call)
        # A refresh under way would bring tokens of nobody.
        await self._renewal.settle()
        self._keeper.sign_out()
        if self._keeper.persistence is not None:
            await self._keeper.persistence.forget()

    # --- keeping and ending ---

    def export_state(self) -> bytes:
        """Return what `UserPool.restore` needs to go on in another process.

        The bytes contain the refresh token, and the secret of a remembered device: keep
        them as you keep a password. With rotation they are out of date after each
        refresh; save them again on `TokensChanged`, and on `DeviceChanged`.

        Raises:
            SignInRequired: There is no refresh token to keep.
        """
        return self._keeper.saved_state().to_bytes()

    async def sign_out(self, *, everywhere: bool = False) -> None:
        """Revoke this session's tokens and forget them, in the pool's store too.

        The session is closed whatever the service answers. Access and ID tokens that
        were handed out verify offline until they expire, and AWS credentials live on
        for up to an hour.

        Args:
            everywhere: Sign the user out on every device first (GlobalSignOut). An
                expired access token is refreshed for that.

        Waits for a refresh under way, 10 seconds at most. Cancelling leaves the session
        closed here; the service may not know of it.
        """
        if self._keeper.end == "signed-out":
            return
        persistence = self._keeper.persistence
        try:
            with anyio.move_on_after(_PATIENCE):
                if persistence is not None:
                    await persistence.look()  # another process may have newer tokens
                if everywhere and self._keeper.refresh_token is not None:
                    with suppress(CognitoError):
                        await self._renewal.get()
                self._keeper.begin_no_more()
                # A refresh under way would bring tokens nobody revokes. (One that another
                # event loop left behind cannot be waited for.)
                with suppress(LocalProtocolError):
                    await self._renewal.settle()
        finally:
            access, refresh_token = self._keeper.access_token, self._keeper.refresh_token
            self._keeper.sign_out()
            if persistence is not None:
                await persistence.forget()
        if everywhere and access is not None:
            await self._tell(global_sign_out_call(access))
        if refresh_token is not None:
            await self._tell(revoke_call(self._services.client, refresh_token))

    async def _tell(self, call: Call) -> None:
        if self._services.closed:
            return  # a closed pool opens no connection again
        try:
            await self._services.transport.send(call)
        except CognitoError:
            # Signing out always succeeds here; a token that could not be revoked
            # ends by itself.
            return

    def _forget_aws(self) -> None:
        if self._aws is not None:
            self._aws.forget()

    # --- for the pool ---

    async def _adopt(self, issued: Issued) -> None:
        await self._keeper.adopt(issued)

    def _take_over(self, state: SavedState) -> None:
        self._keeper.take_over(state)

    def _use_device(self, device: RememberedDevice | None) -> None:
        """Sign in with this device from now on; refreshes name the one of the tokens."""
        held = self._keeper.device
        if device is not None:
            held.remembered, held.key = device, held.key or device.key

    # --- showing ---

    def __repr__(self) -> str:
        keeper = self._keeper
        state = keeper.end or ("signed in" if keeper.refresh_token else "not signed in yet")
        return f"<Session of {keeper.username!r} in {self._services.client.pool.text}: {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session is not pickled; keep export_state() instead.")

    def __copy__(self) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("A session is not copied: two would spend one refresh token.")
