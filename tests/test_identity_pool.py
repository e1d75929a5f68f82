"""`IdentityPool`: whose credentials, how often they are asked for, and what may go wrong."""

from __future__ import annotations

import base64
import copy
import gc
import json
import logging
import pickle
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field

from aiocognito import logins
from aiocognito._identities import Identities, Wire
from aiocognito._protected import Protected, on_asyncio
from aiocognito._redact import Secret
from aiocognito._refresh import Timing
from aiocognito.aws_identity import AwsIdentity
from aiocognito.errors import (
    CognitoError,
    ConnectFailed,
    DeadlineExceeded,
    InvalidArgument,
    InvalidConfiguration,
    InvalidType,
    LocalProtocolError,
    LoginTokenRejected,
    NotAuthorized,
    RefreshFailed,
    RemoteProtocolError,
    ResourceConflict,
    ServiceError,
    SessionClosed,
    SignInRequired,
    Throttled,
)
from aiocognito.events import CredentialsChanged, Event, RefreshFailing
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.identity import Logins
from aiocognito.identity_pool import IdentityPool
from aiocognito.testing.clock import ManualClock
from aiocognito.tokens.credentials import AwsCredentials
from aiocognito.transport.base import revealed
from aiocognito.transport.error_codes import service_error

POOL_ID = "eu-west-1:2f0c3a2e-1111-4222-8333-444455556666"
PROVIDER = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E"
HOUR = 3600.0


# --- the other side -------------------------------------------------------------------


@define
class Service:
    """A scripted identity pool: remembers identities by subject, counts, fails on demand."""

    clock: ManualClock = field(factory=ManualClock)
    lifetime: float = HOUR
    calls: list[Call] = field(factory=list)
    failures: list[CognitoError] = field(factory=list)  # taken from the front
    fails_with: CognitoError | None = None
    identities: dict[str, str] = field(factory=dict)  # subject -> identity id
    merged: dict[str, str] = field(factory=dict)  # asked for -> answered
    alter: Callable[[dict[str, Any]], Any] = lambda body: body
    on_call: Callable[[Call], None] = lambda call: None
    dated: bool = True
    skew: float = 0.0  # how far the service's clock is ahead
    closed: int = 0
    made: int = 0
    subject: Callable[[str], str] = lambda token: str(read(token)["sub"])

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        await anyio.lowlevel.checkpoint()
        self.on_call(call)
        if self.failures:
            raise self.failures.pop(0)
        if self.fails_with is not None:
            raise self.fails_with
        parameters = revealed(call.parameters)
        subjects = [self.subject(token) for token in parameters.get("Logins", {}).values()]
        answer = self.answer(call.operation, parameters, subjects)
        await anyio.lowlevel.checkpoint()
        now = datetime.fromtimestamp(int(self.now()), UTC)
        return Reply(body=self.alter(answer), date=now if self.dated else None)

    async def aclose(self) -> None:
        self.closed += 1

    def now(self) -> float:
        return self.clock.wall() + self.skew

    def answer(
        self, operation: str, parameters: Mapping[str, Any], subjects: list[str]
    ) -> dict[str, Any]:
        if operation == "GetId":
            assert parameters["IdentityPoolId"] == POOL_ID
            if not subjects:
                return {"IdentityId": self.new_id()}
            for subject in subjects:
                self.identities.setdefault(subject, self.new_id())
            return {"IdentityId": self.identities[subjects[0]]}
        if operation == "AssumeRoleWithWebIdentity":
            return {"Credentials": self.keys("SecretAccessKey", "a role", "a role")}
        asked = parameters["IdentityId"]
        owners = {whose for whose, known in self.identities.items() if known == asked}
        if owners and not owners & set(subjects):
            raise refused("Logins don't match. Please include at least one valid login.")
        identity_id = self.merged.get(asked, asked)
        if operation == "GetOpenIdToken":
            return {"IdentityId": identity_id, "Token": f"canary-openid-of-{identity_id}"}
        if operation == "UnlinkIdentity":
            return {}
        assert operation == "GetCredentialsForIdentity"
        whose = "+".join(subjects) or "guest"
        return {"IdentityId": identity_id, "Credentials": self.keys("SecretKey", asked, whose)}

    def keys(self, member: str, asked: str, whose: str) -> dict[str, Any]:
        return {
            "AccessKeyId": f"ASIA{len(self.calls):016}",
            member: f"canary-secret-key-of-{asked.replace(' ', '-')}",
            "SessionToken": f"canary-session-token-of-{whose.replace(' ', '-')}",
            "Expiration": datetime.fromtimestamp(self.now() + self.lifetime, UTC),
        }

    def new_id(self) -> str:
        self.made += 1
        return f"eu-west-1:00000000-0000-4000-8000-{self.made:012x}"

    @property
    def count(self) -> Counter[str]:
        return Counter(call.operation for call in self.calls)

    @property
    def exchanges(self) -> int:
        return self.count["GetCredentialsForIdentity"]

    def pool(self, **options: Any) -> IdentityPool:
        async def no_sleep(seconds: float) -> None:
            await anyio.lowlevel.checkpoint()

        timing = Timing(clock=self.clock, jitter=lambda: 0.5, sleep=no_sleep)
        return IdentityPool(POOL_ID, transport=self, timing=timing, **options)


def refused(message: str, code: str = "NotAuthorizedException") -> ServiceError:
    return service_error(
        code=code, message=message, operation="GetCredentialsForIdentity", status=400
    )


