"""AssociateSoftwareToken and VerifySoftwareToken, by access token or by session.

By session they are the middle of an MFA_SETUP challenge: each returns a new session,
and the one from a verified token finishes the challenge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from aiocognito.testing.callers import authorized
from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    session_unknown,
    totp_not_in_pool,
    totp_not_set_up,
    user_disabled,
)
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.totp import SoftwareToken, new_secret
from aiocognito.testing.users import LocalUser

__all__ = ["TotpSetup"]

_SECRET_OCTETS = 32


@frozen
class TotpSetup:
    """Registers authenticators."""

    state: PoolState

    def associate(self, request: Mapping[str, Any]) -> Answer:
        """Hand out a new secret, which counts once it is verified."""
        user, session = self._caller(request)
        if not self.state.settings.offers("SOFTWARE_TOKEN_MFA"):
            raise totp_not_in_pool()
        token = SoftwareToken(new_secret(self.state.draws.octets(_SECRET_OCTETS)))
        user.pending_token = token
        return {"SecretCode": token.secret, **self._next(request, session)}

    def verify(self, request: Mapping[str, Any]) -> Answer:
        """Register the secret that was handed out last. Its code is used up by this."""
        user, session = self._caller(request)
        if user.pending_token is None:
            raise totp_not_set_up()
        try:
            step = user.pending_token.matching_step(request["UserCode"], self.state.clock.wall())
        except PoolError:
            raise PoolError(
                "EnableSoftwareTokenMFAException",
                "Code mismatch and fail enable Software Token MFA",
            ) from None
        user.pending_token.use(step)
        user.pending_token.friendly_name = request.get("FriendlyDeviceName")
        user.software_token, user.pending_token = user.pending_token, None
        return {"Status": "SUCCESS", **self._next(request, session, set_up=True)}

    def _caller(self, request: Mapping[str, Any]) -> tuple[LocalUser, ChallengeSession | None]:
        """Return who asks; exactly one of access token and session says so."""
        token, text = request.get("AccessToken"), request.get("Session")
        if (token is None) == (text is None):
            raise invalid_parameter("Either AccessToken or Session is required.")  # our words
        if token is not None:
            return authorized(self.state, token, names_missing_user=False), None
        session = self.state.sessions.find(str(text), self.state.clock.boot())
        user = self.state.users.of_sub(session.sub)
        if session.challenge != "MFA_SETUP" or user is None:
            raise session_unknown()
        if not user.enabled:
            raise user_disabled()
        if user.software_token is not None:
            # Set up in another session meanwhile. A password alone must not replace it.
            raise session_unknown()
        return user, session

    def _next(
        self, request: Mapping[str, Any], session: ChallengeSession | None, *, set_up: bool = False
    ) -> Answer:
        """Replace the session by the next one, if the call came with one."""
        if session is None:
            return {}
        client = self.state.client(session.client_id)
        expires_at = self.state.clock.boot() + client.auth_session_validity
        successor = evolve(session, set_up=set_up, expires_at=expires_at)
        self.state.sessions.spend(request["Session"])
        return {"Session": self.state.sessions.open(successor)}
