"""NEW_PASSWORD_REQUIRED: a temporary password is exchanged for one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    invalid_parameter,
    not_authorized,
    session_unknown,
)
from aiocognito.testing.settings import READ_ONLY, VERIFIED
from aiocognito.testing.state import Answer, PoolState, challenge, needed
from aiocognito.testing.users import CONTACTS, LocalUser

__all__ = ["NewPassword"]

NAME = "NEW_PASSWORD_REQUIRED"
_PREFIX = "userAttributes."


@frozen
class NewPassword:
    """Puts the challenge and takes its answer."""

    state: PoolState
    second_factors: SecondFactors

    def ask(self, user: LocalUser, client: LocalClient) -> Answer:
        """Put the challenge."""
        parameters = {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": json.dumps([_PREFIX + name for name in self._missing(user)]),
            "userAttributes": json.dumps(user.attributes),
        }
        session = self.state.open_session(user, client, NAME)
        return challenge(NAME, parameters, session)

    def answer(
        self,
        user: LocalUser,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        """Set the password and the attributes that came with it, then go on to MFA.

        Raises:
            PoolError: What can be mended leaves the session as it was.
        """
        if user.status != "FORCE_CHANGE_PASSWORD":  # another session has been faster
            raise session_unknown()
        (password,) = needed(answers, "NEW_PASSWORD")
        attributes = {
            name.removeprefix(_PREFIX): value
            for name, value in answers.items()
            if name.startswith(_PREFIX)
        }
        self._check(user, attributes)
        stored = self.state.make_password(user, password)
        flags = {
            VERIFIED[name]: "false" if attributes[name] else ""
            for name in _changed_contacts(user, attributes)
        }
        self.state.users.update(user, {**attributes, **flags})
        self.state.set_password(user, stored)
        return self.second_factors.ask(user, client)

    def _missing(self, user: LocalUser) -> list[str]:
        return [
            name
            for name in self.state.settings.required_attributes
            if name != "sub" and not user.attributes.get(name)
        ]

    def _check(self, user: LocalUser, attributes: Mapping[str, str]) -> None:
        if any(name in READ_ONLY for name in attributes):
            raise not_authorized("A client attempted to write unauthorized attribute")
        self.state.settings.check_attributes(attributes)
        for name in self.state.settings.required_attributes:
            if name in attributes and user.attributes.get(name):
                raise not_authorized(f"Cannot modify an already provided {name}")
        if any(CONTACTS.get(method) in _changed_contacts(user, attributes) for method in user.mfa):
            # Ours, as is the rule: a temporary password must not lead codes elsewhere.
            raise invalid_parameter("A contact that MFA codes go to cannot be changed here.")
        for name in self._missing(user):
            if not attributes.get(name):
                raise invalid_parameter(f"Invalid attributes given, {name} is missing")


def _changed_contacts(user: LocalUser, attributes: Mapping[str, str]) -> list[str]:
    """Return which of e-mail address and phone number would get another value."""
    return [
        name
        for name in VERIFIED
        if name in attributes and attributes[name] != user.attributes.get(name, "")
    ]
