"""What administrators do to users, as the service answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.account import Account
from aiocognito.testing.admin_paging import UserCondition, page
from aiocognito.testing.admin_subjects import NO_CLIENT, described, named_user, refuse_sub
from aiocognito.testing.codes import DAY, HOUR
from aiocognito.testing.lockout import Lockout
from aiocognito.testing.postman import Postman
from aiocognito.testing.recovery import RECOVERY_CODE, unreachable, way_to
from aiocognito.testing.registration import (
    pairs,
    run_post_confirmation,
)
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    not_authorized,
    user_not_found,
)
from aiocognito.testing.settings import VERIFIED
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["AdminOperations", "named_user"]

Handler = Callable[[Mapping[str, Any]], Answer]

_MOST_LINKED = 5  # developer guide, quotas: identities linked to a user


@frozen
class AdminOperations:
    """Answers the signed operations about users."""

    state: PoolState
    postman: Postman = field(init=False)
    account: Account = field(init=False)

    @postman.default
    def _make_postman(self) -> Postman:
        return Postman(self.state)

    @account.default
    def _make_account(self) -> Account:
        return Account(self.state, guesses=Lockout())

    def table(self) -> Mapping[str, Handler]:
        """Return what answers which operation."""
        return {
            "AdminGetUser": self.get,
            "ListUsers": self.list_users,
            "AdminUpdateUserAttributes": self.update_attributes,
            "AdminDeleteUserAttributes": self.delete_attributes,
            "AdminEnableUser": self.enable,
            "AdminDisableUser": self.disable,
            "AdminDeleteUser": self.delete,
            "AdminSetUserPassword": self.set_password,
            "AdminResetUserPassword": self.reset_password,
            "AdminConfirmSignUp": self.confirm,
            "AdminUserGlobalSignOut": self.sign_out,
            "AdminLinkProviderForUser": self.link,
            "AdminDisableProviderForUser": self.unlink,
            "AdminSetUserMFAPreference": self.set_mfa,
            "AdminGetUserAuthFactors": self.auth_factors,
            "AdminDeleteSoftwareToken": self.delete_totp,
        }

    # --- looking ---

    def get(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminGetUser, whose attributes have another name than everywhere else."""
        user = named_user(self.state, request)
        answer = described(user)
        answer["UserAttributes"] = answer.pop("Attributes")
        if user.mfa:
            answer["UserMFASettingList"] = list(user.mfa)
        if user.preferred_mfa is not None:
            answer["PreferredMfaSetting"] = user.preferred_mfa
        return answer

    def list_users(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListUsers."""
        wanted = request.get("AttributesToGet")
        if wanted and "sub" in wanted:
            raise invalid_parameter("Input fails to satisfy the constraints.")
        if wanted and not set(wanted) <= self.state.settings.attribute_names:
            raise invalid_parameter("One or more requested attributes do not exist.")
        found = list(self.state.users)
        if request.get("Filter"):
            condition = UserCondition.read(request["Filter"])
            found = [user for user in found if condition.fits(user)]
        users, more = page(found, request, key=lambda user: user.username, cursor="PaginationToken")
        return {"Users": [described(user, wanted) for user in users], **more}

    # --- attributes ---

    def update_attributes(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminUpdateUserAttributes. A new address is unverified unless said otherwise."""
        user = named_user(self.state, request)
        wanted = pairs(request["UserAttributes"])
        self._check_changes(user, wanted)
        changed = [
            name
            for name in VERIFIED
            if wanted.get(name, user.attributes.get(name, "")) != user.attributes.get(name, "")
        ]
        flags = {VERIFIED[name]: "false" if wanted[name] else "" for name in changed}
        unsaid = [name for name in changed if VERIFIED[name] not in wanted and wanted[name]]
        self._change(user, {**flags, **wanted})
        for name in changed:
            self.state.codes.drop(user.sub, name)
        for name in unsaid:
            if name in self.state.settings.auto_verified_attributes:
                self.postman.send(
                    user, name, purpose=name, lifetime=DAY, operation="AdminUpdateUserAttributes"
                )
        return {}

    def delete_attributes(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminDeleteUserAttributes."""
        user = named_user(self.state, request)
        gone = dict.fromkeys(request["UserAttributeNames"], "")
        self._check_changes(user, gone)
        for name in set(gone) & set(VERIFIED):
            gone[VERIFIED[name]] = ""
        self._change(user, gone)
        return {}

    def _check_changes(self, user: LocalUser, wanted: Mapping[str, str]) -> None:
        refuse_sub(wanted)
        self.state.settings.check_attributes(wanted)
        for name in self.state.settings.immutable_attributes:
            if name in wanted and user.attributes.get(name, wanted[name]) != wanted[name]:
                raise invalid_parameter(f"user.{name}: Attribute cannot be updated.\n")

    def _change(self, user: LocalUser, changes: Mapping[str, str]) -> None:
        self.state.users.update(user, changes)
        user.modified_at = self.state.clock.wall()

    # --- state ---

    def enable(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminEnableUser."""
        named_user(self.state, request).enabled = True
        return {}

    def disable(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminDisableUser."""
        named_user(self.state, request).enabled = False
        return {}

    def delete(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminDeleteUser."""
        user = named_user(self.state, request)
        self.state.users.remove(user)
        self.state.codes.forget(user.sub)
        return {}

    def confirm(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminConfirmSignUp. It verifies no address."""
        user = named_user(self.state, request)
        if user.status != "UNCONFIRMED":
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        user.status = "CONFIRMED"
        run_post_confirmation(
            self.state, "PostConfirmation_ConfirmSignUp", user, NO_CLIENT, request
        )
        return {}

    def sign_out(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminUserGlobalSignOut."""
        self.state.tokens.refresh_tokens.revoke_all(named_user(self.state, request).sub)
        return {}

    # --- passwords ---

    def set_password(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminSetUserPassword; what is not permanent must be replaced."""
        user = named_user(self.state, request)
        temporary = not request.get("Permanent", False)
        stored = self.state.make_password(user, request["Password"], temporary=temporary)
        self.state.set_password(user, stored)
        self.state.lockout.succeeded(user.sub)
        return {}

    def reset_password(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminResetUserPassword: a code goes out, and no password counts until then."""
        user = named_user(self.state, request)
        if user.status in ("FORCE_CHANGE_PASSWORD", "UNCONFIRMED"):
            raise not_authorized("User password cannot be reset in the current state.")
        attribute = way_to(self.state.settings, user)
        if attribute is None:
            raise unreachable()
        self.postman.send(
            user,
            attribute,
            purpose=RECOVERY_CODE,
            lifetime=HOUR,
            operation="AdminResetUserPassword",
        )
        user.status = "RESET_REQUIRED"
        return {}

    # --- identities elsewhere ---

    def link(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminLinkProviderForUser."""
        name = request["DestinationUser"].get("ProviderAttributeValue", "")
        user = named_user(self.state, {"Username": name})
        identity = _identity(request["SourceUser"])
        if any(identity in other.identities for other in self.state.users):
            raise invalid_parameter("SourceUser is already linked to DestinationUser")
        if len(user.identities) >= _MOST_LINKED:
            raise PoolError("LimitExceededException", "Too many linked identities.")  # our words
        user.identities.append(identity)
        return {}

    def unlink(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminDisableProviderForUser."""
        identity = _identity(request["User"])
        for user in self.state.users:
            if identity in user.identities:
                user.identities.remove(identity)
                return {}
        raise user_not_found()

    # --- second factors ---

    def set_mfa(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminSetUserMFAPreference."""
        self.account.prefer(named_user(self.state, request), request)
        return {}

    def auth_factors(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminGetUserAuthFactors."""
        return self.account.factors_of(named_user(self.state, request))

    def delete_totp(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminDeleteSoftwareToken."""
        user = named_user(self.state, request)
        user.software_token = user.pending_token = None
        user.mfa[:] = [method for method in user.mfa if method != "SOFTWARE_TOKEN_MFA"]
        if user.preferred_mfa == "SOFTWARE_TOKEN_MFA":
            user.preferred_mfa = None
        return {}


def _identity(member: Mapping[str, str]) -> dict[str, str]:
    return {
        "providerName": member.get("ProviderName", ""),
        "providerAttribute": member.get("ProviderAttributeName", ""),
        "userId": member.get("ProviderAttributeValue", ""),
    }