def read(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return claims


def jwt(claims: Mapping[str, Any]) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256', 'kid': 'k'})}.{part(claims)}.{part('canary-signature')}"


class FakeSession:
    """As much of a session as an identity pool uses."""

    login_key = PROVIDER

    def __init__(self, clock: ManualClock, sub: str, lifetime: float = HOUR, **claims: Any) -> None:
        self.clock, self.lifetime = clock, lifetime
        self.username = f"user-{sub}"
        self.extra = {"sub": sub, **claims}
        self.refreshes = 0
        self.refresh_error: CognitoError | None = None
        self.over: CognitoError | None = None
        self._claims: dict[str, Any] | None = None

    def issue(self, age: float = 0.0) -> None:
        now = self.clock.wall() - age
        self._claims = {**self.extra, "iat": now, "exp": now + self.lifetime}

    @property
    def claims(self) -> dict[str, Any]:
        if self._claims is None or self.over:
            raise LocalProtocolError("Await id_token() before reading its claims.")
        return self._claims

    async def id_token(self) -> str:
        await anyio.lowlevel.checkpoint()
        if self.over:
            raise self.over
        if self._claims is None or self._claims["exp"] <= self.clock.wall():
            self.issue()
        return jwt(self.claims)

    async def refresh(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.refreshes += 1
        if self.refresh_error is not None:
            raise self.refresh_error
        self.issue()


@pytest.fixture
def service() -> Service:
    return Service()


async def together(count: int, call: Callable[[], Awaitable[Any]]) -> list[Any]:
    outcomes: list[Any] = []

    async def one() -> None:
        try:
            outcomes.append(await call())
        except CognitoError as error:
            outcomes.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return outcomes


# --- F002, F008, F045: one exchange ------------------------------------------------------


async def test_a_session_becomes_credentials(service: Service) -> None:
    """F002, F045: SecretKey becomes the secret access key; the login's key is the pool's."""
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        found = await pool.for_session(session).credentials()
    assert [call.operation for call in service.calls] == ["GetId", "GetCredentialsForIdentity"]
    assert {call.service for call in service.calls} == {"cognito-identity"}
    token = await session.id_token()
    assert revealed(service.calls[0].parameters) == {
        "IdentityPoolId": POOL_ID,
        "Logins": {PROVIDER: token},
    }
    assert revealed(service.calls[1].parameters) == {
        "IdentityId": service.identities["ana"],
        "Logins": {PROVIDER: token},
    }
    assert found.identity_id == service.identities["ana"]
    assert found.secret_access_key == f"canary-secret-key-of-{found.identity_id}"
    assert found.session_token == "canary-session-token-of-ana"
    assert found.expires_at == datetime.fromtimestamp(service.clock.wall() + HOUR, UTC)
    assert type(found.secret_access_key) is type(found.session_token) is str


async def test_a_guest_becomes_credentials(service: Service) -> None:
    """F008: without logins at all, and with one identity for the whole pool object."""
    async with service.pool() as pool:
        guest = pool.guest()
        assert pool.guest() is guest
        found = await guest.credentials()
        assert await guest.identity_id() == found.identity_id
    assert revealed(service.calls[0].parameters) == {"IdentityPoolId": POOL_ID}
    assert revealed(service.calls[1].parameters) == {"IdentityId": found.identity_id}
    assert [call.repeatable for call in service.calls] == [False, True]


async def test_another_guest_is_another_identity(service: Service) -> None:
    async with service.pool() as pool:
        ids = {await pool.guest(new=True).identity_id() for _ in range(3)}
    assert len(ids) == 3


async def test_a_guest_whose_id_was_kept_is_not_made_again(service: Service) -> None:
    """F008"""
    async with service.pool() as pool:
        guest = pool.guest(identity_id="eu-west-1:00000000-0000-4000-8000-0000000000ff")
        found = await guest.credentials()
        assert found.identity_id.endswith("ff")
    assert service.count == {"GetCredentialsForIdentity": 1}


async def test_logins_of_other_providers(service: Service) -> None:
    google, facebook = jwt({"sub": "google-ana"}), jwt({"sub": "facebook-ana"})
    asked: list[str] = []

    async def current() -> str:
        asked.append("google")
        return google

    async with service.pool() as pool:
        holder = pool.for_logins({"graph.facebook.com": facebook, "accounts.google.com": current})
        await holder.credentials()
    assert revealed(service.calls[0].parameters)["Logins"] == {
        "accounts.google.com": google,
        "graph.facebook.com": facebook,
    }
    assert asked == ["google"]


async def test_the_login_key_can_be_overridden(service: Service) -> None:
    async with service.pool(login_key="issuer-cognito-idp.eu-west-1.amazonaws.com/x") as pool:
        await pool.for_session(FakeSession(service.clock, "ana")).credentials()
    logins = revealed(service.calls[0].parameters)["Logins"]
    assert list(logins) == ["issuer-cognito-idp.eu-west-1.amazonaws.com/x"]


# --- whose id -----------------------------------------------------------------------------


async def test_the_identity_id_is_asked_for_once_whatever_the_token(service: Service) -> None:
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_session(session)
        first = await holder.identity_id()
        await session.refresh()
        holder.forget()
        assert (await holder.credentials()).identity_id == first
        # Another session of the same user, too.
        other = pool.for_session(FakeSession(service.clock, "ana"))
        assert await other.identity_id() == first
    assert service.count["GetId"] == 1


async def test_a_crowd_of_one_user_s_sessions_asks_for_the_id_once(service: Service) -> None:
    async with service.pool() as pool:
        holders = [pool.for_session(FakeSession(service.clock, "ana")) for _ in range(10)]
        async with anyio.create_task_group() as group:
            for holder in holders:
                group.start_soon(holder.credentials)
    assert service.count == {"GetId": 1, "GetCredentialsForIdentity": 10}


async def test_an_id_in_an_answer_replaces_the_remembered_one(service: Service) -> None:
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        old = await holder.identity_id()
        service.merged[old] = new = service.new_id()
        found = await holder.credentials()
        assert found.identity_id == new
        assert await holder.identity_id() == new
        holder.forget()
        service.identities["ana"] = new
        await holder.credentials()
    assert revealed(service.calls[-1].parameters)["IdentityId"] == new
    assert service.count["GetId"] == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("NotAuthorizedException", "Logins don't match. Please include at least one valid login."),
        ("NotAuthorizedException", "Access to Identity '***' is forbidden."),
        ("ResourceNotFoundException", "Identity '***' not found."),
    ],
)  # fmt: skip
async def test_a_stale_id_is_dropped_and_asked_for_once_more(
    service: Service, code: str, message: str
) -> None:
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        old = await holder.identity_id()
        service.identities["ana"] = service.new_id()
        service.failures = [refused(message, code)]
        found = await holder.credentials()
    assert found.identity_id == service.identities["ana"] != old
    assert service.count == {"GetId": 2, "GetCredentialsForIdentity": 2}


