"""One app client of one user pool: where sign-ins begin and sessions come from."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NoReturn, Self, TypedDict, Unpack

import anyio

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._issued import Issued
from aiocognito._keeper import PoolServices, SignIn
from aiocognito._protected import Protected
from aiocognito._redact import Secret
from aiocognito._refresh import Timing
from aiocognito._relogin import PasswordSource, Relogin, checked_source
from aiocognito.errors import InvalidArgument, InvalidType, SessionClosed
from aiocognito.events import Event, Observer
from aiocognito.flow.app_client import AppClient, checked_password, checked_username
from aiocognito.flow.challenges import Answer
from aiocognito.flow.flows import Flow, Password, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.refreshing import RefreshWith
from aiocognito.identity_pool import IdentityPool
from aiocognito.login import Conversation, Login, Responder, Step, answer_all, issued
from aiocognito.session import Session
from aiocognito.tokens.saved import SavedState
from aiocognito.transport.base import HttpClient, Transport
from aiocognito.transport.botocore import BotocoreTransport
from aiocognito.verify.verifier import TokenVerifier

__all__ = ["UserPool"]

_log = logging.getLogger("aiocognito")


class PoolOptions(TypedDict, total=False):
    """The options of `UserPool`, for `UserPool.open`."""

    client_secret: str | bytes | None
    identity_pool_id: str | None
    endpoint_url: str | None
    identity_endpoint_url: str | None
    allow_http: bool
    verify_tokens: bool
    refresh_with: RefreshWith
    rotation_grace: float | None
    observer: Observer | None
    transport: Transport | None
    http: HttpClient | None
    clock: Clock


class UserPool:
    """One app client of one user pool.

    Making one costs nothing: no file is opened and nothing is sent until the first
    call. Use it as an async context manager, or end it with `aclose`. One pool belongs
    to one event loop.

    Args:
        user_pool_id: Such as ``eu-west-1_Ab12Cd34E``; the region is taken from it.
        client_id: The app client's id.
        client_secret: The app client's secret, if it has one. It is hashed into every
            call that wants it.
        identity_pool_id: Such as ``eu-west-1:<uuid>``, for AWS credentials.
        endpoint_url: Another address of the service: a local pool, a proxy. Keys come
            from ``<endpoint_url>/<pool id>/.well-known/jwks.json`` then. Addresses in
            the environment or a profile are ignored on purpose.
        identity_endpoint_url: The same for the identity pool; ``endpoint_url`` if left out.
        allow_http: Accept ``http://`` for hosts that are not loopback. Tokens and
            secrets then travel in the clear.
        verify_tokens: False hands out tokens that nobody verified.
        refresh_with: The operation that refreshes. ``REFRESH_TOKEN_AUTH`` is refused by
            app clients with rotation.
        rotation_grace: Seconds a rotated refresh token stays usable, if the app client
            rotates them; None learns from the first answer whether it does.
        observer: Called with each `Event`; must be quick.
        transport: Carries the calls of both pools instead of our own; not closed by
            the pool.
        http: Fetches the keys instead of the built-in client; not closed by the pool.
        clock: Where the time comes from.

    Raises:
        InvalidType: An argument has the wrong type.
        InvalidArgument: An argument cannot be right, such as a malformed pool id.
    """

    def __init__(
        self,
        user_pool_id: str,
        client_id: str,
        *,
        client_secret: str | bytes | None = None,
        identity_pool_id: str | None = None,
        endpoint_url: str | None = None,
        identity_endpoint_url: str | None = None,
        allow_http: bool = False,
        verify_tokens: bool = True,
        refresh_with: RefreshWith = "GetTokensFromRefreshToken",
        rotation_grace: float | None = None,
        observer: Observer | None = None,
        transport: Transport | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        client = AppClient.of(user_pool_id, client_id, client_secret)
        del client_secret  # a traceback that prints locals shows this frame
        _check_choice("refresh_with", refresh_with)
        if observer is not None and not callable(observer):
            raise InvalidType("observer", "a callable", observer)
        self._observer = observer
        self._timing = Timing(clock=clock, sleep=getattr(clock, "sleep", anyio.sleep))
        self._own_transport = transport is None
        self._verifier = (
            TokenVerifier(
                user_pool_id,
                client_id,
                http=http,
                endpoint_url=endpoint_url,
                allow_http=allow_http,
                clock=clock,
            )
            if verify_tokens
            else None
        )
        self._identity_pool = (
            None
            if identity_pool_id is None
            else IdentityPool(
                identity_pool_id,
                endpoint_url=(identity_endpoint_url or endpoint_url) if transport is None else None,
                allow_http=allow_http,
                transport=transport,
                timing=self._timing,
                observer=self._observe,
            )
        )
        self._services = PoolServices(
            client=client,
            transport=transport
            or BotocoreTransport(
                client.pool.region,
                service="cognito-idp",
                endpoint_url=endpoint_url,
                allow_http=allow_http,
                # What `Session.aws_session` needs, lest it import aiobotocore on the loop.
                preload=() if identity_pool_id is None else ("aiocognito.aws",),
            ),
            verifier=self._verifier,
            identity_pool=self._identity_pool,
            timing=self._timing,
            protected=Protected(),
            observe=self._observe,
            refresh_with=refresh_with,
            rotation_grace=_checked_grace(rotation_grace),
        )

    @classmethod
    async def open(cls, user_pool_id: str, client_id: str, **options: Unpack[PoolOptions]) -> Self:
        """Make a pool without a context manager: for notebooks, where no block spans cells.

        Takes what the constructor takes. End it with `aclose` when you care.
        """
        return cls(user_pool_id, client_id, **options)

    # --- what is known ---

    @property
    def user_pool_id(self) -> str:
        """As given."""
        return self._services.client.pool.text

    @property
    def client_id(self) -> str:
        """As given."""
        return self._services.client.client_id

    @property
    def region(self) -> str:
        """The AWS region, from the pool's id."""
        return self._services.client.pool.region

    @property
    def identity_pool(self) -> IdentityPool | None:
        """The identity pool, if the pool was made with one."""
        return self._identity_pool

    # --- signing in ---

    def login(self, username: str, password: str, *, flow: Flow = Srp()) -> Login:  # noqa: B008  frozen
        """Prepare an explicit sign-in; `Login.start` begins it.

        Args:
            username: The user's name or an alias (e-mail, phone number), as typed.
            password: As typed; it is not trimmed or normalised.
            flow: `Srp` or `Password`.

        Raises:
            InvalidType: An argument has the wrong type.
            InvalidArgument: The name or the password cannot be one.
        """
        self._check_open()
        secret = checked_password(password)
        del password  # a traceback that prints locals shows this frame
        name = checked_username(username)
        return Login(self._conversation(name, secret, _checked_flow(flow)), self._session_of)

    async def sign_in(
        self,
        username: str,
        password: PasswordSource,
        *,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
    ) -> Session:
        """Sign in and return the session. The password is not kept.

        Args:
            username: The user's name or an alias (e-mail, phone number), as typed.
            password: The password, or an async callable that brings it.
            respond: Asked for an answer at each challenge; see `responders`.
            flow: `Srp` or `Password`.

        Cancelling ends the sign-in; nothing is kept.

        Raises:
            ChallengeRequired: The service asks for more and nobody answered. It
                carries the challenge, which `resume` can still answer.
            CognitoError: As `Login.start`.
        """
        self._check_open()
        source = checked_source(password)
        del password  # a traceback that prints locals shows this frame
        name, flow, respond = checked_username(username), _checked_flow(flow), _checked(respond)
        return await self._session_of(await self._issue(name, await source(), respond, flow))

    def session(
        self,
        username: str,
        *,
        password: PasswordSource,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
    ) -> Session:
        """Return a session that signs in on first use, and again when it has to.

        For service identities: nothing is sent now, and the session stays usable after
        the refresh token's end. The password, or the callable that brings it, is kept.

        Args:
            username: The user's name or an alias, as typed.
            password: The password, or an async callable that brings it. A callable
                lets a secrets manager rotate it.
            respond: Asked for an answer at each challenge; it must do without a person.
            flow: `Srp` or `Password`.

        Raises:
            InvalidType: An argument has the wrong type.
            InvalidArgument: The name or the password cannot be one.
        """
        self._check_open()
        source = checked_source(password)
        del password  # a traceback that prints locals shows this frame
        name = checked_username(username)
        again = self._signing_in(name, source, respond, flow)
        return Session(self._services, username=name, sign_in_again=again)

    def restore(
        self,
        state: bytes,
        *,
        password: PasswordSource | None = None,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
    ) -> Session:
        """Return the session that `Session.export_state` kept.

        Nothing is sent now: the first use refreshes, then verifies. With a password
        it signs in again when the refresh token is dead, as `session` does.

        Raises:
            InvalidType: ``state`` is not `bytes`.
            InvalidArgument: ``state`` is damaged, or of another pool or app client.
        """
        self._check_open()
        source = None if password is None else checked_source(password)
        del password  # a traceback that prints locals shows this frame
        saved, client = SavedState.from_bytes(state), self._services.client
        if (saved.user_pool_id, saved.client_id) != (client.pool.text, client.client_id):
            raise InvalidArgument("state", "one of this pool and app client")
        again = None
        if source is not None:
            again = self._signing_in(saved.username, source, respond, flow)
        session = Session(self._services, username=saved.username, sign_in_again=again)
        session._take_over(saved)
        return session

    async def resume(self, answer: Answer) -> Step:
        """Send the answer to a challenge of an earlier request, in any process.

        Returns:
            The session, or the next challenge. Each answer of such a conversation goes
            through `resume`.

        Raises:
            InvalidArgument: The challenge was issued to another app client.
            InvalidSession: It was answered before, or is too old.
            CodeMismatch: The code is wrong; answer the same challenge again.
            CognitoError: As `Login.send`.
        """
        self._check_open()
        if not isinstance(answer, Answer):
            raise InvalidType("answer", "an Answer, such as challenge.answer(code)", answer)
        flow = AuthFlow.resume(self._services.client, answer.challenge)
        conversation = Conversation(flow, self._services.transport, self._timing)
        return await Login(conversation, self._session_of).send(answer)

    # --- ending ---

    async def aclose(self) -> None:
        """Let refreshes under way finish (10 s at most), then close connections.

        Sessions of this pool are closed too; their refresh tokens stay valid.
        Idempotent.
        """
        self._services.closed = True
        with anyio.CancelScope(shield=True):
            await self._services.protected.drain()
            if self._identity_pool is not None:
                await self._identity_pool.aclose()
            if self._verifier is not None:
                await self._verifier.aclose()
            if self._own_transport:
                await self._services.transport.aclose()

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<UserPool {self.user_pool_id} client {self.client_id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A pool is not pickled; make one in each process.")

    # --- inside ---

    def _check_open(self) -> None:
        if self._services.closed:
            raise SessionClosed

    def _conversation(self, username: str, password: Secret, flow: Flow) -> Conversation:
        machine = AuthFlow(
            self._services.client,
            username=username,
            password=password,
            flow=flow,
            entropy=secrets.token_bytes,
        )
        return Conversation(machine, self._services.transport, self._timing)

    async def _issue(
        self, username: str, password: Secret, respond: Responder | None, flow: Flow
    ) -> Issued:
        conversation = self._conversation(username, password, flow)
        return issued(conversation, await answer_all(conversation, respond, self._timing))

    def _signing_in(
        self,
        username: str,
        source: Callable[[], Awaitable[Secret]],
        respond: Responder | None,
        flow: Flow,
    ) -> SignIn:
        relogin = Relogin(source, self._timing.clock)
        flow, respond = _checked_flow(flow), _checked(respond)
        return lambda: relogin.run(lambda secret: self._issue(username, secret, respond, flow))

    async def _session_of(self, tokens: Issued) -> Session:
        session = Session(self._services, username=tokens.username or "")
        await session._adopt(tokens)
        return session

    def _observe(self, event: Event) -> None:
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:  # noqa: BLE001  an observer's fault must not end a session
            _log.warning("The observer failed on %s.", type(event).__name__, exc_info=True)


def _checked_flow(flow: object) -> Flow:
    if not isinstance(flow, Srp | Password):
        raise InvalidType("flow", "Srp() or Password()", flow)
    return flow


def _checked(respond: Responder | None) -> Responder | None:
    if respond is not None and not callable(respond):
        raise InvalidType("respond", "an async callable", respond)
    return respond


def _check_choice(argument: str, value: str) -> None:
    if value not in ("GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"):
        raise InvalidArgument(argument, "GetTokensFromRefreshToken or REFRESH_TOKEN_AUTH")


def _checked_grace(grace: float | None) -> float | None:
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, int | float):
        raise InvalidType("rotation_grace", "a number of seconds", grace)
    if not 0 <= grace <= 60:
        raise InvalidArgument("rotation_grace", "0 to 60 seconds")
    return float(grace)
