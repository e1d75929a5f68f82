"""Sign people in through the administrators' API: for servers that have IAM credentials.

The conversation, the challenges and the session are those of `UserPool`; the calls that
carry them are AdminInitiateAuth and AdminRespondToAuthChallenge, signed. What a browser
or a telephone must not do is then closed to it: the app client can refuse the public flows.
"""

from __future__ import annotations

from typing import Protocol

from aiocognito._relogin import PasswordSource
from aiocognito.flow.challenges import Answer
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Flow, Srp
from aiocognito.login import Login, Responder, Step
from aiocognito.session import Session
from aiocognito.tokens.devices import RememberedDevice

__all__ = ["AdminSignIn", "SignIns"]


class SignIns(Protocol):
    """What signs people in; `UserPool` fulfils it."""

    def login(
        self,
        username: str,
        password: str | None = None,
        *,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Login:
        """See `UserPool.login`."""
        ...

    async def sign_in(
        self,
        username: str,
        password: PasswordSource | None = None,
        *,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Session:
        """See `UserPool.sign_in`."""
        ...

    def session(
        self,
        username: str,
        *,
        password: PasswordSource | None = None,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Session:
        """See `UserPool.session`."""
        ...

    async def resume(
        self,
        answer: Answer,
        *,
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Step:
        """See `UserPool.resume`."""
        ...


class AdminSignIn:
    """The sign-ins of `Admin`.

    Args:
        sign_ins: Sign-ins whose calls are the administrators' ones.
    """

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    def login(
        self,
        username: str,
        password: str | None = None,
        *,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Login:
        """Prepare an explicit sign-in by AdminInitiateAuth. As `UserPool.login`.

        Args:
            username: The user's name or an alias, as typed.
            password: As typed; None in flows that do without.
            flow: As there. `Password` is ``ADMIN_USER_PASSWORD_AUTH`` here.
            context: For triggers, threat protection and analytics. About the person's
                request it tells all of ``ip_address``, ``server_name`` and
                ``server_path``, or nothing.
            device: The user's remembered device.

        Raises:
            InvalidArgument: As there; or the context tells half of it.
            InvalidType: As there.
        """
        return self._sign_ins.login(username, password, flow=flow, context=context, device=device)

    async def sign_in(
        self,
        username: str,
        password: PasswordSource | None = None,
        *,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Session:
        """Sign in by AdminInitiateAuth and return the session. As `UserPool.sign_in`.

        The session refreshes by unsigned calls, like any other.

        Args:
            username: The user's name or an alias, as typed.
            password: The password, or an async callable that brings it.
            respond: As there.
            flow: As for `login`.
            context: As for `login`.
            device: The user's remembered device.

        Raises:
            ChallengeRequired: The service asks for more and nobody answered; `resume`
                here can still answer.
            CognitoError: Anything else.
        """
        return await self._sign_ins.sign_in(
            username, password, respond=respond, flow=flow, context=context, device=device
        )

    def session(
        self,
        username: str,
        *,
        password: PasswordSource | None = None,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Session:
        """Return a session that signs in by AdminInitiateAuth whenever it has to.

        As `UserPool.session`.

        Args:
            username: The user's name or an alias, as typed.
            password: The password, or an async callable that brings it.
            respond: As there.
            flow: As for `login`.
            context: As for `login`.
            device: The user's remembered device.
        """
        return self._sign_ins.session(
            username, password=password, respond=respond, flow=flow, context=context, device=device
        )

    async def resume(
        self,
        answer: Answer,
        *,
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Step:
        """Send the answer to a challenge that an earlier `login` or `sign_in` here met.

        As `UserPool.resume`, in any process whose pool has IAM credentials.

        Raises:
            InvalidArgument: The challenge is another app client's, or was put by
                `UserPool.login` or `UserPool.sign_in`.
            InvalidSession: It was answered before, or is too old.
            CognitoError: Anything else.
        """
        return await self._sign_ins.resume(answer, context=context, device=device)