async def test_an_id_that_was_just_asked_for_is_not_asked_for_again(service: Service) -> None:
    service.failures = []
    service.on_call = lambda call: (
        service.failures.append(refused("Logins don't match."))
        if call.operation == "GetCredentialsForIdentity"
        else None
    )
    async with service.pool() as pool:
        with pytest.raises(LoginTokenRejected):
            await pool.for_session(FakeSession(service.clock, "ana")).credentials()
    assert service.count == {"GetId": 1, "GetCredentialsForIdentity": 1}


async def test_two_users_interleaved_never_mix(service: Service) -> None:
    # threat 42
    async with service.pool() as pool:
        sessions = {name: FakeSession(service.clock, name) for name in ("ana", "ben")}
        found: dict[str, set[tuple[str, str]]] = {"ana": set(), "ben": set()}

        async def use(name: str) -> None:
            for _ in range(4):
                holder = pool.for_session(sessions[name])
                credentials = await holder.credentials()
                found[name].add((credentials.identity_id, credentials.session_token))
                if credentials.access_key_id.endswith(("3", "7")):
                    holder.forget()

        async with anyio.create_task_group() as group:
            for name in ("ana", "ben", "ana", "ben", "ben", "ana"):
                group.start_soon(use, name)
    for name in ("ana", "ben"):
        assert found[name] == {(service.identities[name], f"canary-session-token-of-{name}")}


async def test_an_unverified_subject_finds_nobody_s_identity(service: Service) -> None:
    # threat 42: a forged token that names another user's sub gets no remembered id.
    async with service.pool() as pool:
        await pool.for_session(FakeSession(service.clock, "ana")).identity_id()
        service.fails_with = refused("Invalid login token. Couldn't verify signed token.")
        forged = pool.for_logins({PROVIDER: jwt({"sub": "ana"})})
        with pytest.raises(LoginTokenRejected):
            await forged.identity_id()


async def test_a_login_that_becomes_another_user_s_gets_another_identity(
    service: Service,
) -> None:
    # threat 42
    token = jwt({"sub": "ana"})

    async def current() -> str:
        return token

    async with service.pool() as pool:
        holder = pool.for_logins({"accounts.google.com": current})
        ana = await holder.identity_id()
        token = jwt({"sub": "ben"})
        assert await holder.identity_id() != ana
        holder.forget()
        assert (await holder.credentials()).session_token.endswith("-ben")


async def test_opaque_logins_keep_their_id_with_the_holder(service: Service) -> None:
    service.subject = str
    async with service.pool() as pool:
        holder = pool.for_logins({"graph.facebook.com": "opaque-token"})
        await holder.credentials()
        holder.forget()
        await holder.credentials()
    assert service.count == {"GetId": 1, "GetCredentialsForIdentity": 2}


async def test_the_least_recently_used_ids_are_forgotten_first(service: Service) -> None:
    # threat 35
    timing = Timing(clock=service.clock)
    identities = Identities(Wire(POOL_ID, service, timing), Protected(), limit=2)

    def logins(name: str) -> Logins:
        return Logins(tokens={PROVIDER: Secret(jwt({"sub": name}))}, user=((PROVIDER, name),))

    ana = identities.of(logins("ana"))
    identities.of(logins("ben"))
    assert identities.of(logins("ana")) is ana
    identities.of(logins("eve"))
    assert identities.of(logins("ana")) is ana
    assert len(identities._known) == 2


async def test_one_session_has_one_holder_as_long_as_it_is_held(service: Service) -> None:
    async with service.pool() as pool:
        session = FakeSession(service.clock, "ana")
        holder = pool.for_session(session)
        assert pool.for_session(session) is holder
        assert pool.for_session(FakeSession(service.clock, "ana")) is not holder
        del holder
        gc.collect()
        assert len(pool._of_session) == 0
        assert len(pool._holders) == 0


