"""Users, as administrators handle them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiocognito._asking import Desk, Listing
from aiocognito.flow.account_reading import AuthFactors
from aiocognito.flow.admin import AdminCalls, Medium, checked_page
from aiocognito.flow.admin_reading import read_auth_factors, read_device, read_user
from aiocognito.flow.admin_values import AdminUser, Device
from aiocognito.flow.context import client_metadata_members
from aiocognito.flow.members import structure
from aiocognito.flow.user_filter import UserFilter
from aiocognito.flow.writing import MfaSetting

__all__ = ["AdminUsers"]


class AdminUsers:
    """The part of `Admin` about users. A user is named by name, alias or ``sub``.

    Every method that names a user raises `UserNotFound` where there is none.
    """

    def __init__(self, desk: Desk, calls: AdminCalls) -> None:
        self._desk = desk
        self._calls = calls

    # --- coming and going ---

    async def create_user(
        self,
        username: str,
        *,
        attributes: Mapping[str, str | bool] | None = None,
        temporary_password: str | None = None,
        invite: Medium | Iterable[Medium] | None = "EMAIL",
        validation_data: Mapping[str, str] | None = None,
        force_alias: bool = False,
        client_metadata: Mapping[str, str] | None = None,
    ) -> AdminUser:
        """Create a user who must choose a password at the first sign-in.

        Args:
            username: The name; an e-mail address or phone number where those are names.
            attributes: Such as ``email``; ``email_verified`` may be set here.
            temporary_password: Drawn by the service if left out.
            invite: How the invitation with the password travels: ``EMAIL``, ``SMS``, or
                both; None sends none. (The service's own default is SMS.)
            validation_data: For the pre-sign-up trigger alone.
            force_alias: Take an e-mail address or phone number away from the user who
                has it as an alias.
            client_metadata: For the triggers.

        Raises:
            UsernameExists: The name is taken.
            InvalidPassword: The temporary password does not meet the policy.
            CodeDeliveryFailure: The user may exist, the invitation was not sent.
        """
        return await self._create(
            username,
            attributes=attributes,
            temporary_password=temporary_password,
            invite=invite,
            validation_data=validation_data,
            force_alias=force_alias,
            client_metadata=client_metadata,
        )

    async def invite_again(
        self,
        username: str,
        *,
        temporary_password: str | None = None,
        invite: Medium | Iterable[Medium] = "EMAIL",
        client_metadata: Mapping[str, str] | None = None,
    ) -> AdminUser:
        """Send the invitation once more, with a new temporary password and new time.

        Raises:
            ServiceError: ``UnsupportedUserStateException``: there is nothing to wait for.
        """
        return await self._create(
            username,
            temporary_password=temporary_password,
            invite=invite,
            client_metadata=client_metadata,
            again=True,
        )

    async def _create(
        self,
        username: str,
        *,
        attributes: Mapping[str, str | bool] | None = None,
        temporary_password: str | None = None,
        invite: Medium | Iterable[Medium] | None,
        validation_data: Mapping[str, str] | None = None,
        force_alias: bool = False,
        client_metadata: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> AdminUser:
        call = self._calls.create_user(
            username,
            attributes=attributes if attributes is not None else {},
            validation_data=validation_data if validation_data is not None else {},
            temporary_password=temporary_password,
            invite=invite,
            again=again,
            force_alias=force_alias,
            client_metadata=client_metadata,
        )
        return read_user(structure(await self._desk.ask(call), "User"))

    async def get_user(self, username: str) -> AdminUser:
        """Return one user, second factors included."""
        return read_user(await self._desk.ask(self._calls.of_user("AdminGetUser", username)))

    def list_users(
        self,
        where: UserFilter | None = None,
        *,
        attributes: Iterable[str] | None = None,
        page_size: int = 60,
    ) -> Listing[AdminUser]:
        """List users, in no order.

        ::

            async for user in pool.admin.list_users(UserFilter.starts_with("email", "ana")):
                ...

        Args:
            where: One condition; None lists everybody.
            attributes: The names of those wanted; None brings all. The service refuses
                ``sub`` here.
            page_size: Users per request, 1 to 60. Make it smaller where users carry so
                much that a page grows over the 256 KiB an answer may have.
        """
        call = self._calls.list_users(where, attributes, page_size)
        return Listing(self._desk, call, member="Users", cursor="PaginationToken", read=read_user)

    async def delete_user(self, username: str) -> None:
        """Delete a user; there is no way back. Their tokens verify until they expire."""
        await self._tell("AdminDeleteUser", username, repeatable=False)

    async def enable_user(self, username: str) -> None:
        """Let a user sign in again."""
        await self._tell("AdminEnableUser", username)

    async def disable_user(self, username: str) -> None:
        """Keep a user from signing in and from refreshing.

        The service revokes the access tokens too; offline they verify until they expire.
        """
        await self._tell("AdminDisableUser", username)

    async def sign_out(self, username: str) -> None:
        """Revoke every token of a user, on every device (AdminUserGlobalSignOut).

        Access and ID tokens still verify offline until they expire.
        """
        await self._tell("AdminUserGlobalSignOut", username)

    # --- attributes and passwords ---

    async def update_user(
        self,
        username: str,
        attributes: Mapping[str, str | bool],
        *,
        client_metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change attributes; ``email_verified`` and the like may be among them.

        A new address is unverified, and may be sent a code, unless the same call says
        that it is verified.

        Raises:
            AliasExists: Another user has this address.
        """
        await self._desk.ask(self._calls.update_attributes(username, attributes, client_metadata))

    async def delete_attributes(self, username: str, names: Iterable[str]) -> None:
        """Delete attributes by their names."""
        await self._desk.ask(self._calls.delete_attributes(username, names))

    async def set_password(self, username: str, password: str, *, temporary: bool = False) -> None:
        """Give a user a password, whatever state the account is in.

        Args:
            username: Who.
            password: As typed; it is not trimmed.
            temporary: The user must replace it at the next sign-in. Otherwise the
                account is confirmed by this.

        Raises:
            InvalidPassword: It does not meet the policy.
        """
        call = self._calls.set_password(username, password, permanent=not temporary)
        await self._desk.ask(call)

    async def reset_password(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Void the password and send a code to choose another (forgot password).

        Until then a sign-in ends with `PasswordResetRequired`.

        Raises:
            InvalidParameter: No verified address to send the code to.
        """
        members = client_metadata_members(client_metadata)
        await self._tell("AdminResetUserPassword", username, repeatable=False, **members)

    async def confirm_sign_up(
        self, username: str, *, client_metadata: Mapping[str, str] | None = None
    ) -> None:
        """Confirm a new user without a code. It does not verify the address.

        Raises:
            NotAuthorized: The user is confirmed already.
        """
        members = client_metadata_members(client_metadata)
        await self._tell("AdminConfirmSignUp", username, repeatable=False, **members)

    # --- identities elsewhere ---

    async def link_provider(
        self,
        username: str,
        *,
        provider: str,
        value: str,
        attribute: str = "Cognito_Subject",
    ) -> None:
        """Let an identity of another provider sign in as this user.

        That identity must not have signed in here on its own before. Link only
        identities whose provider you trust with this account.

        Args:
            username: A user of the pool itself.
            provider: The provider's name in this pool.
            value: The identity, by that attribute.
            attribute: What names it: the provider's ``sub``, or a SAML claim.
        """
        await self._desk.ask(self._calls.link_provider(username, provider, attribute, value))

    async def unlink_provider(
        self, *, provider: str, value: str, attribute: str = "Cognito_Subject"
    ) -> None:
        """Undo `link_provider`; the identity signs in as nobody known from then on."""
        await self._desk.ask(self._calls.unlink_provider(provider, attribute, value))

    # --- second factors ---

    async def set_mfa(
        self,
        username: str,
        *,
        totp: MfaSetting | None = None,
        sms: MfaSetting | None = None,
        email: MfaSetting | None = None,
    ) -> None:
        """Switch second factors on and off; what is left out stays as it is.

        Args:
            username: Who.
            totp: ``off``, ``on`` or ``preferred``, as for the others.
            sms: Needs a verified phone number.
            email: Needs a verified address.
        """
        settings = {"totp": totp, "sms": sms, "email": email}
        await self._desk.ask(self._calls.set_mfa(username, settings))

    async def auth_factors(self, username: str) -> AuthFactors:
        """Return what a user can sign in with."""
        call = self._calls.of_user("AdminGetUserAuthFactors", username)
        return read_auth_factors(await self._desk.ask(call))

    async def delete_totp(self, username: str) -> None:
        """Forget a user's authenticator, when the phone is lost for instance."""
        await self._tell("AdminDeleteSoftwareToken", username)

    # --- devices ---

    def list_devices(self, username: str, *, page_size: int = 60) -> Listing[Device]:
        """List the devices a user has signed in on."""
        call = self._calls.of_user("AdminListDevices", username, Limit=checked_page(page_size))
        return Listing(
            self._desk, call, member="Devices", cursor="PaginationToken", read=read_device
        )

    async def get_device(self, username: str, key: str) -> Device:
        """Return one device of a user.

        Raises:
            ResourceNotFound: There is no such device.
        """
        call = self._calls.of_device("AdminGetDevice", username, key)
        return read_device(structure(await self._desk.ask(call), "Device"))

    async def remember_device(self, username: str, key: str, *, remember: bool = True) -> None:
        """Say whether a device may stand in for a second factor."""
        status = "remembered" if remember else "not_remembered"
        call = self._calls.of_device(
            "AdminUpdateDeviceStatus", username, key, DeviceRememberedStatus=status
        )
        await self._desk.ask(call)

    async def forget_device(self, username: str, key: str) -> None:
        """Forget a device; refresh tokens issued on it end."""
        await self._desk.ask(
            self._calls.of_device("AdminForgetDevice", username, key, repeatable=False)
        )

    async def _tell(
        self, operation: str, username: str, *, repeatable: bool = True, **members: object
    ) -> None:
        call = self._calls.of_user(operation, username, repeatable=repeatable, **members)
        await self._desk.ask(call)
