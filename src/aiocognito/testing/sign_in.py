"""InitiateAuth and AdminInitiateAuth: which flow begins, and what it begins with."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.custom_auth import CustomAuth
from aiocognito.testing.first_factors import FirstFactors
from aiocognito.testing.password_check import PasswordCheck
from aiocognito.testing.service_errors import (
    PoolError,
    incorrect_username_or_password,
    invalid_parameter,
    missing_parameter,
)
from aiocognito.testing.srp_desk import PasswordClaim
from aiocognito.testing.state import Answer, PoolState, challenge, needed

__all__ = ["SignIn"]

_OLD_NAMES = {"ADMIN_NO_SRP_AUTH": "ADMIN_USER_PASSWORD_AUTH"}
# A password in the clear has a flow of its own in each of the two operations.
_PLAIN = {False: "USER_PASSWORD_AUTH", True: "ADMIN_USER_PASSWORD_AUTH"}


@frozen
class SignIn:
    """Answers the first call of a sign-in, and PASSWORD_VERIFIER."""

    state: PoolState
    passwords: PasswordCheck
    custom: CustomAuth
    first_factors: FirstFactors

    def initiate(
        self,
        client: LocalClient,
        flow: str,
        parameters: Mapping[str, str],
        session: str | None = None,
        *,
        admin: bool = False,
    ) -> Answer:
        """Start a flow; refuse what is not for here.

        Args:
            session: The one that confirming a sign-up returned, for USER_AUTH.
            admin: Whether the call came by AdminInitiateAuth.
        """
        flow = _OLD_NAMES.get(flow, flow)
        if flow == _PLAIN[not admin]:
            raise invalid_parameter("Initiate Auth method not supported.")
        if not client.allows(flow):
            raise _not_enabled(flow, admin=admin)
        match flow:
            case "USER_SRP_AUTH":
                return self._start_srp(client, parameters)
            case "USER_PASSWORD_AUTH" | "ADMIN_USER_PASSWORD_AUTH":
                return self._check_password(client, parameters)
            case "CUSTOM_AUTH":
                return self.custom.initiate(client, parameters)
            case "USER_AUTH":
                return self.first_factors.initiate(client, parameters, session)
            case _:
                raise invalid_parameter("Initiate Auth method not supported.")

    def _start_srp(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        username, srp_a = needed(parameters, "USERNAME", "SRP_A")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        claimant = self.state.claimants.identify(username, client)
        opening = self.state.srp.open(claimant, client, srp_a)
        # No session: the service sends none here, the secret block is all there is.
        return challenge("PASSWORD_VERIFIER", opening)

    def prove(
        self,
        client: LocalClient,
        answers: Mapping[str, str],
        metadata: Mapping[str, str],
        session: ChallengeSession | None,
    ) -> Answer:
        """Weigh a PASSWORD_VERIFIER answer and go on to what comes after a password."""
        username, block, signature, timestamp = needed(
            answers,
            "USERNAME",
            "PASSWORD_CLAIM_SECRET_BLOCK",
            "PASSWORD_CLAIM_SIGNATURE",
            "TIMESTAMP",
        )
        client.check_hash(username, answers.get("SECRET_HASH"))
        claim = PasswordClaim(
            username=username, secret_block=block, signature=signature, timestamp=timestamp
        )
        opening = self.state.srp.weigh(claim, client)
        user = opening.claimant.user
        if user is None:  # pragma: no cover - nobody's claim is never right
            raise incorrect_username_or_password()
        if opening.rounds is None:
            return self.passwords.go_on(user, client)
        if session is None:
            raise missing_parameter("Session")
        return self.custom.proven(opening.claimant, client, opening.rounds, metadata)

    def _check_password(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        username, password = needed(parameters, "USERNAME", "PASSWORD")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        claimant = self.state.claimants.identify(username, client)
        return self.passwords.check(claimant, client, password)


def _not_enabled(flow: str, *, admin: bool) -> PoolError:
    if admin:
        return invalid_parameter("Auth flow not enabled for this client")
    if flow == "USER_SRP_AUTH":  # the service words this one differently
        return invalid_parameter("USER_SRP_AUTH is not enabled for the client.")
    return invalid_parameter(f"{flow} flow not enabled for this client")