# --- fresh, early, once -------------------------------------------------------------------


async def test_twenty_parallel_callers_cost_one_exchange(service: Service) -> None:
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        found = await together(20, holder.credentials)
        assert len({id(credentials) for credentials in found}) == 1
        assert await holder.credentials() is found[0]
    assert service.count == {"GetId": 1, "GetCredentialsForIdentity": 1}


async def test_credentials_of_an_hour_are_renewed_before_the_last_ten_minutes(
    service: Service,
) -> None:
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.clock.advance(44 * 60.0)
        assert await holder.credentials() is first
        service.clock.advance(5 * 60.0)  # 49 of 60 minutes
        during = await together(20, holder.credentials)
        await pool._protected.drain()
        assert service.exchanges == 2
        assert sum(credentials is first for credentials in during) >= 19
        assert await holder.credentials() is not first
    assert service.count["GetId"] == 1


@pytest.mark.parametrize("lifetime", [2.0, 15.0, 890.0])
async def test_short_credentials_are_not_asked_for_at_every_use(
    service: Service, lifetime: float
) -> None:
    service.lifetime = lifetime
    async with service.pool() as pool:
        holder = pool.guest()
        for _ in range(10):
            await holder.credentials()
        assert service.exchanges == 1
        service.clock.advance(lifetime)
        await holder.credentials()
        assert service.exchanges == 2


async def test_id_tokens_of_two_seconds_do_for_credentials(service: Service) -> None:
    async with service.pool() as pool:
        session = FakeSession(service.clock, "ana", lifetime=2.0)
        holder = pool.for_session(session)
        for _ in range(5):
            holder.forget()
            await holder.credentials()
            service.clock.advance(0.3)
    assert session.refreshes == 0


@pytest.mark.parametrize(
    ("lifetime", "age", "refreshes"),
    [
        (HOUR, HOUR - 61, 0),
        (HOUR, HOUR - 59, 1),
        (300.0, 239.0, 0),
        (300.0, 241.0, 1),
        (2.0, 1.7, 1),
    ],
)
async def test_a_login_about_to_end_is_refreshed_first(
    service: Service, lifetime: float, age: float, refreshes: int
) -> None:
    session = FakeSession(service.clock, "ana", lifetime=lifetime)
    session.issue(age=age)
    async with service.pool() as pool:
        await pool.for_session(session).credentials()
    assert session.refreshes == refreshes
    assert read(revealed(service.calls[0].parameters)["Logins"][PROVIDER])["exp"] == pytest.approx(
        session.claims["exp"]
    )


async def test_a_login_that_cannot_be_refreshed_just_now_is_tried_as_it_is(
    service: Service,
) -> None:
    session = FakeSession(service.clock, "ana")
    session.issue(age=HOUR - 30)
    session.refresh_error = RefreshFailed(5.0)
    async with service.pool() as pool:
        holder = pool.for_session(session)
        await holder.credentials()
        holder.forget()
        session.refresh_error = SignInRequired("ana", "refresh-token-rejected")
        with pytest.raises(SignInRequired):
            await holder.credentials()


async def test_claims_without_times_are_taken_as_they_are(service: Service) -> None:
    session = FakeSession(service.clock, "ana")
    session.issue()
    assert session._claims is not None
    del session._claims["iat"]
    async with service.pool() as pool:
        await pool.for_session(session).credentials()
    assert session.refreshes == 0


@pytest.mark.parametrize(
    "message", ["Invalid login token. Token expired: 1727419245 >= 1727407607", "Token is inactive"]
)
@pytest.mark.parametrize("operation", ["GetId", "GetCredentialsForIdentity"])
async def test_a_login_the_service_calls_too_old_is_refreshed_and_sent_once_more(
    service: Service, operation: str, message: str
) -> None:
    failing = [True]

    def fail_once(call: Call) -> None:
        if failing and call.operation == operation:
            failing.pop()
            service.failures.append(refused(message))

    service.on_call = fail_once
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        await pool.for_session(session).credentials()
    assert session.refreshes == 1
    assert service.count[operation] == 2


async def test_a_login_is_sent_once_more_and_not_for_ever(service: Service) -> None:
    service.fails_with = refused("Invalid login token. Token expired: 2 >= 1")
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_session(session)
        for _ in range(3):
            with pytest.raises(LoginTokenRejected):
                await holder.credentials()
    assert (session.refreshes, service.count["GetId"]) == (1, 2)


async def test_signed_out_elsewhere_is_said_in_the_session_s_terms(service: Service) -> None:
    """With ServerSideTokenCheck the identity pool refuses, and the refresh token is dead."""
    session = FakeSession(service.clock, "ana")
    session.refresh_error = SignInRequired("ana", "refresh-token-rejected")
    service.fails_with = refused("Token is inactive")
    async with service.pool() as pool:
        with pytest.raises(SignInRequired):
            await pool.for_session(session).credentials()


async def test_given_logins_are_asked_for_again_when_too_old(service: Service) -> None:
    tokens = iter([jwt({"sub": "ana", "n": n}) for n in range(5)])

    async def current() -> str:
        return next(tokens)

    service.failures = [refused("Invalid login token. Token expired: 2 >= 1")]
    async with service.pool() as pool:
        await pool.for_logins({"accounts.google.com": current}).credentials()
        sent = [revealed(c.parameters)["Logins"]["accounts.google.com"] for c in service.calls]
        assert [read(token)["n"] for token in sent] == [0, 1, 1]
        service.failures = [refused("Invalid login token. Token expired: 2 >= 1")]
        with pytest.raises(LoginTokenRejected):
            await pool.for_logins({"accounts.google.com": jwt({"sub": "eve"})}).credentials()


