"""Changing, deleting and verifying one's own attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.callers import authorized, signed_in_at
from aiocognito.testing.codes import DAY
from aiocognito.testing.postman import Postman
from aiocognito.testing.registration import pairs
from aiocognito.testing.service_errors import invalid_parameter
from aiocognito.testing.settings import VERIFIED
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["OwnAttributes"]


@frozen
class OwnAttributes:
    """What signed-in users may do with their attributes."""

    state: PoolState
    postman: Postman = field(init=False)

    @postman.default
    def _make_postman(self) -> Postman:
        return Postman(self.state)

    def update(self, request: Mapping[str, Any]) -> Answer:
        """Answer UpdateUserAttributes. An empty value deletes."""
        user, client = signed_in_at(self.state, request["AccessToken"])
        wanted = pairs(request["UserAttributes"])
        client.refuse_unwritable(wanted)
        self._check(user, wanted)
        changed = [
            name
            for name in VERIFIED
            if name in wanted and wanted[name] != user.attributes.get(name)
        ]
        waiting = {
            name: wanted.pop(name)
            for name in changed
            if wanted[name] and name in self.state.settings.verified_before_update
        }
        for name in changed:
            if name not in waiting:
                wanted[VERIFIED[name]] = "false" if wanted[name] else ""
        self.state.users.update(user, wanted)
        for name in changed:
            self.state.codes.drop(user.sub, name)
            user.pending_attributes.pop(name, None)
        user.pending_attributes.update(waiting)
        deliveries = [
            self._send(user, name, "UpdateUserAttributes")
            for name in changed
            if name in self.state.settings.auto_verified_attributes and self._address(user, name)
        ]
        return {"CodeDeliveryDetailsList": deliveries}

    def _check(self, user: LocalUser, wanted: Mapping[str, str]) -> None:
        settings = self.state.settings
        settings.check_attributes(wanted)
        # What is missing already is nobody's concern here, only what would go.
        settings.check_required({**dict.fromkeys(settings.required_attributes, "kept"), **wanted})
        self._refuse_immutable(user, wanted)

    def _refuse_immutable(self, user: LocalUser, wanted: Mapping[str, str]) -> None:
        for name in self.state.settings.immutable_attributes:
            if name in wanted and user.attributes.get(name, wanted[name]) != wanted[name]:
                raise invalid_parameter(f"user.{name}: Attribute cannot be updated.\n")

    def delete(self, request: Mapping[str, Any]) -> Answer:
        """Answer DeleteUserAttributes."""
        user, client = signed_in_at(self.state, request["AccessToken"])
        gone = dict.fromkeys(request["UserAttributeNames"], "")
        client.refuse_unwritable(gone)
        self._check(user, gone)
        for name in set(gone) & set(VERIFIED):
            gone[VERIFIED[name]] = ""
            self.state.codes.drop(user.sub, name)
            user.pending_attributes.pop(name, None)
        self.state.users.update(user, gone)
        return {}

    # --- verifying ---

    def send_code(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetUserAttributeVerificationCode."""
        user, name = authorized(self.state, request["AccessToken"]), request["AttributeName"]
        if name not in VERIFIED or not self._address(user, name):
            raise invalid_parameter(f"User has no {name} to verify.")  # our words
        operation = "GetUserAttributeVerificationCode"
        self.state.limits.spend(user.sub, operation, self.state.clock.boot())
        return {"CodeDeliveryDetails": self._send(user, name, operation)}

    def verify(self, request: Mapping[str, Any]) -> Answer:
        """Answer VerifyUserAttribute; a value that waited takes effect."""
        user, name = authorized(self.state, request["AccessToken"]), request["AttributeName"]
        now = self.state.clock.boot()
        if name not in VERIFIED:
            raise invalid_parameter(f"{name} is not verified by a code.")  # our words
        self.state.limits.spend(user.sub, "VerifyUserAttribute", now)
        self.state.codes.check(user.sub, name, request["Code"], now)
        self.state.users.update(user, {name: self._address(user, name), VERIFIED[name]: "true"})
        user.pending_attributes.pop(name, None)
        self.state.codes.drop(user.sub, name)
        return {}

    def _send(self, user: LocalUser, name: str, operation: str) -> dict[str, str]:
        return self.postman.send(
            user,
            name,
            purpose=name,
            lifetime=DAY,
            operation=operation,
            address=self._address(user, name),
        )

    def _address(self, user: LocalUser, name: str) -> str:
        """Return the address a code goes to: the new one, if one waits."""
        return user.pending_attributes.get(name) or user.attributes.get(name, "")
