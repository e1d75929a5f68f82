"""Administrators' calls must be signed, and the local pool can check by whom."""

from __future__ import annotations

import pytest
from aiobotocore.session import AioSession

from aiocognito.errors import CognitoError, CredentialsRejected
from aiocognito.flow.calls import Call
from aiocognito.testing import LocalCognito
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.signatures import SignedRequest, check_signature
from aiocognito.testing.user_pool import LocalUserPool
from aiocognito.transport.botocore import BotocoreTransport

KEYS = {"AKIDEXAMPLE": "a/secret+key"}


def sessions_of(key_id: str, secret: str) -> AioSession:
    session = AioSession()
    session.set_credentials(key_id, secret)
    return session


def list_users(local: LocalCognito, *, signed: bool) -> Call:
    parameters = {"UserPoolId": local.user_pool_id, "Filter": 'name = "Zoë"'}
    return Call(operation="ListUsers", parameters=parameters, signed=signed)


async def send_signed(local: LocalCognito, key_id: str, secret: str) -> None:
    transport = BotocoreTransport(
        "eu-west-1", endpoint_url=local.url, aws=sessions_of(key_id, secret)
    )
    try:
        assert (await transport.send(list_users(local, signed=True))).body["Users"] == []
    finally:
        await transport.aclose()


async def test_over_http_the_right_key_is_wanted() -> None:
    async with LocalCognito(aws_keys=KEYS) as local:
        await send_signed(local, "AKIDEXAMPLE", KEYS["AKIDEXAMPLE"])
        with pytest.raises(CredentialsRejected, match="InvalidSignature"):
            await send_signed(local, "AKIDEXAMPLE", "another/secret")
        with pytest.raises(CredentialsRejected, match="UnrecognizedClient"):
            await send_signed(local, "AKIDSTRANGER", KEYS["AKIDEXAMPLE"])


async def test_without_keys_of_its_own_every_signature_will_do() -> None:
    async with LocalCognito() as local:
        await send_signed(local, "AKIDWHOEVER", "whatever")


async def test_no_signature_will_not() -> None:
    async with LocalCognito() as local:
        transport = BotocoreTransport("eu-west-1", endpoint_url=local.url)
        with pytest.raises(CognitoError, match="MissingAuthenticationToken"):
            await transport.send(
                # as a client would that thinks it an operation for everybody
                list_users(local, signed=False)
            )
        await transport.aclose()


async def test_in_memory_a_call_says_itself_whether_it_is_signed() -> None:
    local = LocalCognito()
    with pytest.raises(CredentialsRejected):
        await local.transport().send(list_users(local, signed=False))
    assert (await local.transport().send(list_users(local, signed=True))).body["Users"] == []


async def test_every_pool_of_the_service_is_listed() -> None:
    # F033
    local = LocalCognito()
    local.add_user_pool(LocalUserPool("eu-west-1_Another1", clock=local.clock, name="another"))
    call = Call(operation="ListUserPools", parameters={"MaxResults": 1}, signed=True)
    first = (await local.transport().send(call)).body
    assert len(first["UserPools"]) == 1
    parameters = {"MaxResults": 1, "NextToken": first["NextToken"]}
    rest = (
        await local.transport().send(
            Call(operation="ListUserPools", parameters=parameters, signed=True)
        )
    ).body
    names = {pool["Name"] for pool in (*first["UserPools"], *rest["UserPools"])}
    assert names == {"local", "another"}
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer x", "x-amz-date": "20261120T000000Z"},
        {
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/"
            f"cognito-idp/aws4_request, SignedHeaders=host, Signature={'0' * 64}"
        },
    ],
    ids=["no SigV4", "no date"],
)
def test_half_a_signature_is_none(headers: dict[str, str]) -> None:
    request = SignedRequest(method="POST", url="http://127.0.0.1/", headers=headers, body=b"")
    with pytest.raises(PoolError, match="IncompleteSignature"):
        check_signature(request, KEYS)
