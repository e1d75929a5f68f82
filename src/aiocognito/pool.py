"""One app client of one user pool: where sign-ins begin and sessions come from."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, TypedDict, Unpack

import anyio

from aiocognito._client_secrets import ClientSecret, ClientSecrets, checked_secrets
from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._devices import DevicePolicy
from aiocognito._issued import Issued
from aiocognito._keeper import SignIn
from aiocognito._pool_accounts import PoolAccounts
from aiocognito._pool_checks import (
    check_refresh_with,
    checked_context,
    checked_device,
    checked_flow,
    checked_grace,
    checked_policy,
    checked_responder,
    checked_scheduler,
    checked_validity,
    storing_of,
)
from aiocognito._protected import Protected
from aiocognito._redact import Secret
from aiocognito._refresh import Timing
from aiocognito._relogin import (
    PROCESS,
    PasswordSource,
    Relogin,
    checked_source,
    no_password,
)
from aiocognito._roster import Roster
from aiocognito._services import PoolServices
from aiocognito.admin import Admin
from aiocognito.errors import (
    InvalidArgument,
    InvalidSession,
    InvalidType,
    LocalProtocolError,
)
from aiocognito.events import Event, Observer
from aiocognito.fleet import Fleet, check_fleet
from aiocognito.flow.app_client import AppClient, checked_password, checked_username
from aiocognito.flow.beginning import check_password_use, password_use
from aiocognito.flow.challenges import Answer
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Flow, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.refreshing import RefreshWith
from aiocognito.flow.sign_in_api import PUBLIC, SignInApi
from aiocognito.health import PoolHealth, health_of
from aiocognito.identity_pool import IdentityPool
from aiocognito.login import Conversation, Login, Responder, Step, answer_all, issued
from aiocognito.scheduler import Scheduler
from aiocognito.session import Session
from aiocognito.stores.base import TokenStore
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.saved import SavedState
from aiocognito.transport.base import HttpClient, Transport
from aiocognito.transport.botocore import BotocoreTransport
from aiocognito.verify.verifier import TokenVerifier

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

__all__ = ["UserPool"]

_log = logging.getLogger("aiocognito")

_FLUSH_SECONDS = 5.0  # for what the store did not take when it came


class PoolOptions(TypedDict, total=False):
    """The options of `UserPool`, for `UserPool.open`."""

    client_secret: ClientSecret | None
    identity_pool_id: str | None
    endpoint_url: str | None
    identity_endpoint_url: str | None
    allow_http: bool
    verify_tokens: bool
    refresh_with: RefreshWith
    rotation_grace: float | None
    refresh_token_validity: float | None
    scheduler: Scheduler | None
    store: TokenStore | None
    fleet: Fleet | None
    devices: DevicePolicy
    context: RequestContext
    observer: Observer | None
    aws: AioSession | None
    transport: Transport | None
    http: HttpClient | None
    clock: Clock


class UserPool(PoolAccounts):
    """One app client of one user pool.

    Making one costs nothing: no file is opened and nothing is sent until the first
    call. Use it as an async context manager, or end it with `aclose`. One pool belongs
    to one event loop.

    Args:
        user_pool_id: Such as ``eu-west-1_Ab12Cd34E``; the region is taken from it.
        client_id: The app client's id.
        client_secret: The app client's secret, if it has one. It is hashed into every
            call that wants it. During a rotation: several, the likeliest first, or an
            async callable that brings one or several. When the service refuses one, the
            next is tried once and kept if it works.
        identity_pool_id: Such as ``eu-west-1:<uuid>``, for AWS credentials.
        endpoint_url: Another address of the service: a local pool, a proxy. Keys come
            from ``<endpoint_url>/<pool id>/.well-known/jwks.json`` then. Addresses in
            the environment or a profile are ignored on purpose.
        identity_endpoint_url: The same for the identity pool; ``endpoint_url`` if left out.
        allow_http: Accept ``http://`` for hosts that are not loopback. Tokens and
            secrets then travel in the clear.
        verify_tokens: False hands out tokens that nobody verified.
        refresh_with: The operation that refreshes. ``REFRESH_TOKEN_AUTH`` is refused by
            app clients with rotation. ``auto`` is GetTokensFromRefreshToken; where that
            refuses the refresh token of an administrator's sign-in, the session tries
            ``REFRESH_TOKEN_AUTH`` once and stays with it if it works.
        rotation_grace: Seconds a rotated refresh token stays usable, if the app client
            rotates them; None learns from the first answer whether it does.
        refresh_token_validity: Seconds the app client gives refresh tokens, 3,600 to
            315,360,000. The token does not say; with it `ReauthenticationDue` comes in time,
            and sessions with a password sign in again before the end.
        scheduler: Refreshes the sessions in use without being asked, and keeps all calls
            within the quotas; shared by the pools of an event loop. None refreshes on
            demand, when a token is asked for.
        store: Where sessions outlive the process, under the name they were asked for by.
            Not closed by the pool.
        fleet: Says that other workers use the same sessions through the store at the same
            time, so that one refreshes for all; needs ``rotation_grace``.
        devices: What becomes of a device that a sign-in is offered, in pools that track
            them. ``ask`` tells the observer (`DeviceChanged`) and leaves it to
            `Session.remember_device`; ``remember`` does that at once; ``ignore`` nothing.
            Refreshes name the device in any case.
        context: Goes with every call of a sign-in, sign-up and recovery to triggers,
            threat protection and analytics; what a call is given is laid over it. What a
            sign-in was given goes with its session's refreshes too.
        observer: Called with each `Event`; must be quick.
        aws: An aiobotocore session whose IAM credentials sign the calls of `admin`, and
            no others. Only its credentials are used.
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
        client_secret: ClientSecret | None = None,
        identity_pool_id: str | None = None,
        endpoint_url: str | None = None,
        identity_endpoint_url: str | None = None,
        allow_http: bool = False,
        verify_tokens: bool = True,
        refresh_with: RefreshWith = "auto",
        rotation_grace: float | None = None,
        refresh_token_validity: float | None = None,
        scheduler: Scheduler | None = None,
        store: TokenStore | None = None,
        fleet: Fleet | None = None,
        devices: DevicePolicy = "ask",
        context: RequestContext = RequestContext(),  # noqa: B008  frozen
        observer: Observer | None = None,
        aws: AioSession | None = None,
        transport: Transport | None = None,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        secret, other_secrets = checked_secrets(client_secret)
        client = AppClient.of(user_pool_id, client_id, secret)
        del client_secret  # a traceback that prints locals shows this frame
        check_refresh_with(refresh_with)
        if observer is not None and not callable(observer):
            raise InvalidType("observer", "a callable", observer)
        rotation_grace = checked_grace(rotation_grace)
        storing = storing_of(store, check_fleet(fleet, store, rotation_grace))
        self._context = checked_context(context)
        self._observer = observer
        self._scheduler = checked_scheduler(scheduler)
        self._roster = Roster(clock, self._observe)
        self._timing = Timing(clock=clock, sleep=getattr(clock, "sleep", anyio.sleep))
        # With a scheduler each call waits for its turn anyhow.
        self._budget = PROCESS if scheduler is None and clock is SYSTEM_CLOCK else None
        self._own_transport = transport is None
        self._signs = aws is not None or transport is not None
        self._admin: Admin | None = None
        self._api = PUBLIC
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
                aws=aws if transport is None else None,
            )
        )
        carrier = transport or BotocoreTransport(
            client.pool.region,
            service="cognito-idp",
            endpoint_url=endpoint_url,
            allow_http=allow_http,
            aws=aws,
            # What `Session.aws_session` needs, lest it import aiobotocore on the loop.
            preload=() if identity_pool_id is None else ("aiocognito.aws",),
        )
        if other_secrets is not None:
            carrier = ClientSecrets(carrier, client.client_id, other_secrets)
        if scheduler is not None:
            carrier = scheduler._attach(client.pool.region, carrier, self._roster)
        self._services = PoolServices(
            client=client,
            transport=carrier,
            verifier=self._verifier,
            identity_pool=self._identity_pool,
            timing=self._timing,
            protected=Protected(),
            observe=self._observe,
            refresh_with=refresh_with,
            roster=self._roster,
            refresh_token_validity=checked_validity(refresh_token_validity),
            rotation_grace=rotation_grace,
            storing=storing,
            devices=checked_policy(devices),
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

    @property
    def admin(self) -> Admin:
        """What administrators do, in calls signed with IAM credentials.

        For servers only: these credentials have no place in a program that users run.

        Raises:
            LocalProtocolError: The pool was made without ``aws``. (A ``transport`` of
                your own is trusted to sign what is to be signed.)
        """
        if not self._signs:
            raise LocalProtocolError("Give UserPool an aiobotocore session (aws=) to use admin.")
        if self._admin is None:
            api = SignInApi(self._services.client.pool.text)
            self._admin = Admin(self._services, self._through(api))
        return self._admin

    def health(self) -> PoolHealth:
        """Return how the sessions of this pool are, for metrics; nothing is sent.

        Looks at every session once: for a scrape each half minute, not for each request.
        """
        storing = self._services.storing
        unsaved = 0 if storing is None else len(storing.unsaved)
        return health_of(self._roster, self._scheduler, self.region, unsaved=unsaved)

    # --- signing in ---

    def login(
        self,
        username: str,
        password: str | None = None,
        *,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Login:
        """Prepare an explicit sign-in; `Login.start` begins it.

        Args:
            username: The user's name or an alias (e-mail, phone number), as typed.
            password: As typed; it is not trimmed or normalised. None in flows that do
                without.
            flow: `Srp`, `Password`, `Custom` or `Choice`.
            context: For triggers, threat protection and analytics; goes with every call
                of this sign-in.
            device: The user's remembered device, which proves itself when it is asked
                for. One that the service does not know is left out (`DeviceChanged`).

        Raises:
            InvalidType: An argument has the wrong type.
            InvalidArgument: The name or the password cannot be one; or the flow needs
                a password and there is none, or the other way round; or the device is
                another pool's.
        """
        self._check_open()
        secret = None if password is None else checked_password(password)
        del password  # a traceback that prints locals shows this frame
        name, flow = checked_username(username), checked_flow(flow)
        conversation = self._conversation(
            name, secret, flow, context, checked_device(device, self.user_pool_id)
        )
        return Login(conversation, self._session_in(context, name))

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
        """Sign in and return the session. The password is not kept.

        Args:
            username: The user's name or an alias (e-mail, phone number), as typed.
            password: The password, or an async callable that brings it; None in flows
                that do without.
            respond: Asked for an answer at each challenge; see `responders`. It never
                gets the password.
            flow: `Srp`, `Password`, `Custom` or `Choice`.
            context: As for `login`.
            device: As for `login`.

        Cancelling ends the sign-in; nothing is kept.

        Raises:
            ChallengeRequired: The service asks for more and nobody answered. It
                carries the challenge, which `resume` can still answer.
            CognitoError: As `login` and `Login.start`.
        """
        self._check_open()
        flow, respond = checked_flow(flow), checked_responder(respond)
        source = _source_for(flow, password)
        del password  # a traceback that prints locals shows this frame
        name = checked_username(username)
        known = checked_device(device, self.user_pool_id)
        issue = self._issue(name, await source(), respond, flow, context, known)
        return await self._session_in(context, name)(await issue)

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
        """Return a session that signs in on first use, and again when it has to.

        For service identities: nothing is sent now, and the session stays usable after
        the refresh token's end. The password, or the callable that brings it, is kept.
        With a store the first use looks there first; a session with nothing to sign in
        with lives on what it finds.

        Args:
            username: The user's name or an alias, as typed.
            password: The password, or an async callable that brings it. A callable
                lets a secrets manager rotate it. None in flows that do without.
            respond: Asked for an answer at each challenge; it must do without a person.
            flow: `Srp`, `Password`, `Custom` or `Choice`.
            context: As for `login`.
            device: As for `login`; every sign-in of this session proves it, and the one
                that comes in its place.

        Raises:
            InvalidType: An argument has the wrong type.
            InvalidArgument: As `login`.
        """
        self._check_open()
        flow, source = checked_flow(flow), None
        if self._services.storing is None or _can_begin(flow, password, respond):
            source = _source_for(flow, password)
        del password  # a traceback that prints locals shows this frame
        name, again = checked_username(username), None
        if source is not None:
            again = self._signing_in(name, source, respond, flow, context)
        told = self._laid_over(context)
        return Session(
            self._services,
            username=name,
            sign_in_again=again,
            context=told,
            device=checked_device(device, self.user_pool_id),
        )

    def restore(
        self,
        state: bytes,
        *,
        password: PasswordSource | None = None,
        respond: Responder | None = None,
        flow: Flow = Srp(),  # noqa: B008  frozen
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Session:
        """Return the session that `Session.export_state` kept.

        Nothing is sent now: the first use refreshes, then verifies. With a password, or
        with a responder in a flow that needs none, it signs in again when the refresh
        token is dead, as `session` does. A remembered device is part of the state; another
        one may be given in its place.

        Raises:
            InvalidType: ``state`` is not `bytes`.
            InvalidArgument: ``state`` is damaged, or of another pool or app client.
        """
        self._check_open()
        flow, source = checked_flow(flow), None
        if _can_begin(flow, password, respond):
            source = _source_for(flow, password)
        del password  # a traceback that prints locals shows this frame
        try:
            saved = SavedState.from_bytes(state)
        finally:
            del state  # as the password
        client = self._services.client
        if (saved.user_pool_id, saved.client_id) != (client.pool.text, client.client_id):
            raise InvalidArgument("state", "one of this pool and app client")
        again = None
        if source is not None:
            again = self._signing_in(saved.username, source, respond, flow, context)
        session = Session(
            self._services,
            username=saved.username,
            sign_in_again=again,
            context=self._laid_over(context),
        )
        session._take_over(saved)
        session._use_device(checked_device(device, self.user_pool_id))
        return session

    async def resume(
        self,
        answer: Answer,
        *,
        context: RequestContext | None = None,
        device: RememberedDevice | None = None,
    ) -> Step:
        """Send the answer to a challenge of an earlier request, in any process.

        Args:
            answer: As for `Login.send`.
            context: As for `login`.
            device: As for `login`. A stored challenge does not hold it.

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
        flow = AuthFlow.resume(
            self._services.client,
            answer.challenge,
            entropy=secrets.token_bytes,
            request=self._laid_over(context),
            api=self._api,
            device=checked_device(device, self.user_pool_id),
        )
        conversation = Conversation(flow, self._services.transport, self._timing, self._observe)
        return await Login(conversation, self._session_in(context)).send(answer)

    # --- ending ---

    async def aclose(self) -> None:
        """Let refreshes under way finish (10 s at most), then close connections.

        Tokens that the store did not take yet are offered to it once more (5 s at most).
        Sessions of this pool are closed too; their refresh tokens stay valid.
        Idempotent.
        """
        self._services.closed = True
        if self._scheduler is not None:
            self._scheduler._detach(self._roster)
        self._roster.disband()
        with anyio.CancelScope(shield=True):
            storing = self._services.storing
            await self._services.protected.drain()
            if storing is not None:
                await storing.flush(_FLUSH_SECONDS)
            if self._identity_pool is not None:
                await self._identity_pool.aclose()
            if self._verifier is not None:
                await self._verifier.aclose()
            if self._own_transport:
                await self._services.transport.aclose()

    async def __aenter__(self) -> Self:
        self._check_open()
        if self._identity_pool is not None:
            await self._identity_pool.__aenter__()
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

    def _through(self, api: SignInApi) -> UserPool:
        """Return this pool's twin whose sign-ins go through another API.

        All else is shared: connections, keys, sessions' services, the end of it all.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._api = api
        return twin

    def _conversation(
        self,
        username: str,
        password: Secret | None,
        flow: Flow,
        context: RequestContext | None,
        device: RememberedDevice | None,
    ) -> Conversation:
        machine = AuthFlow(
            self._services.client,
            username=username,
            password=password,
            flow=flow,
            entropy=secrets.token_bytes,
            request=self._laid_over(context),
            api=self._api,
            device=device,
        )
        return Conversation(machine, self._services.transport, self._timing, self._observe)

    async def _issue(
        self,
        username: str,
        password: Secret | None,
        respond: Responder | None,
        flow: Flow,
        context: RequestContext | None,
        device: RememberedDevice | None,
    ) -> Issued:
        conversation = self._conversation(username, password, flow, context, device)
        try:
            step = await answer_all(conversation, respond, self._timing)
        except InvalidSession:
            # It ended on the way (a replica, a responder that took its time). Its answers are
            # no use in another, so all begins anew; once, lest it goes on for ever.
            conversation = self._conversation(username, password, flow, context, device)
            step = await answer_all(conversation, respond, self._timing)
        return issued(conversation, step)

    def _signing_in(
        self,
        username: str,
        source: Callable[[], Awaitable[Secret | None]],
        respond: Responder | None,
        flow: Flow,
        context: RequestContext | None,
    ) -> SignIn:
        relogin = Relogin(source, self._timing.clock, self._budget)
        respond = checked_responder(respond)
        return lambda device: relogin.run(
            lambda secret: self._issue(username, secret, respond, flow, context, device)
        )

    def _session_in(
        self, context: RequestContext | None, stored_as: str | None = None
    ) -> Callable[[Issued], Awaitable[Session]]:
        told = self._laid_over(context)

        async def session_of(tokens: Issued) -> Session:
            session = Session(
                self._services,
                username=tokens.username or "",
                context=told,
                stored_as=stored_as,
            )
            await session._adopt(tokens)
            return session

        return session_of

    def _observe(self, event: Event) -> None:
        self._roster.count(event)
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:  # noqa: BLE001  an observer's fault must not end a session
            _log.warning("The observer failed on %s.", type(event).__name__, exc_info=True)


def _can_begin(flow: Flow, password: object, respond: Responder | None) -> bool:
    """Whether there is something to sign in with."""
    return password is not None or (respond is not None and password_use(flow) != "needed")


def _source_for(
    flow: Flow, password: PasswordSource | None
) -> Callable[[], Awaitable[Secret | None]]:
    """Return where the flow's password comes from, or refuse at once what cannot work."""
    check_password_use(flow, given=password is not None)
    return no_password if password is None else checked_source(password)