async def test_a_guest_has_nothing_to_renew(service: Service) -> None:
    service.fails_with = refused("Token is inactive")
    async with service.pool() as pool:
        with pytest.raises(NotAuthorized):
            await pool.guest().credentials()


# --- dropped for the right reasons alone ---------------------------------------------------


async def test_a_refreshed_id_token_does_not_discard_credentials(service: Service) -> None:
    session = FakeSession(service.clock, "ana", **{"cognito:roles": ["r1", "r2"]})
    async with service.pool() as pool:
        holder = pool.for_session(session)
        first = await holder.credentials()
        session.extra["cognito:roles"] = ["r2", "r1"]
        session.extra["cognito:groups"] = ["more"]
        await session.refresh()
        assert await holder.credentials() is first
    assert service.exchanges == 1


@pytest.mark.parametrize(
    "change",
    [{"cognito:roles": ["r1"]}, {"cognito:roles": None}, {"cognito:preferred_role": "r2"}],
)
async def test_changed_roles_discard_credentials(service: Service, change: dict[str, Any]) -> None:
    session = FakeSession(service.clock, "ana", **{"cognito:roles": ["r1", "r2"]})
    async with service.pool() as pool:
        holder = pool.for_session(session)
        first = await holder.credentials()
        session.extra.update(change)
        await session.refresh()
        assert await holder.credentials() is not first
    assert service.exchanges == 2


async def test_another_user_discards_credentials_and_identity(service: Service) -> None:
    # threat 42
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_session(session)
        first = await holder.credentials()
        session.extra["sub"] = "ben"
        await session.refresh()
        second = await holder.credentials()
    assert first.identity_id != second.identity_id
    assert second.session_token == "canary-session-token-of-ben"


async def test_a_session_that_is_over_hands_out_no_more_credentials(service: Service) -> None:
    # threat 47: what was handed out lives on at AWS, nothing is handed out again.
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_session(session)
        await holder.credentials()
        session.over = SessionClosed()
        with pytest.raises(SessionClosed):
            await holder.credentials()
    assert service.exchanges == 1


@pytest.mark.parametrize("change", [{"sub": "ben"}, {"cognito:roles": ["r2"]}])
async def test_a_user_who_changes_during_an_exchange_does_not_get_the_others_credentials(
    service: Service, change: dict[str, Any]
) -> None:
    # threat 42
    session = FakeSession(service.clock, "ana", **{"cognito:roles": ["r1"]})
    asked = 0

    def on_call(call: Call) -> None:
        nonlocal asked
        if call.operation == "GetCredentialsForIdentity":
            asked += 1
            if asked == 1:
                session.extra.update(change)
                session.issue()

    service.on_call = on_call
    async with service.pool() as pool:
        holder = pool.for_session(session)
        found = await together(3, holder.credentials)
        assert set(map(id, found)) == {id(await holder.credentials())}
    assert found[0].session_token == f"canary-session-token-of-{session.extra['sub']}"
    assert asked == 2


async def test_a_session_that_ends_during_an_exchange_gets_nothing(service: Service) -> None:
    # threat 47
    session = FakeSession(service.clock, "ana")

    def on_call(call: Call) -> None:
        if call.operation == "GetCredentialsForIdentity":
            session.over = SessionClosed()

    service.on_call = on_call
    async with service.pool() as pool:
        holder = pool.for_session(session)
        with pytest.raises(SessionClosed):
            await holder.credentials()
        assert holder._renewal.held is None


@pytest.mark.parametrize("change", [{"cognito:roles": ["r2"]}, {"sub": "ben"}])
async def test_a_session_among_other_logins_says_when_rights_change(
    service: Service, change: dict[str, Any]
) -> None:
    # threat 42
    session = FakeSession(service.clock, "ana", **{"cognito:roles": ["r1"]})
    async with service.pool() as pool:
        both = logins.session(session) | logins.google(jwt({"sub": "google-ana"}))
        holder = pool.for_logins(both)
        first = await holder.credentials()
        assert await holder.credentials() is first
        session.extra.update(change)
        await session.refresh()
        assert await holder.credentials() is not first


async def test_a_session_among_other_logins_says_when_it_is_over(service: Service) -> None:
    # threat 47
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_logins(logins.session(session))
        await holder.credentials()
        session.over = SessionClosed()
        with pytest.raises(SessionClosed):
            await holder.credentials()
    assert service.exchanges == 1


async def test_a_session_among_other_logins_is_refreshed_when_it_is_too_old(
    service: Service,
) -> None:
    session = FakeSession(service.clock, "ana")
    service.failures = [refused("Invalid login token. Token expired: 2 >= 1")]
    async with service.pool() as pool:
        await pool.for_logins(logins.session(session)).credentials()
    assert session.refreshes == 1


async def test_closing_wipes_credentials_and_closes_the_transport_it_made(
    service: Service,
) -> None:
    # threat 47
    pool = service.pool()
    holder = pool.guest()
    await holder.credentials()
    await pool.aclose()
    await pool.aclose()
    assert holder._renewal.held is None
    assert service.closed == 0, "the caller's transport is the caller's to close"
    for use in (holder.credentials, holder.identity_id, pool.__aenter__):
        with pytest.raises(SessionClosed):
            await use()
    assert "closed" in repr(pool)
    pool._owned = [service]
    await pool.aclose()
    assert service.closed == 1


