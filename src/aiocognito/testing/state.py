"""Everything one local pool knows, for the modules that answer its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from aiocognito._clock import Clock
from aiocognito.testing.challenge_sessions import ChallengeSession, ChallengeSessions
from aiocognito.testing.claimants import SALT_BYTES, Claimants
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.codes import AttemptLimits, VerificationCodes
from aiocognito.testing.devices import NamedDevice
from aiocognito.testing.draws import Draws, Entropy
from aiocognito.testing.lockout import Lockout
from aiocognito.testing.passwords import StoredPassword
from aiocognito.testing.service_errors import PoolError, client_not_found, missing_parameter
from aiocognito.testing.settings import PoolSettings
from aiocognito.testing.srp_desk import SrpDesk
from aiocognito.testing.tokens import TokenDesk
from aiocognito.testing.triggers import Triggers
from aiocognito.testing.users import Delivery, Group, LocalUser, UserDirectory

__all__ = ["PoolState", "challenge", "needed", "signed_in"]

Answer = dict[str, Any]


@define(kw_only=True)
class PoolState:
    """The parts of a pool.

    Handlers check first and change last: a refused call leaves everything as it was,
    but for the counters of failures.
    """

    settings: PoolSettings
    clock: Clock
    draws: Draws
    users: UserDirectory
    groups: dict[str, Group]
    clients: dict[str, LocalClient]
    claimants: Claimants
    lockout: Lockout
    srp: SrpDesk
    sessions: ChallengeSessions
    tokens: TokenDesk
    outbox: list[Delivery]
    codes: VerificationCodes
    limits: AttemptLimits
    triggers: Triggers
    named_device: NamedDevice

    @classmethod
    def empty(
        cls, settings: PoolSettings, clock: Clock, entropy: Entropy, *, tolerance: float
    ) -> PoolState:
        """Lay out a pool without users and clients."""
        draws, lockout = Draws(entropy), Lockout()
        users = UserDirectory(settings)
        groups: dict[str, Group] = {}
        named_device = NamedDevice()
        claimants = Claimants(settings, users, seed=draws.octets(32))
        return cls(
            settings=settings,
            clock=clock,
            draws=draws,
            users=users,
            groups=groups,
            clients={},
            claimants=claimants,
            lockout=lockout,
            srp=SrpDesk(
                group=settings.pool.name,
                clock=clock,
                draws=draws,
                claimants=claimants,
                lockout=lockout,
                tolerance=tolerance,
                named_device=named_device,
            ),
            sessions=ChallengeSessions(draws, named_device),
            tokens=TokenDesk(settings=settings, clock=clock, draws=draws, groups=groups),
            outbox=[],
            codes=VerificationCodes(),
            limits=AttemptLimits(),
            triggers=Triggers(settings),
            named_device=named_device,
        )

    def client(self, client_id: str) -> LocalClient:
        """Return a client, or raise ``ResourceNotFoundException``."""
        try:
            return self.clients[client_id]
        except KeyError:
            raise client_not_found(client_id) from None

    def open_session(
        self, user: LocalUser, client: LocalClient, challenge: str, **facts: Any
    ) -> str:
        """Open a session for a challenge and return its string."""
        return self.sessions.open(
            ChallengeSession(
                sub=user.sub,
                client_id=client.client_id,
                challenge=challenge,
                expires_at=self.clock.boot() + client.auth_session_validity,
                **facts,
            )
        )

    def make_password(
        self, user: LocalUser, password: str, *, temporary: bool = False, salt: bytes | None = None
    ) -> StoredPassword:
        """Check a new password against policy and history; changes nothing.

        Raises:
            PoolError: ``InvalidPasswordException`` or
                ``PasswordHistoryPolicyViolationException``.
        """
        self.settings.password_policy.check(password)
        if any(old.fits(password) for old in self._remembered(user)):
            raise PoolError(
                "PasswordHistoryPolicyViolationException",
                "Password has previously been used.",  # our words
            )
        return StoredPassword.of(
            password,
            group=self.settings.pool.name,
            username=user.username,
            salt=salt if salt is not None else self.draws.octets(SALT_BYTES),
            set_at=self.clock.boot(),
            temporary=temporary,
        )

    def set_password(self, user: LocalUser, password: StoredPassword) -> None:
        """Put a password in place and keep the one before it for the history."""
        user.old_passwords[:] = self._remembered(user)
        user.password = password
        user.status = "FORCE_CHANGE_PASSWORD" if password.temporary else "CONFIRMED"

    def _remembered(self, user: LocalUser) -> list[StoredPassword]:
        size = self.settings.password_policy.history_size
        current = [user.password] if user.password is not None else []
        return [*current, *user.old_passwords][:size]


def needed(parameters: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Return the parameters asked for, none of them missing or empty."""
    for name in names:
        if not parameters.get(name):
            raise missing_parameter(name)
    return tuple(parameters[name] for name in names)


def challenge(name: str, parameters: Mapping[str, str], session: str | None = None) -> Answer:
    """Return the answer that puts a challenge."""
    answer: Answer = {"ChallengeName": name, "ChallengeParameters": dict(parameters)}
    return answer if session is None else {**answer, "Session": session}


def signed_in(result: Mapping[str, Any]) -> Answer:
    """Return the answer that ends a conversation; the empty map comes with real ones."""
    return {"AuthenticationResult": dict(result), "ChallengeParameters": {}}
