"""`LocalCognito`: life cycle, several pools and clients, and AWS's own client against it."""

from __future__ import annotations

import json
import secrets
import threading
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from aiocognito import testing
from aiocognito._redact import Secret
from aiocognito.errors import (
    IncorrectUsernameOrPassword,
    InvalidArgument,
    LocalProtocolError,
    RefreshTokenRejected,
    ResourceNotFound,
)
from aiocognito.flow.calls import Call
from aiocognito.identity_pool import IdentityPool
from aiocognito.pool import UserPool
from aiocognito.responders import totp
from aiocognito.srp.encoding import timestamp
from aiocognito.srp.handshake import Handshake
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.faults import Drop, Throttle
from aiocognito.testing.local import LocalCognito
from aiocognito.testing.user_pool import LocalUserPool

PASSWORD_FLOW = ("ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


# --- life cycle ----------------------------------------------------------------------


async def test_it_serves_from_enter_to_exit() -> None:
    async with LocalCognito() as local:
        assert local.url.startswith("http://127.0.0.1:")
        assert local.url in repr(local)
    with pytest.raises(LocalProtocolError):
        _ = local.url
    assert "not serving" in repr(local)


def test_it_serves_synchronous_programs() -> None:
    with LocalCognito() as local:
        url = f"{local.url}/{local.user_pool_id}/.well-known/jwks.json"
        with urllib.request.urlopen(url, timeout=5) as response:
            assert json.load(response) == local.pool.jwks()


def test_it_can_be_started_again_with_what_was_in_it() -> None:
    local = LocalCognito()
    local.add_user("ana", "Passw0rd!")
    for _ in range(2):
        local.start()
        local.stop()
    assert local.pool.user("ana").username == "ana"


async def test_leaving_while_cancelled_still_closes_the_server() -> None:
    with anyio.CancelScope() as scope:
        async with LocalCognito() as local:
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    with pytest.raises(LocalProtocolError):
        _ = local.url
    assert not any(thread.name == "aiocognito-local-pool" for thread in threading.enumerate())


async def test_two_of_them_do_not_meet() -> None:
    async with LocalCognito() as one, LocalCognito() as other:
        one.add_user("ana", "Passw0rd!")
        assert one.url != other.url
        assert one.client_id != other.client_id
        with pytest.raises(LookupError):
            other.pool.user("ana")


# --- what it is made of ----------------------------------------------------------------


def test_every_id_follows_the_region() -> None:
    local = LocalCognito(region="us-east-1")
    assert local.user_pool_id.startswith("us-east-1_")
    assert local.identity_pool_id.startswith("us-east-1:")


def test_ids_and_secrets_can_be_chosen() -> None:
    local = LocalCognito(
        user_pool_id="eu-west-1_Mine",
        identity_pool_id="eu-west-1:00000000-0000-4000-8000-000000000001",
        client_id="mine",
        client_secret="s" * 32,
    )
    assert local.user_pool_id == "eu-west-1_Mine"
    assert local.identity_pool_id.endswith("0001")
    assert (local.client_id, local.client_secret) == ("mine", "s" * 32)


@pytest.mark.parametrize(("wished", "there"), [(False, False), (True, True)])
def test_a_client_has_a_secret_if_asked_for(wished: bool, there: bool) -> None:
    assert (LocalCognito(client_secret=wished).client_secret is not None) is there


@pytest.mark.parametrize(
    "options",
    [
        {"region": "nowhere"},
        {"user_pool_id": "nowhere"},
        {"identity_pool_id": "nowhere"},
        {"host": "0.0.0.0"},
        {"client_id": "x", "rotation_grace": 61.0},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises((InvalidArgument, ValueError)):
        LocalCognito(**options)


def test_the_public_names_are_there() -> None:
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    assert set(testing.__all__) <= set(dir(testing))
    with pytest.raises(AttributeError):
        _ = testing.no_such_name


# --- several pools and clients -----------------------------------------------------------


def sign_in(client_id: str, username: str = "ana") -> Call:
    return Call(
        operation="InitiateAuth",
        parameters={
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": client_id,
            "AuthParameters": {"USERNAME": username, "PASSWORD": Secret("Passw0rd!")},
        },
    )


async def test_a_client_leads_to_its_pool() -> None:
    local = LocalCognito(explicit_auth_flows=PASSWORD_FLOW)
    other = local.add_user_pool(LocalUserPool("eu-west-1_Other", clock=local.clock))
    client = local.add_client(pool=other, explicit_auth_flows=PASSWORD_FLOW)
    local.add_user("ana", "Passw0rd!", pool=other)
    transport = local.transport()
    with pytest.raises(IncorrectUsernameOrPassword):
        await transport.send(sign_in(local.client_id))
    tokens = (await transport.send(sign_in(client.client_id))).body["AuthenticationResult"]
    user = Call(operation="GetUser", parameters={"AccessToken": tokens["AccessToken"]})
    assert (await transport.send(user)).body["Username"] == "ana"


def test_a_client_id_belongs_to_one_pool() -> None:
    """Calls name the client and not the pool."""
    local = LocalCognito()
    other = local.add_user_pool(LocalUserPool("eu-west-1_Other0001", clock=local.clock))
    with pytest.raises(InvalidArgument, match="client_id"):
        local.add_client(local.client_id, pool=other)
    assert not other.clients


async def test_a_session_leads_to_its_pool() -> None:
    local = LocalCognito()
    other = local.add_user_pool(LocalUserPool("eu-west-1_Other", clock=local.clock, mfa="ON"))
    client = local.add_client(pool=other, explicit_auth_flows=PASSWORD_FLOW)
    local.add_user("ana", "Passw0rd!", pool=other)
    transport = local.transport()
    challenge = (await transport.send(sign_in(client.client_id))).body
    assert challenge["ChallengeName"] == "MFA_SETUP"
    associate = Call(
        operation="AssociateSoftwareToken", parameters={"Session": challenge["Session"]}
    )
    assert (await transport.send(associate)).body["SecretCode"]


async def test_a_pool_that_is_named_and_not_there_is_not_found() -> None:
    call = Call(
        operation="DescribeUserPool", parameters={"UserPoolId": "eu-west-1_Nobody"}, signed=True
    )
    with pytest.raises(ResourceNotFound, match=r"User pool eu-west-1_Nobody does not exist\."):
        await LocalCognito().transport().send(call)


async def test_every_pool_publishes_its_own_keys() -> None:
    local = LocalCognito()
    other = local.add_user_pool(LocalUserPool("eu-west-1_Other", clock=local.clock))
    reply = await local.http_client().get(f"https://x/{other.user_pool_id}/.well-known/jwks.json")
    assert json.loads(reply.body) == other.jwks() != local.pool.jwks()


async def test_the_identity_pool_accepts_every_client_made_here() -> None:
    local = LocalCognito()
    client = local.add_client(explicit_auth_flows=PASSWORD_FLOW)
    local.add_user("ana", "Passw0rd!")
    transport = local.transport()
    tokens = (await transport.send(sign_in(client.client_id))).body["AuthenticationResult"]
    provider = f"cognito-idp.eu-west-1.amazonaws.com/{local.user_pool_id}"
    call = Call(
        service="cognito-identity",
        operation="GetId",
        parameters={
            "IdentityPoolId": local.identity_pool_id,
            "Logins": {provider: tokens["IdToken"]},
        },
    )
    assert (await transport.send(call)).body["IdentityId"]


# --- our own client against it -------------------------------------------------------------


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[LocalCognito]:
    async with LocalCognito(**options) as local:
        local.add_user("ana", "Passw0rd!", totp=True)
        yield local


@pytest.mark.parametrize("client_secret", [False, True])
@pytest.mark.may_block  # the service model is read once, in the transport's own thread
async def test_our_client_signs_in_over_http(client_secret: bool) -> None:
    async with serving(client_secret=client_secret) as local:
        respond = totp(local.pool.user("ana").totp_secret or "")
        async with UserPool(
            local.user_pool_id,
            local.client_id,
            client_secret=local.client_secret,
            endpoint_url=local.url,
        ) as pool:
            with pytest.raises(IncorrectUsernameOrPassword):
                await pool.sign_in("ana", "Wrong0ne!", respond=respond)
            session = await pool.sign_in("ana", "Passw0rd!", respond=respond)
            before = await session.access_token()
            await session.refresh()
            assert await session.access_token() != before
        assert local.requests.count("InitiateAuth") == 2
        assert local.requests.count("GetTokensFromRefreshToken") == 1


async def test_our_client_signs_in_in_memory() -> None:
    local = LocalCognito(clock=ManualClock())
    local.add_user("ana", "Passw0rd!", totp=True)
    respond = totp(local.pool.user("ana").totp_secret or "", clock=local.clock)
    async with UserPool(
        local.user_pool_id,
        local.client_id,
        transport=local.transport(),
        http=local.http_client(),
        clock=local.clock,
    ) as pool:
        session = await pool.sign_in("ana", "Passw0rd!", respond=respond)
        claims = local.pool.verify_id_token(await session.id_token())
        assert claims["cognito:username"] == "ana"
    assert local.requests.operations[:2] == ("InitiateAuth", "RespondToAuthChallenge")


@pytest.mark.may_block
async def test_our_client_gets_guest_credentials_over_http() -> None:
    async with (
        LocalCognito() as local,
        IdentityPool(local.identity_pool_id, endpoint_url=local.url) as identities,
    ):
        credentials = await identities.guest().credentials()
        issued = local.identity_pool.lookup(credentials.access_key_id)
        assert issued is not None
        assert issued.is_guest


# --- AWS's own client against it -------------------------------------------------------------

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@asynccontextmanager
async def aws_client(local: LocalCognito, service: str) -> AsyncIterator[Any]:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session
    from botocore import UNSIGNED

    config = AioConfig(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    async with get_session().create_client(
        service, region_name="eu-west-1", endpoint_url=local.url, config=config
    ) as client:
        yield client


@on_asyncio
@pytest.mark.may_block
async def test_aiobotocore_completes_srp() -> None:
    """F001: the server's half is right for a client that only knows the wire."""
    async with LocalCognito() as local, aws_client(local, "cognito-idp") as client:
        local.add_user("ana", "Passw0rd!")
        for password, accepted in (("Passw0rd!", True), ("passw0rd!", False)):
            handshake = Handshake(secrets.token_bytes)
            challenge = await client.initiate_auth(
                AuthFlow="USER_SRP_AUTH",
                ClientId=local.client_id,
                AuthParameters={"USERNAME": "ana", "SRP_A": handshake.srp_a},
            )
            given = challenge["ChallengeParameters"]
            now = timestamp(datetime.fromtimestamp(local.clock.wall(), UTC))
            claim = handshake.claim(
                group=local.user_pool_id.partition("_")[2],
                identity=given["USER_ID_FOR_SRP"],
                password=password,
                srp_b=given["SRP_B"],
                salt=given["SALT"],
                secret_block=given["SECRET_BLOCK"],
                timestamp=now,
            )
            answer = client.respond_to_auth_challenge(
                ClientId=local.client_id,
                ChallengeName="PASSWORD_VERIFIER",
                ChallengeResponses={
                    "USERNAME": given["USERNAME"],
                    "PASSWORD_CLAIM_SIGNATURE": claim,
                    "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
                    "TIMESTAMP": now,
                },
            )
            if accepted:
                assert (await answer)["AuthenticationResult"]["TokenType"] == "Bearer"
                continue
            with pytest.raises(client.exceptions.NotAuthorizedException) as caught:
                await answer
            assert caught.value.response["Error"]["Message"] == "Incorrect username or password."
            assert caught.value.response["ResponseMetadata"]["RequestId"]


@on_asyncio
@pytest.mark.may_block
async def test_aiobotocore_gets_credentials() -> None:
    async with LocalCognito() as local, aws_client(local, "cognito-identity") as client:
        guest = await client.get_id(IdentityPoolId=local.identity_pool_id)
        answer = await client.get_credentials_for_identity(IdentityId=guest["IdentityId"])
        credentials = answer["Credentials"]
        assert credentials["Expiration"].tzinfo is not None
        issued = local.identity_pool.lookup(credentials["AccessKeyId"])
        assert issued is not None
        assert issued.secret_key == credentials["SecretKey"]


@on_asyncio
@pytest.mark.may_block
async def test_aiobotocore_reads_our_errors() -> None:
    async with LocalCognito() as local, aws_client(local, "cognito-idp") as client:
        local.faults.add(Throttle(), operation="RevokeToken")
        with pytest.raises(client.exceptions.TooManyRequestsException):
            await client.revoke_token(ClientId=local.client_id, Token="x")


# --- faults and clocks ---------------------------------------------------------------------


async def test_a_lost_answer_leaves_the_rotated_token_behind() -> None:
    # threat 25: the refresh happened, and nobody saw the new token.
    clock = ManualClock()
    local = LocalCognito(
        clock=clock, rotation=True, explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    local.add_user("ana", "Passw0rd!")
    transport = local.transport()
    tokens = (await transport.send(sign_in(local.client_id))).body["AuthenticationResult"]
    refresh = Call(
        operation="GetTokensFromRefreshToken",
        parameters={"ClientId": local.client_id, "RefreshToken": tokens["RefreshToken"]},
    )
    local.faults.add(Drop(), operation="GetTokensFromRefreshToken")
    with pytest.raises(Exception, match="lost"):
        await transport.send(refresh)
    clock.advance(1)
    with pytest.raises(Exception, match="already exchanged"):
        await transport.send(refresh)


async def test_time_moves_by_hand() -> None:
    clock = ManualClock()
    local = LocalCognito(clock=clock, refresh_token_validity=60, explicit_auth_flows=PASSWORD_FLOW)
    local.add_user("ana", "Passw0rd!")
    transport = local.transport()
    tokens = (await transport.send(sign_in(local.client_id))).body["AuthenticationResult"]
    refresh = Call(
        operation="GetTokensFromRefreshToken",
        parameters={"ClientId": local.client_id, "RefreshToken": tokens["RefreshToken"]},
    )
    await transport.send(refresh)
    clock.advance(61)
    with pytest.raises(RefreshTokenRejected):
        await transport.send(refresh)


def test_codes_are_found_in_the_outbox_and_the_authenticator() -> None:
    local = LocalCognito(clock=ManualClock())
    local.add_user("ana", "Passw0rd!", totp=True)
    assert len(local.totp_code("ana")) == 6
    assert local.outbox == []


async def test_the_log_of_requests_counts_names_only() -> None:
    local = LocalCognito(explicit_auth_flows=PASSWORD_FLOW)
    local.add_user("ana", "Passw0rd!")
    await local.transport().send(sign_in(local.client_id))
    assert local.requests.counts == {"InitiateAuth": 1}
    assert "Passw0rd!" not in repr(local.requests)  # threat 34
    assert len(local.requests) == 1
    local.requests.clear()
    assert local.requests.operations == ()


async def test_many_threads_may_use_it_at_once() -> None:
    local = LocalCognito()
    names = [f"user{n}" for n in range(8)]

    async def add(name: str) -> None:
        await anyio.to_thread.run_sync(local.add_user, name, "Passw0rd!")

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(add, name)
    assert {local.pool.user(name).username for name in names} == set(names)