async def test_the_exposure_after_signing_out_is_documented() -> None:
    # threat 47
    text = " ".join((AwsIdentity.__doc__ or "").split())
    assert "up to an hour" in text
    assert "ServerSideTokenCheck" in text


async def test_an_exchange_under_way_ends_at_closing_and_no_call_follows(
    service: Service,
) -> None:
    # threat 27
    pool = service.pool()

    async def close() -> None:
        await pool.aclose()

    async with anyio.create_task_group() as group:
        service.on_call = lambda call: group.start_soon(close) if len(service.calls) == 1 else None
        (outcome,) = await together(1, pool.guest().credentials)
    assert isinstance(outcome, SessionClosed | AwsCredentials)
    assert service.exchanges <= 1
    assert pool._protected._tasks == set()


# --- failures ------------------------------------------------------------------------------


async def test_fifty_cold_callers_share_one_failure(service: Service) -> None:
    service.fails_with = Throttled(code="TooManyRequestsException", operation="GetId")
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        first = await together(50, holder.credentials)
        second = await together(50, holder.credentials)
    assert len(service.calls) == 1
    for error in first + second:
        assert type(error) is RefreshFailed
        assert isinstance(error.__cause__, Throttled)


async def test_living_credentials_are_served_while_the_service_fails(service: Service) -> None:
    # threat 24
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.fails_with = DeadlineExceeded("GetCredentialsForIdentity", retry_safe=True)
        for minutes in (50, 5, 4):
            service.clock.advance(minutes * 60.0)
            assert await holder.credentials() is first
            await pool._protected.drain()
        service.clock.advance(55.0)
        with pytest.raises(RefreshFailed):
            await holder.credentials()
        service.fails_with = None
        service.clock.advance(60.0)
        assert await holder.credentials() is not first


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (ConnectFailed("x", retry_safe=True), 3),
        (DeadlineExceeded("x", retry_safe=True), 2),
        (RemoteProtocolError("x"), 2),
        (refused("x", "InternalErrorException"), 2),
        (refused("x", "InvalidIdentityPoolConfigurationException"), 3),
        (refused("x", "TooManyRequestsException"), 1),
        (refused("x", "ResourceConflictException"), 1),
        (refused("Token is not from a supported provider of this identity pool."), 1),
    ],
)
async def test_what_is_repeated_at_once_and_how_often(
    service: Service, error: CognitoError, sent: int
) -> None:
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        await holder.identity_id()
        service.fails_with = error
        with pytest.raises(CognitoError):
            await holder.credentials()
    assert service.exchanges == sent


async def test_a_guest_is_not_made_twice_for_a_lost_answer(service: Service) -> None:
    service.fails_with = DeadlineExceeded("GetId", retry_safe=False)
    async with service.pool() as pool:
        with pytest.raises(RefreshFailed):
            await pool.guest().identity_id()
    assert service.count == {"GetId": 1}


@pytest.mark.parametrize(
    ("message", "code", "kind"),
    [
        ("Token is not from a supported provider of this identity pool.",
         "NotAuthorizedException", LoginTokenRejected),
        ("Invalid login token. Issuer doesn't match providerName",
         "NotAuthorizedException", LoginTokenRejected),
        ("Unauthenticated access is not supported for this identity pool.",
         "NotAuthorizedException", NotAuthorized),
        ("x", "ResourceConflictException", ResourceConflict),
        ("x", "InvalidIdentityPoolConfigurationException", InvalidConfiguration),
    ],
)  # fmt: skip
async def test_final_refusals_keep_their_class_and_are_shared_for_a_minute(
    service: Service, message: str, code: str, kind: type[ServiceError]
) -> None:
    service.fails_with = refused(message, code)
    async with service.pool() as pool:
        holder = pool.guest()
        for _ in range(3):
            with pytest.raises(kind):
                await holder.credentials()
        before = len(service.calls)
        service.fails_with = None
        service.clock.advance(60.0)
        await holder.credentials()
    assert len(service.calls) == before + 2


async def test_a_failing_token_source_is_shared_too(service: Service) -> None:
    async def vault() -> str:
        raise LookupError("closed")

    async with service.pool() as pool:
        with pytest.raises(RefreshFailed) as caught:
            await pool.for_logins({"accounts.google.com": vault}).credentials()
    assert isinstance(caught.value.__cause__, LookupError)
    assert service.calls == []


GOOD = {
    "AccessKeyId": "ASIA0000000000000001",
    "SecretKey": "s" * 40,
    "SessionToken": "t" * 900,
    "Expiration": 1_700_003_600.0,
}


