"""SignUp, ConfirmSignUp and ResendConfirmationCode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.callers import named
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.codes import DAY
from aiocognito.testing.postman import Postman
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    missing_parameter,
    not_authorized,
    session_unknown,
    user_disabled,
    verification_mismatch,
)
from aiocognito.testing.settings import EMAIL, PHONE, VERIFIED, PoolSettings
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["SIGNED_UP", "SIGN_UP", "Registration"]

SIGN_UP = "SIGN_UP"
"""The challenge of a session that links a confirmation to its sign-up."""
SIGNED_UP = "SIGNED_UP"
"""The challenge of a session that a confirmation returned: USER_AUTH may begin with it."""

_PURPOSE = "sign-up"


@frozen
class Registration:
    """How people become users by themselves."""

    state: PoolState
    postman: Postman = field(init=False)

    @postman.default
    def _make_postman(self) -> Postman:
        return Postman(self.state)

    # --- signing up ---

    def sign_up(self, request: Mapping[str, Any]) -> Answer:
        """Answer SignUp."""
        client = self.state.client(request["ClientId"])
        client.check_hash(request["Username"], request.get("SecretHash"))
        if not self.state.settings.self_sign_up:
            raise not_authorized("SignUp is not permitted for this user pool")
        user = self._draft(request, client)
        wishes = self._ask_trigger(user, client, request)
        self._grant(user, wishes)
        self._take_in(user)
        delivery = self._send_code(user, "SignUp") if user.status == "UNCONFIRMED" else {}
        answer: Answer = {"UserConfirmed": user.status == "CONFIRMED", "UserSub": user.sub}
        return {**answer, **delivery, **self._session(user, client, SIGN_UP)}

    def _draft(self, request: Mapping[str, Any], client: LocalClient) -> LocalUser:
        settings, name = self.state.settings, request["Username"]
        attributes = pairs(request.get("UserAttributes", ()))
        client.refuse_unwritable(attributes)
        if "preferred_username" in attributes and "preferred_username" in settings.alias_attributes:
            # Guide, "Aliases": only once the account is confirmed. The words are ours.
            raise invalid_parameter("preferred_username cannot be set at sign-up.")
        sub = self.state.draws.uuid()
        if settings.username_attributes:
            attributes = {attribute_named_by(settings, name): name, **attributes}
        else:
            refuse_alias_as_name(settings, name)
        settings.check_attributes(attributes)
        settings.check_required(attributes)
        unverified = {flag: "false" for it, flag in VERIFIED.items() if attributes.get(it)}
        user = LocalUser(
            username=sub if settings.username_attributes else name,
            sub=sub,
            attributes={**{it: value for it, value in attributes.items() if value}, **unverified},
            status="UNCONFIRMED",
            created_at=self.state.clock.wall(),
        )
        if "Password" in request:
            user.password = self.state.make_password(user, request["Password"])
        elif not client.allows("USER_AUTH"):
            raise missing_parameter("Password")
        return user

    def _ask_trigger(
        self, user: LocalUser, client: LocalClient, request: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        return self.state.triggers.run(
            "PreSignUp_SignUp",
            username=user.username,
            client=client,
            request={
                "userAttributes": shown(user.attributes),
                "validationData": pairs(request.get("ValidationData", ())),
                "clientMetadata": request.get("ClientMetadata", {}),
            },
            response={
                "autoConfirmUser": False,
                "autoVerifyEmail": False,
                "autoVerifyPhone": False,
            },
        )

    def _grant(self, user: LocalUser, wishes: Mapping[str, Any]) -> None:
        for wish, attribute in (("autoVerifyEmail", "email"), ("autoVerifyPhone", "phone_number")):
            if wishes[wish] is True and user.attributes.get(attribute):
                user.attributes[VERIFIED[attribute]] = "true"
        if wishes["autoConfirmUser"] is True:
            user.status = "CONFIRMED"

    def _take_in(self, user: LocalUser) -> None:
        try:
            self.state.users.add(user)
        except PoolError as taken:
            # A sign-up knows no AliasExistsException; a verified address may clash all the same.
            raise PoolError("UsernameExistsException", taken.message) from None

    # --- confirming ---

    def confirm(self, request: Mapping[str, Any]) -> Answer:
        """Answer ConfirmSignUp."""
        caller, now = named(self.state, request), self.state.clock.boot()
        self.state.limits.spend(caller.key, "ConfirmSignUp", now)
        user = caller.user
        if user is None:
            raise verification_mismatch()
        if not user.enabled:
            raise user_disabled()
        if user.status != "UNCONFIRMED":
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        self._check_session(request, user, caller.client)
        code = request["ConfirmationCode"]
        sent = self.state.codes.check(user.sub, _PURPOSE, code, now)
        verify_alias(
            self.state, user, sent.attribute, force=request.get("ForceAliasCreation", False)
        )
        user.status = "CONFIRMED"
        self.state.codes.drop(user.sub, _PURPOSE)
        if "Session" in request:
            self.state.sessions.spend(request["Session"])
        run_post_confirmation(
            self.state, "PostConfirmation_ConfirmSignUp", user, caller.client, request
        )
        return self._session(user, caller.client, SIGNED_UP)

    def _check_session(
        self, request: Mapping[str, Any], user: LocalUser, client: LocalClient
    ) -> None:
        if "Session" not in request:
            return
        session = self.state.sessions.find(
            request["Session"], self.state.clock.boot(), client_id=client.client_id
        )
        if (session.challenge, session.sub) != (SIGN_UP, user.sub):
            raise session_unknown()

    def _session(self, user: LocalUser, client: LocalClient, challenge: str) -> dict[str, str]:
        # Only clients with USER_AUTH have a use for it.
        if not client.allows("USER_AUTH"):
            return {}
        return {"Session": self.state.open_session(user, client, challenge)}

    # --- once more ---

    def resend(self, request: Mapping[str, Any]) -> Answer:
        """Answer ResendConfirmationCode."""
        caller = named(self.state, request)
        user = caller.user
        if user is not None and user.status != "UNCONFIRMED":
            raise invalid_parameter("User is already confirmed.")
        self.state.limits.spend(caller.key, "ResendConfirmationCode", self.state.clock.boot())
        if user is None:
            return {"CodeDeliveryDetails": self.postman.pretend(caller.typed)}
        delivery = self._send_code(user, "ResendConfirmationCode")
        if not delivery:
            raise invalid_parameter("Auto verification not turned on.")
        return delivery

    def _send_code(self, user: LocalUser, operation: str) -> Answer:
        """Send the code to the phone if the pool verifies phones, else by e-mail, or not at all."""
        verified = self.state.settings.auto_verified_attributes
        for attribute in ("phone_number", "email"):
            if attribute in verified and user.attributes.get(attribute):
                details = self.postman.send(
                    user, attribute, purpose=_PURPOSE, lifetime=DAY, operation=operation
                )
                return {"CodeDeliveryDetails": details}
        return {}


def attribute_named_by(settings: PoolSettings, name: str) -> str:
    """Return the attribute that a user name is, where names are addresses.

    Raises:
        PoolError: ``InvalidParameterException`` for a name that is none.
    """
    allowed = settings.username_attributes
    if "email" in allowed and EMAIL.fullmatch(name):
        return "email"
    if "phone_number" in allowed and PHONE.fullmatch(name):
        return "phone_number"
    words = {"email": "an email", "phone_number": "a phone number"}
    wanted = " or ".join(words[attribute] for attribute in allowed)
    raise invalid_parameter(f"Username should be {'either ' * (len(allowed) > 1)}{wanted}.")


def refuse_alias_as_name(settings: PoolSettings, name: str) -> None:
    """Keep names from looking like aliases.

    Raises:
        PoolError: ``InvalidParameterException``.
    """
    for attribute, pattern, word in (
        ("email", EMAIL, "email"),
        ("phone_number", PHONE, "phone number"),
    ):
        if attribute in settings.alias_attributes and pattern.fullmatch(name):
            raise invalid_parameter(
                f"Username cannot be of {word} format, "
                f"since user pool is configured for {word} alias."
            )


def verify_alias(state: PoolState, user: LocalUser, attribute: str, *, force: bool) -> None:
    """Mark an address as verified, which makes it an alias where the pool has aliases.

    Raises:
        PoolError: ``AliasExistsException``, unless it is to be taken away by `force`.
    """
    users, flag = state.users, VERIFIED[attribute]
    try:
        users.update(user, {flag: "true"})
    except PoolError:
        holder = users.find(user.attributes[attribute])
        if not force or holder is None:
            raise
        users.update(holder, {flag: "false"})
        users.update(user, {flag: "true"})


def pairs(entries: Any) -> dict[str, str]:
    """Turn ``[{"Name": …, "Value": …}]`` into a dictionary; a missing value is empty."""
    return {entry["Name"]: entry.get("Value", "") for entry in entries}


def shown(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes as a trigger sees them before the user is confirmed."""
    return {name: value for name, value in attributes.items() if name not in VERIFIED.values()}


def run_post_confirmation(
    state: PoolState,
    source: str,
    user: LocalUser,
    client: LocalClient,
    request: Mapping[str, Any],
) -> None:
    """Tell the trigger. If it fails the call fails, but what it was told of has happened."""
    state.triggers.run(
        source,
        username=user.username,
        client=client,
        request={
            "userAttributes": {
                "sub": user.sub,
                "cognito:user_status": user.status,
                **user.attributes,
            },
            "clientMetadata": request.get("ClientMetadata", {}),
        },
        response={},
    )
