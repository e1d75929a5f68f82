"""AdminCreateUser: users who were not asked, and their invitations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from aiocognito.testing.admin_subjects import NO_CLIENT, described, named_user, refuse_sub
from aiocognito.testing.registration import (
    attribute_named_by,
    pairs,
    refuse_alias_as_name,
    shown,
    verify_alias,
)
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.settings import MEDIA, VERIFIED
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import Delivery, LocalUser

__all__ = ["UserCreation"]

Handler = Callable[[Mapping[str, Any]], Answer]

_PASSWORD_OCTETS = 8


@frozen
class UserCreation:
    """Answers AdminCreateUser."""

    state: PoolState

    def table(self) -> Mapping[str, Handler]:
        """Return what answers which operation."""
        return {"AdminCreateUser": self.create}

    def create(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminCreateUser: a user who must change the password, and an invitation."""
        if request.get("MessageAction") == "RESEND":
            return self._invite_again(request)
        user, password = self._draft(request), self._password(request)
        stored = self.state.make_password(user, password, temporary=True)
        self._ask_trigger(user, request)
        self._take_in(user, force=request.get("ForceAliasCreation", False))
        self.state.set_password(user, stored)
        if request.get("MessageAction") != "SUPPRESS":
            self._invite(user, password, request)
        return {"User": described(user)}

    def _draft(self, request: Mapping[str, Any]) -> LocalUser:
        settings, name = self.state.settings, request["Username"]
        attributes = pairs(request.get("UserAttributes", ()))
        refuse_sub(attributes)
        sub = self.state.draws.uuid()
        if settings.username_attributes:
            attributes = {attribute_named_by(settings, name): name, **attributes}
        else:
            refuse_alias_as_name(settings, name)
        settings.check_attributes(attributes)
        return LocalUser(
            username=sub if settings.username_attributes else name,
            sub=sub,
            attributes={it: value for it, value in attributes.items() if value},
            status="FORCE_CHANGE_PASSWORD",
            created_at=self.state.clock.wall(),
        )

    def _password(self, request: Mapping[str, Any]) -> str:
        given: str | None = request.get("TemporaryPassword")
        if given is not None:
            return given
        # Something of every kind, and long enough for any policy that allows it.
        random = self.state.draws.octets(_PASSWORD_OCTETS).hex()
        return f"Aa1!{random}".ljust(self.state.settings.password_policy.minimum_length, "x")

    def _ask_trigger(self, user: LocalUser, request: Mapping[str, Any]) -> None:
        self.state.triggers.run(
            "PreSignUp_AdminCreateUser",
            username=user.username,
            client=NO_CLIENT,
            request={
                "userAttributes": shown(user.attributes),
                "validationData": pairs(request.get("ValidationData", ())),
                "clientMetadata": request.get("ClientMetadata", {}),
            },
            response={},
        )

    def _take_in(self, user: LocalUser, *, force: bool) -> None:
        """Take a user in; an alias that counts may have to be taken away from another."""
        verified = [
            attribute
            for attribute, flag in VERIFIED.items()
            if user.attributes.get(flag) == "true" and user.attributes.get(attribute)
        ]
        for attribute, flag in VERIFIED.items():
            if user.attributes.get(attribute):
                user.attributes[flag] = "false"
        try:
            self.state.users.add(user)
        except PoolError as taken:
            raise PoolError("UsernameExistsException", taken.message) from None
        try:
            for attribute in verified:
                verify_alias(self.state, user, attribute, force=force)
        except PoolError as taken:
            self.state.users.remove(user)
            raise PoolError("UsernameExistsException", taken.message) from None

    def _invite(self, user: LocalUser, password: str, request: Mapping[str, Any]) -> None:
        media = request.get("DesiredDeliveryMediums") or ["SMS"]
        for attribute, medium in MEDIA.items():
            if medium in media and user.attributes.get(attribute):
                self.state.outbox.append(
                    Delivery(
                        username=user.username,
                        destination=user.attributes[attribute],
                        medium=medium,
                        code=password,
                        purpose="AdminCreateUser",
                    )
                )

    def _invite_again(self, request: Mapping[str, Any]) -> Answer:
        user = named_user(self.state, request)
        if user.status != "FORCE_CHANGE_PASSWORD":
            raise PoolError(
                "UnsupportedUserStateException",
                f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD",
            )
        password = self._password(request)
        self.state.set_password(user, self.state.make_password(user, password, temporary=True))
        self._invite(user, password, request)
        return {"User": described(user)}