@pytest.mark.parametrize(
    "credentials",
    [
        None,
        [],
        "ASIA",
        {},
        {**GOOD, "AccessKeyId": None},
        {**GOOD, "AccessKeyId": "short"},
        {**GOOD, "AccessKeyId": "A" * 129},
        {**GOOD, "SecretKey": ""},
        {**GOOD, "SecretKey": 7},
        {**GOOD, "SecretKey": "s" * 1025},
        {**GOOD, "SecretKey": "line\nbreak"},
        {**GOOD, "SessionToken": None},
        {**GOOD, "SessionToken": "t\r\nX-Injected: 1"},
        {**GOOD, "SessionToken": "t" * 16_385},
        {**GOOD, "SessionToken": "umläut"},
        {**GOOD, "Expiration": None},
        {**GOOD, "Expiration": True},
        {**GOOD, "Expiration": "2030-01-01T00:00:00Z"},
        {**GOOD, "Expiration": float("nan")},
        {**GOOD, "Expiration": float("inf")},
        {**GOOD, "Expiration": -1.0},
        {**GOOD, "Expiration": datetime(2030, 1, 1)},  # noqa: DTZ001 - naive on purpose
        {**GOOD, "Expiration": datetime.max.replace(tzinfo=UTC)},
        {**GOOD, "Expiration": 1_700_000_000.0},  # ended on arrival
        {**GOOD, "Expiration": 1_700_000_000.0 + 86_400},  # longer than any role session
    ],
)
async def test_malformed_credentials_are_refused_and_the_old_ones_kept(
    service: Service, credentials: Any
) -> None:
    # threats 4, 40 and 41: what arrives is checked before it replaces anything
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.alter = lambda body: {**body, "Credentials": credentials}
        with pytest.raises(RemoteProtocolError) as caught:
            await holder._renewal.renew()
        assert "canary" not in str(caught.value)
        assert await holder.credentials() is first


@pytest.mark.parametrize(
    "identity_id",
    [None, 7, "", "eu-west-1", "eu-west-1:", "eu-west-1:XYZ", "e:" + "a" * 54, "a/b:c", "é:1"],
)
async def test_a_malformed_identity_id_is_refused(service: Service, identity_id: Any) -> None:
    service.alter = lambda body: {**body, "IdentityId": identity_id}
    async with service.pool() as pool:
        with pytest.raises(RefreshFailed) as caught:
            await pool.guest().identity_id()
        assert isinstance(caught.value.__cause__, RemoteProtocolError)
        service.alter = lambda body: body
        service.clock.advance(60.0)
        first = await pool.guest().identity_id()
        service.alter = lambda body: {**body, "IdentityId": identity_id}
        with pytest.raises(RefreshFailed):
            await pool.guest().credentials()
        assert await pool.guest().identity_id() == first


@pytest.mark.parametrize("expiration", [1_700_003_600, 1_700_003_600.5])
async def test_seconds_are_an_instant_too(service: Service, expiration: float) -> None:
    service.alter = lambda body: {**body, "Credentials": {**GOOD, "Expiration": expiration}}
    async with service.pool() as pool:
        found = await pool.guest().credentials()
    assert found.expires_at == datetime.fromtimestamp(expiration, UTC)


# --- clocks --------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-7200.0, -240.0, 0.0, 240.0, 7200.0])
async def test_a_wrong_local_clock_neither_kills_nor_prolongs_credentials(
    service: Service, skew: float
) -> None:
    # threat 22
    service.skew = skew
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.clock.advance(44 * 60.0)
        assert await holder.credentials() is first
        service.clock.advance(16 * 60.0)
        assert await holder.credentials() is not first
    assert service.exchanges == 2


async def test_without_a_date_the_local_clock_has_to_do(service: Service) -> None:
    service.dated = False
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.clock.advance(HOUR - 1000)
        assert await holder.credentials() is first
        service.skew = -2 * HOUR
        service.clock.advance(1000)
        with pytest.raises(RefreshFailed) as caught:
            await holder.credentials()
        assert "clock" in str(caught.value.__cause__)


async def test_after_a_long_sleep_credentials_are_renewed_first(service: Service) -> None:
    # threat 23: the boot clock stood still
    async with service.pool() as pool:
        holder = pool.guest()
        first = await holder.credentials()
        service.clock.jump(8 * HOUR)
        assert await holder.credentials() is not first


# --- cancellation ---------------------------------------------------------------------------


def _suspension_points() -> range:
    return range(1, 12)


@pytest.mark.parametrize("point", _suspension_points())
async def test_cancelling_at_any_point_leaves_no_waiter_stuck(service: Service, point: int) -> None:
    # threat 26
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        got: list[AwsCredentials] = []

        async def lead(scope: anyio.CancelScope) -> None:
            with scope:
                await holder.credentials()

        async def wait() -> None:
            got.append(await holder.credentials())

        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                scope = anyio.CancelScope()
                group.start_soon(lead, scope)
                group.start_soon(wait)
                group.start_soon(wait)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()
        assert got[0] is got[1]
        await pool._protected.drain()
        if on_asyncio():
            assert service.count == {"GetId": 1, "GetCredentialsForIdentity": 1}
        assert await holder.credentials() is got[0]
        assert holder._renewal._flight is None


async def test_a_cancelled_caller_s_exchange_is_kept_on_asyncio(service: Service) -> None:
    # threat 26
    async with service.pool() as pool:
        holder = pool.guest()
        with anyio.CancelScope() as scope:
            service.on_call = lambda call: scope.cancel()
            await holder.credentials()
        assert scope.cancelled_caught
        service.on_call = lambda call: None
        await pool._protected.drain()
        await holder.credentials()
    assert service.exchanges == 1


# --- observers -------------------------------------------------------------------------------


