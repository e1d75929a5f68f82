"""USER_AUTH: people choose among the first factors the pool allows and they have.

A preferred factor that is there is asked for at once; otherwise SELECT_CHALLENGE offers
what is. A code that is delivered proves one factor only, so it is not offered to those
who must show two (developer guide, "Authentication with choice").

Where a client hides who exists, a name without a user is offered everything the pool
allows, gets codes that were never sent, and fails like a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.claimants import Claimant
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.one_time_codes import (
    CHANNELS,
    FIRST_FACTOR_DIGITS,
    OneTimeCodes,
    asked,
)
from aiocognito.testing.passkeys import PasskeySignIn
from aiocognito.testing.password_check import PasswordCheck
from aiocognito.testing.registration import SIGNED_UP
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    code_mismatch,
    invalid_parameter,
    not_authorized,
    session_unknown,
)
from aiocognito.testing.state import Answer, PoolState, challenge, needed
from aiocognito.testing.users import LocalUser

__all__ = ["FirstFactors"]

_SELECT, _PASSKEY = "SELECT_CHALLENGE", "WEB_AUTHN"
# The code of each first factor, and the second factor whose contact it shares.
_DELIVERED = {"EMAIL_OTP": "EMAIL_OTP", "SMS_OTP": "SMS_MFA"}


@frozen
class FirstFactors:
    """Offers first factors, begins them, and takes their answers."""

    state: PoolState
    passwords: PasswordCheck
    second_factors: SecondFactors
    codes: OneTimeCodes = field(init=False)
    passkeys: PasskeySignIn = field(init=False)

    @codes.default
    def _make_codes(self) -> OneTimeCodes:
        return OneTimeCodes(self.state)

    @passkeys.default
    def _make_passkeys(self) -> PasskeySignIn:
        return PasskeySignIn(self.state)

    def initiate(
        self, client: LocalClient, parameters: Mapping[str, str], session: str | None
    ) -> Answer:
        """Begin with the preferred factor, a choice, or the end of a sign-up."""
        (username,) = needed(parameters, "USERNAME")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        claimant = self.state.claimants.identify(username, client)
        if session is not None:
            return self._after_sign_up(claimant, client, session)
        offered = self._offered(claimant)
        preferred = parameters.get("PREFERRED_CHALLENGE", "")
        if preferred in offered:
            return self._begin(preferred, claimant, client, parameters)
        if not offered:
            raise not_authorized("No first factor is available to the user.")  # our words
        return {
            **self._put(_SELECT, claimant, client, choices=tuple(offered)),
            "AvailableChallenges": offered,
        }

    def answer(
        self,
        claimant: Claimant,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        """Take the answer to the session's challenge.

        Raises:
            PoolError: ``CodeMismatchException``; the session still waits then.
        """
        match session.challenge:
            case "SELECT_CHALLENGE":
                (chosen,) = needed(answers, "ANSWER")
                if chosen not in session.choices:
                    raise invalid_parameter("ANSWER is not one of AvailableChallenges.")  # ours
                if chosen == _PASSKEY and "CREDENTIAL" in answers:
                    return self._check_passkey(claimant, client, session, answers)
                return self._begin(chosen, claimant, client, answers)
            case "PASSWORD":
                (password,) = needed(answers, "PASSWORD")
                return self.passwords.check(claimant, client, password)
            case "PASSWORD_SRP":
                (srp_a,) = needed(answers, "SRP_A")
                return self._open_srp(claimant, client, srp_a)
            case "WEB_AUTHN":
                return self._check_passkey(claimant, client, session, answers)
            case _:
                return self._check_code(claimant, client, session, answers)

    # --- what is offered ---

    def _offered(self, claimant: Claimant) -> list[str]:
        allowed, user = self.state.settings.first_factors, claimant.user
        offered = []
        if "PASSWORD" in allowed and (user is None or user.password is not None):
            offered += ["PASSWORD_SRP", "PASSWORD"]
        for name, contact in _DELIVERED.items():
            if name in allowed and (user is None or self._may_use_code(user, contact)):
                offered.append(name)
        if _PASSKEY in allowed and (user is None or self._may_use_passkey(user)):
            offered.append(_PASSKEY)
        return [name for name in offered if name != _PASSKEY or self.state.settings.rp]

    def _may_use_passkey(self, user: LocalUser) -> bool:
        """Whether it is enough: where two factors are needed it may stand for both."""
        usable = bool(user.passkeys) and user.status != "FORCE_CHANGE_PASSWORD"
        return usable and (not self.second_factors.is_needed(user) or self._stands_for_two(user))

    def _stands_for_two(self, user: LocalUser | None) -> bool:
        settings = self.state.settings
        if user is None or not settings.passkey_mfa:
            return False
        return user.passkey_mfa or settings.mfa == "ON"

    def _may_use_code(self, user: LocalUser, contact: str) -> bool:
        return (
            user.status != "FORCE_CHANGE_PASSWORD"
            and user.has_contact(contact)
            and not self.second_factors.is_needed(user)
        )

    # --- beginning one ---

    def _begin(
        self, name: str, claimant: Claimant, client: LocalClient, given: Mapping[str, str]
    ) -> Answer:
        """Begin a factor; one that came without its proof is asked for."""
        if name in _DELIVERED:
            return self._send(name, claimant, client)
        if name == "PASSWORD" and "PASSWORD" in given:
            return self.passwords.check(claimant, client, given["PASSWORD"])
        if name == "PASSWORD_SRP" and "SRP_A" in given:
            return self._open_srp(claimant, client, given["SRP_A"])
        return self._put(name, claimant, client)

    def _put(self, name: str, claimant: Claimant, client: LocalClient, **facts: Any) -> Answer:
        """Put a challenge; where a passkey may answer it, with what there is to sign.

        The service takes a passkey's answer to SELECT_CHALLENGE too (service model,
        ``ChallengeResponses``), so what is to be signed must be there by then: our reading.
        """
        parameters = {"USERNAME": claimant.username}
        if _PASSKEY in (name, *facts.get("choices", ())):
            signed = facts["signed_challenge"] = self.passkeys.draw()
            parameters["CREDENTIAL_REQUEST_OPTIONS"] = self.passkeys.options(
                claimant, signed, must_verify=self._stands_for_two(claimant.user)
            )
        return challenge(name, parameters, self._open(claimant, client, name, **facts))

    def _open_srp(self, claimant: Claimant, client: LocalClient, srp_a: str) -> Answer:
        opening = self.state.srp.open(claimant, client, srp_a)
        name = "PASSWORD_VERIFIER"
        return challenge(name, opening, self._open(claimant, client, name))

    def _send(self, name: str, claimant: Claimant, client: LocalClient) -> Answer:
        session = self._session(claimant, client, name, code=self.codes.draw(FIRST_FACTOR_DIGITS))
        if claimant.user is not None:
            return self.codes.send(name, claimant.user, session)
        text = self.state.sessions.open(session)
        return asked(name, _pretended(claimant, name), claimant.username, text)

    # --- taking answers ---

    def _check_code(
        self,
        claimant: Claimant,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        if claimant.user is None:
            needed(answers, CHANNELS[session.challenge].response_key)
            raise code_mismatch()
        self.codes.check(claimant.user, session, answers)
        self.passwords.refuse_state(claimant.user)
        return self.second_factors.finish(claimant.user, client)

    def _check_passkey(
        self,
        claimant: Claimant,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        (credential,) = needed(answers, "CREDENTIAL")
        two = self._stands_for_two(claimant.user)
        user = self.passkeys.check(claimant, session, credential, must_verify=two)
        self.passwords.refuse_state(user)
        return self.second_factors.finish(user, client)

    def _after_sign_up(self, claimant: Claimant, client: LocalClient, text: str) -> Answer:
        """Sign in whom a confirmation has just proven; the session works once."""
        now = self.state.clock.boot()
        session = self.state.sessions.find(text, now, client_id=client.client_id)
        user = claimant.user
        if session.challenge != SIGNED_UP or user is None or session.sub != user.sub:
            raise session_unknown()
        self.passwords.refuse_state(user)
        answer = self.second_factors.ask(user, client)
        self.state.sessions.spend(text)
        return answer

    # --- sessions ---

    def _open(self, claimant: Claimant, client: LocalClient, name: str, **facts: Any) -> str:
        return self.state.sessions.open(self._session(claimant, client, name, **facts))

    def _session(
        self, claimant: Claimant, client: LocalClient, name: str, **facts: Any
    ) -> ChallengeSession:
        user = claimant.user
        return ChallengeSession(
            sub=user.sub if user is not None else claimant.username,
            client_id=client.client_id,
            challenge=name,
            expires_at=self.state.clock.boot() + client.auth_session_validity,
            first_factor=True,
            nobody=None if user is not None else claimant,
            **facts,
        )


def _pretended(claimant: Claimant, name: str) -> str:
    """Return a masked destination that depends on the typed name alone."""
    drawn = int(claimant.username.replace("-", ""), 16)
    if name == "SMS_OTP":
        return f"+*******{drawn % 10_000:04d}"
    local, _, domain = claimant.typed.rpartition("@")
    if local and domain:
        return f"{local[0]}***@{domain[0]}***"
    return "{}***@{}***".format(*(chr(ord("a") + part % 26) for part in divmod(drawn, 26)))
