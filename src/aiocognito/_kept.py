"""What a session keeps: its tokens, and whose they are.

Nothing here waits or tells anybody: each change happens as a whole. What came is in
place before it is verified, and what it took the place of is kept until then.
"""

from __future__ import annotations

from attrs import evolve

from aiocognito._devices import HeldDevice
from aiocognito._issued import Issued
from aiocognito._redact import Secret
from aiocognito._services import PoolServices
from aiocognito.errors import RemoteProtocolError, SessionClosed, SignInRequired
from aiocognito.flow.calls import Reply
from aiocognito.flow.context import RequestContext
from aiocognito.flow.reading import Granted, read_auth
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.saved import SavedState

__all__ = ["Kept"]


class Kept:
    """The lasting part of a session.

    Attributes:
        username: The user's true name once known, before that the one given.
        username_is_true: Whether it is known: ``cognito:username``.
        sub: The user's id, once known.
        access_token: The newest, for signing out; it may have expired.
        refresh_token: The newest, verified or not.
        unverified: What came and could not be checked yet.
        device: The device the tokens were issued on.
        context: What the sign-in was given for triggers; goes with refreshes too.
        rotates: Whether refreshes bring refresh tokens; None: nobody knows yet.
        by_admin: Whether an administrator's sign-in brought the refresh token.
        fell_back: Whether only REFRESH_TOKEN_AUTH takes it.
        answer_lost: Whether the service may have rotated it without our knowing.
        end: Why there are no tokens any more, in the words of `SignInRequired.reason`.
    """

    # There may be a hundred thousand of them.
    __slots__ = (
        "_replaced",
        "_services",
        "access_token",
        "answer_lost",
        "by_admin",
        "context",
        "device",
        "end",
        "fell_back",
        "refresh_token",
        "rotates",
        "sub",
        "unverified",
        "username",
        "username_is_true",
    )

    def __init__(
        self,
        services: PoolServices,
        *,
        username: str,
        device: RememberedDevice | None,
        context: RequestContext,
    ) -> None:
        self._services = services
        self.username = username
        self.username_is_true = False
        self.sub: str | None = None
        self.access_token: Secret | None = None
        self.refresh_token: Secret | None = None
        self.unverified: Issued | None = None
        self._replaced: tuple[Secret | None, bool | None] = (None, None)
        self.device = HeldDevice(services.client.pool.text)
        self.device.put(None, device)
        self.context = context
        self.rotates: bool | None = None if services.rotation_grace is None else True
        self.by_admin = self.fell_back = False
        self.answer_lost = False
        self.end: str | None = None

    # --- saved state ---

    def take_over(self, state: SavedState) -> None:
        """Take saved state; the first use refreshes, then verifies."""
        # Without a `sub` no token was checked before it was saved: the name is as typed.
        self.username, self.username_is_true = state.username, state.sub is not None
        self.sub = state.sub
        self.device.put(state.device, state.remembered or self.device.remembered)
        self.refresh_token, self.access_token = state.refresh_token, state.access_token
        if self.rotates is None:
            self.rotates = state.rotates
        self.by_admin, self.fell_back = state.by_admin, state.fell_back

    def saved_state(self) -> SavedState:
        """Return what `take_over` takes.

        Raises:
            SignInRequired: There is no refresh token.
        """
        if self.refresh_token is None:
            raise SignInRequired(self.username, self.end or "not-signed-in")
        client = self._services.client
        return SavedState(
            user_pool_id=client.pool.text,
            client_id=client.client_id,
            username=self.username,
            sub=self.sub,
            refresh_token=self.refresh_token,
            access_token=self.access_token,
            device=self.device.offered,
            remembered=self.device.remembered,
            rotates=self.rotates,
            by_admin=self.by_admin,
            fell_back=self.fell_back,
        )

    def state_of(self, issued: Issued) -> SavedState:
        """Return the lasting part as it is with these tokens."""
        return evolve(self.saved_state(), access_token=issued.tokens.access_token)

    def is_of_this_user(self, state: SavedState) -> bool:
        """Whether stored state may be this session's."""
        client = self._services.client
        if (state.user_pool_id, state.client_id) != (client.pool.text, client.client_id):
            return False
        return self.sub is None or state.sub is None or state.sub == self.sub

    # --- what comes ---

    def check_wanted(self) -> None:
        """Raise `SessionClosed` where a sign-out has overtaken what is under way."""
        if self.end == "signed-out":
            raise SessionClosed

    def swap_in(self, reply: Reply, sent_boot: float, sent_wall: float) -> Issued:
        """Put a rotated refresh token in place: from here the old one may be dead."""
        granted = read_auth(reply.body)
        if not isinstance(granted, Granted):
            raise RemoteProtocolError("The server answers a refresh with a challenge.")
        self.check_wanted()
        new = granted.tokens.refresh_token
        self.answer_lost = False
        self._replaced = (self.refresh_token, self.rotates)
        self.rotates = new is not None or bool(self.rotates)
        if new is not None:
            self.refresh_token = new
        self.unverified = Issued(
            reason="refresh",
            tokens=granted.tokens,
            username=self.username if self.username_is_true else None,
            sent_boot=sent_boot,
            sent_wall=sent_wall,
            date=reply.date,
        )
        return self.unverified

    def receive(self, issued: Issued) -> None:
        """From here on a sign-in cannot be lost, even if the keys cannot be read."""
        if issued.reason == "sign-in":
            self.device.put(issued.new_device, issued.device)
        if issued.reason == "sign-in" and issued.tokens.refresh_token is not None:
            self._replaced = (self.refresh_token, self.rotates)
            self.refresh_token, self.unverified = issued.tokens.refresh_token, issued
            self.by_admin = issued.by_admin

    # --- what became of it ---

    def confirm(self, issued: Issued, claims: Claims) -> None:
        """It is verified: nothing takes it back, and the user is the one it names."""
        self.username, self.sub = claims.username or self.username, claims.sub
        self.username_is_true = True
        self.unverified = self.end = None
        self._replaced = (None, None)
        self.access_token = issued.tokens.access_token

    def outlive(self, issued: Issued) -> None:
        """It ended before it was verified; the refresh token lives."""
        self.unverified = None
        if issued.username is not None:
            # What follows has to be of the user this sign-in was for.
            self.username, self.username_is_true = issued.username, True

    def undo(self, issued: Issued) -> None:
        """Proven wrong: nothing of that answer is kept, the refresh token neither."""
        if issued.reason == "sign-in":
            self.device.undo()
        if self.unverified is not None:  # not tokens from the store, which replace nothing
            self.refresh_token, self.rotates = self._replaced
        self.unverified = None

    def drop(self, end: str) -> None:
        """Forget the tokens, and say why."""
        self.access_token = None
        self.disown()
        self.end = end

    def disown(self) -> None:
        """Forget the refresh token and what is known of it."""
        self.refresh_token = self.unverified = None
        self._replaced = (None, None)
        self.answer_lost = False