async def test_an_observer_hears_of_new_credentials_and_of_failures(service: Service) -> None:
    heard: list[Event] = []
    async with service.pool(observer=heard.append) as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"))
        found = await holder.credentials()
        service.fails_with = Throttled(code="TooManyRequestsException", operation="x")
        with pytest.raises(Throttled):
            await holder._renewal.renew()
    assert heard[0] == CredentialsChanged(
        username="user-ana", identity_id=found.identity_id, expires_at=found.expires_at
    )
    assert isinstance(heard[1], RefreshFailing)
    assert (heard[1].what, heard[1].username) == ("credentials", "user-ana")
    assert heard[1].retry_after > 0
    assert "canary" not in repr(heard)


async def test_a_failing_observer_is_logged_and_harms_nobody(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def observer(event: Event) -> None:
        raise ValueError("not today")

    async with service.pool(observer=observer) as pool:
        await pool.guest().credentials()
    assert "The observer failed on CredentialsChanged." in caplog.text


# --- secrets ----------------------------------------------------------------------------------


async def test_nothing_secret_is_shown_logged_or_pickled(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    # threats 34 and 48
    caplog.set_level(logging.DEBUG)
    async with service.pool() as pool:
        session = FakeSession(service.clock, "ana")
        holder = pool.for_session(session)
        assert "none yet" in repr(holder)
        found = await holder.credentials()
        token = await session.id_token()
        given = pool.for_logins({"accounts.google.com": token})
        shown = [found, holder, pool, given, *service.calls, holder._renewal.held]
        texts = [repr(thing) + str(thing) + f"{thing}" for thing in shown] + [caplog.text]
        for text in texts:
            assert "canary" not in text
            assert token not in text
        assert "user-ana" in repr(holder)
        for thing in (found, holder):
            with pytest.raises(TypeError):
                pickle.dumps(thing)
        assert copy.copy(found) == found


# --- constructing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "identity_pool_id",
    ["", "eu-west-1", "eu-west-1:", "eu-west-1:XYZ!", "evil:2f0c", "us-east-1.evil.com:2f0c",
     "eu-west-1:" + "a" * 60, "eu-west-1_Ab12Cd34E"],
)  # fmt: skip
def test_a_malformed_pool_id_is_refused_at_once(identity_pool_id: str) -> None:
    # threat 39
    with pytest.raises(InvalidArgument):
        IdentityPool(identity_pool_id)


@pytest.mark.parametrize(
    "make",
    [
        lambda: IdentityPool(b"eu-west-1:2f0c"),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID, observer="loud"),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID, login_key=7),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID).guest(identity_id=7),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID).guest().aws_session(7),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID).for_logins("token"),  # type: ignore[arg-type]
        lambda: IdentityPool(POOL_ID).for_logins({7: "token"}),  # type: ignore[dict-item]
        lambda: IdentityPool(POOL_ID).for_logins({"x": b"token"}),  # type: ignore[dict-item]
        lambda: IdentityPool(POOL_ID).for_logins({"x": lambda: "token"}),  # type: ignore[dict-item, return-value]
    ],
    ids=[
        "pool-id", "observer", "login-key", "guest-id", "region", "logins", "provider", "token",
        "plain-callable",
    ],
)  # fmt: skip
def test_wrong_types_are_refused_at_once(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidType):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: IdentityPool(POOL_ID, endpoint_url="http://identity.example"),
        lambda: IdentityPool(POOL_ID, endpoint_url="not a url"),
        lambda: IdentityPool(
            POOL_ID, endpoint_url="https://x.example", transport=Service(clock=ManualClock())
        ),
        lambda: IdentityPool(POOL_ID, login_key=""),
        lambda: IdentityPool(POOL_ID).guest(identity_id="eu-west-1/../x"),
        lambda: IdentityPool(POOL_ID).for_logins({}),
        lambda: IdentityPool(POOL_ID).for_logins({f"p{n}": "t" for n in range(11)}),
        lambda: IdentityPool(POOL_ID).for_logins({"": "token"}),
        lambda: IdentityPool(POOL_ID).for_logins({"p" * 129: "token"}),
        lambda: IdentityPool(POOL_ID).for_logins({"x": ""}),
        lambda: IdentityPool(POOL_ID).for_logins({"x": "t" * 50_001}),
    ],
    ids=[
        "http", "no-url", "two-transports", "login-key", "guest-id", "no-logins", "many-logins",
        "no-provider", "long-provider", "no-token", "long-token",
    ],
)  # fmt: skip
def test_impossible_values_are_refused_at_once(make: Callable[[], Any]) -> None:
    # threat 37 among them: plain http is for this machine
    with pytest.raises(InvalidArgument):
        make()


async def test_a_callable_that_brings_no_str_is_refused(service: Service) -> None:
    async def nothing() -> None:
        return None

    async with service.pool() as pool:
        with pytest.raises(InvalidType):
            await pool.for_logins({"x": nothing}).credentials()  # type: ignore[dict-item]


async def test_objects_with_an_async_call_and_partials_bring_logins(service: Service) -> None:
    class Vault:
        async def __call__(self) -> str:
            return jwt({"sub": "ana"})

    async def read_key(sub: str) -> str:
        return jwt({"sub": sub})

    async with service.pool() as pool:
        await pool.for_logins({"a": Vault(), "b": partial(read_key, "ben")}).credentials()


def test_the_region_is_the_pool_s() -> None:
    pool = IdentityPool(POOL_ID, endpoint_url="http://127.0.0.1:1")
    assert (pool.region, pool.identity_pool_id) == ("eu-west-1", POOL_ID)
    assert POOL_ID in repr(pool)
