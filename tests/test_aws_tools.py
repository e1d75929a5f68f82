"""What aiobotocore promises of credentials, asked of ours; and two event loops.

Each behaviour of the first part has its tests in aiobotocore's own suite, about its
deferred and refreshable credentials and its chain of providers.
"""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import datetime
from typing import Any

import anyio
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentialResolver
from aiobotocore.session import AioSession, get_session

from aiocognito._protected import on_asyncio
from aiocognito._refresh import Timing
from aiocognito.aws import CognitoIdentityProvider, aws_session
from aiocognito.aws_identity import AwsIdentity
from aiocognito.errors import (
    CognitoError,
    InvalidArgument,
    InvalidType,
    LocalProtocolError,
    RefreshFailed,
    RemoteProtocolError,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.identity_pool import IdentityPool
from aiocognito.testing import ManualClock

POOL_ID = "eu-west-1:2f0c3a2e-1111-4222-8333-444455556666"
IDENTITY_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"


class Service:
    """An identity pool that answers from a script. `alter` changes its credentials."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.calls: list[str] = []
        self.alter: dict[str, Any] | None = {}
        self.life = 3600.0

    async def send(self, call: Call) -> Reply:
        self.calls.append(call.operation)
        await anyio.lowlevel.checkpoint()
        number = self.calls.count("GetCredentialsForIdentity")
        credentials = {
            "AccessKeyId": f"ASIA{number:016}",
            "SecretKey": f"secret-{number}",
            "SessionToken": f"token-{number}",
            "Expiration": self.clock.wall() + self.life,
        }
        body: dict[str, Any] = {"IdentityId": IDENTITY_ID}
        if self.alter is not None:
            changed = credentials | self.alter
            body["Credentials"] = {k: v for k, v in changed.items() if v is not None}
        return Reply(body=body)

    async def aclose(self) -> None:
        pass

    def exchanges(self) -> int:
        return self.calls.count("GetCredentialsForIdentity")


async def _no_sleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def identity(service: Service) -> AwsIdentity:
    timing = Timing(clock=service.clock, sleep=_no_sleep)
    return IdentityPool(POOL_ID, transport=service, timing=timing).guest()


def plain_session() -> AioSession:
    session = get_session()
    session.set_config_variable("region", "eu-west-1")
    if not on_asyncio():
        from aiobotocore.httpxsession import HttpxSession

        session.set_default_client_config(AioConfig(http_session_cls=HttpxSession))
    return session


# --- deferred ---------------------------------------------------------------------------


async def test_nothing_is_asked_for_before_something_is_signed(
    service: Service, identity: AwsIdentity
) -> None:
    session = aws_session(identity, "eu-west-1")
    credentials = await session.get_credentials()
    assert await session.get_credentials() is credentials
    assert credentials.method == "cognito-identity"
    assert service.calls == []
    await credentials.get_frozen_credentials()
    assert service.calls == ["GetId", "GetCredentialsForIdentity"]


# --- partial and empty ------------------------------------------------------------------


@pytest.mark.parametrize(
    "alter",
    [
        None,
        {"AccessKeyId": None, "SecretKey": None, "SessionToken": None, "Expiration": None},
        {"AccessKeyId": None},
        {"SecretKey": None},
        {"SessionToken": None},
        {"Expiration": None},
        {"SecretKey": ""},
        {"Expiration": "soon"},
    ],
    ids=str,
)
async def test_partial_and_empty_answers_are_no_credentials(
    service: Service, identity: AwsIdentity, alter: dict[str, Any] | None
) -> None:
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    service.alter = alter
    with pytest.raises(CognitoError) as caught:
        await credentials.get_frozen_credentials()
    found = caught.value.__cause__ if isinstance(caught.value, RefreshFailed) else caught.value
    assert isinstance(found, RemoteProtocolError)
    service.alter = {}
    service.clock.advance(120)
    assert (await credentials.get_frozen_credentials()).access_key.startswith("ASIA")


@pytest.mark.parametrize("alter", [None, {"SecretKey": None}], ids=str)
async def test_a_partial_answer_takes_nothing_away(
    service: Service, identity: AwsIdentity, alter: dict[str, Any] | None
) -> None:
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    first = await credentials.get_frozen_credentials()
    service.alter = alter
    service.clock.advance(3000)
    again = await credentials.get_frozen_credentials()
    assert (again.access_key, again.secret_key) == (first.access_key, first.secret_key)


async def test_credentials_that_arrive_expired_are_refused(
    service: Service, identity: AwsIdentity
) -> None:
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    service.life = -1.0
    with pytest.raises(CognitoError):
        await credentials.get_frozen_credentials()


# --- concurrent -------------------------------------------------------------------------


@pytest.mark.parametrize("age", [0, 3000, 3599, 7200], ids="{}s".format)
async def test_twenty_signers_at_once_cost_one_renewal(
    service: Service, identity: AwsIdentity, age: float
) -> None:
    # threat 42; at 3000 s aiobotocore calls a renewal advisory, at 3599 s mandatory
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    await credentials.get_frozen_credentials()
    service.clock.advance(age)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(credentials.get_frozen_credentials)
    assert service.exchanges() == (1 if age == 0 else 2)


async def test_fifty_signers_share_one_failure(service: Service, identity: AwsIdentity) -> None:
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    service.alter, failures = None, 0

    async def sign() -> None:
        nonlocal failures
        try:
            await credentials.get_frozen_credentials()
        except CognitoError:
            failures += 1

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(sign)
    assert failures == 50
    alone = service.exchanges()
    await sign()
    assert service.exchanges() == alone  # and whoever comes after waits, too


# --- the chain --------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["insert_before", "register_component"])
async def test_both_ways_into_a_session_work(
    service: Service, identity: AwsIdentity, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    session, provider = plain_session(), CognitoIdentityProvider(identity)
    if hook == "insert_before":
        session.get_component("credential_provider").insert_before("env", provider)
    else:
        session.register_component("credential_provider", AioCredentialResolver([provider]))
    async with session.create_client("s3") as bucket:
        url = await bucket.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert "ASIA0000000000000001" in url


async def test_behind_the_environment_the_environment_wins(
    service: Service, identity: AwsIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    session = plain_session()
    chain = session.get_component("credential_provider")
    chain.insert_after("env", CognitoIdentityProvider(identity))
    credentials = await session.get_credentials()
    assert credentials.access_key == "AKIAENVIRONMENT00000"
    assert service.calls == []


# --- the account ------------------------------------------------------------------------


class Seen(Exception):
    """Carries the address of a request that is not sent."""


async def address_of_a_dynamodb_call(session: AioSession) -> str:
    def stop(request: Any, **_: Any) -> None:
        raise Seen(request.url)

    async with session.create_client("dynamodb") as table:
        table.meta.events.register("before-send.dynamodb", stop)
        with pytest.raises(Seen) as caught:
            await table.list_tables()
    return str(caught.value)


async def test_dynamodb_is_reached_at_the_account_s_own_endpoint(identity: AwsIdentity) -> None:
    session = identity.aws_session(account_id="123456789012")
    found = await address_of_a_dynamodb_call(session)
    assert found.startswith("https://123456789012.ddb.eu-west-1.amazonaws.com")
    found = await address_of_a_dynamodb_call(identity.aws_session("us-east-1"))
    assert found.startswith("https://dynamodb.us-east-1.amazonaws.com")


@pytest.mark.parametrize("account_id", ["", "12345678901", "1234567890123", "12345678901x"])
async def test_an_account_is_twelve_digits(identity: AwsIdentity, account_id: str) -> None:
    with pytest.raises(InvalidArgument, match="account_id"):
        identity.aws_session(account_id=account_id)
    with pytest.raises(InvalidType):
        identity.aws_session(account_id=123456789012)  # type: ignore[arg-type]


# --- a child process's environment ------------------------------------------------------


async def test_an_environment_is_fresh_and_nobody_else_s(
    service: Service, identity: AwsIdentity
) -> None:
    # F046
    before = dict(os.environ)
    exported = await identity.export_environment()
    assert exported["AWS_ACCESS_KEY_ID"] == "ASIA0000000000000001"
    assert exported["AWS_REGION"] == "eu-west-1"
    assert isinstance(exported.expires_at, datetime)
    service.clock.advance(3600)
    exported = await identity.export_environment("us-east-1", account_id="123456789012")
    assert exported["AWS_ACCESS_KEY_ID"] == "ASIA0000000000000002"
    assert (exported["AWS_DEFAULT_REGION"], exported["AWS_ACCOUNT_ID"]) == (
        "us-east-1", "123456789012",
    )  # fmt: skip
    assert dict(os.environ) == before


# --- one object, two event loops --------------------------------------------------------


def test_two_event_loops_at_once_are_told_so() -> None:
    """A renewal that another thread's loop carries cannot be waited for in this one."""
    started, release = threading.Event(), threading.Event()

    class Slow(Service):
        async def send(self, call: Call) -> Reply:
            started.set()
            await asyncio.to_thread(release.wait, 20)
            return await super().send(call)

    service = Slow()
    identity = IdentityPool(POOL_ID, transport=service, clock=service.clock).guest()
    results: list[object] = []

    def first() -> None:
        results.append(asyncio.run(_signer(identity)))

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert started.wait(20)
        with pytest.raises(LocalProtocolError, match="belongs to another event loop"):
            asyncio.run(_signer(identity))
    finally:
        release.set()
        thread.join(20)
    assert results == ["ASIA0000000000000001"]


async def _signer(identity: AwsIdentity) -> str:
    credentials = await aws_session(identity, "eu-west-1").get_credentials()
    frozen = await credentials.get_frozen_credentials()
    return str(frozen.access_key)
