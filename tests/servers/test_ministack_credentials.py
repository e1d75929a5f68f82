"""Credentials at work: policies of roles, both flows, and renewal in the middle of things.

On ministack 1.5.33, which checks the signature of every request and evaluates the role's
policy. Credentials live an hour there, so the identity pool's clock is moved instead, and
the keys that signed are looked at. Its STS evaluates the trust policy against what a token
says and does not look at the token's signature, and an ID token is taken for some minutes
after its end: that forged and expired ones are refused is proven against our own STS and
identity pool (tests/testing/test_sts.py, test_identity_pool.py).
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
import uuid
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import urlencode

import anyio
import anyio.to_thread
import pytest
from attrs import define, field, frozen
from botocore.exceptions import ClientError

from aiocognito import (
    BasicFlow,
    IdentityPool,
    InvalidParameter,
    RoleNotAssumed,
)
from aiocognito.aws_identity import AwsIdentity
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import ManualClock
from aiocognito.transport.botocore import BotocoreTransport
from tests.servers.ministack import PASSWORD, REGION, AppThere, Keys, Ministack, UserThere

pytestmark = pytest.mark.peer

# See test_ministack_aws.py: on Trio ministack finds every signature of aiobotocore wrong.
ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])

_PART = 5 * 1024 * 1024


@define
class Counting:
    """Carries calls to ministack and counts them."""

    url: str
    counts: Counter[str] = field(factory=Counter)
    _services: dict[str, BotocoreTransport] = field(factory=dict)

    async def send(self, call: Call) -> Reply:
        self.counts[call.operation] += 1
        if call.service not in self._services:
            self._services[call.service] = BotocoreTransport(
                REGION, service=call.service, endpoint_url=self.url
            )
        return await self._services[call.service].send(call)

    async def aclose(self) -> None:
        for transport in self._services.values():
            await transport.aclose()


@frozen(kw_only=True)
class Workshop:
    """An identity pool whose users may work in one bucket and one table.

    Attributes:
        role_arn: A role for the basic flow that may only list the bucket.
        closed_arn: A role that trusts another identity pool.
    """

    server: Ministack
    identity_pool_id: str
    bucket: str
    table: str
    other_table: str
    role_arn: str
    closed_arn: str


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _role(server: Ministack, audience: str, *allowed: dict[str, Any]) -> str:
    provider = "cognito-identity.amazonaws.com"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{provider}:aud": audience}},
    }
    name, iam = f"role-{uuid.uuid4().hex}", server.owner("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=_policy(*allowed))
    arn: str = made["Role"]["Arn"]
    return arn


@pytest.fixture(scope="session")
def workshop(ministack: Ministack, public: AppThere) -> Workshop:
    bucket, table, other = (f"{kind}-{uuid.uuid4().hex}" for kind in ("bucket", "table", "other"))
    storage = ministack.owner("s3")
    storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for number in range(12):
        storage.put_object(Bucket=bucket, Key=f"list/{number:02}", Body=b"x")
    for name in (table, other):
        ministack.owner("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    identities = ministack.owner("cognito-identity")
    made = identities.create_identity_pool(
        IdentityPoolName="workshop",
        AllowUnauthenticatedIdentities=True,
        AllowClassicFlow=True,
        DeveloperProviderName="login.example",
        CognitoIdentityProviders=[
            {"ProviderName": public.pool.login_key, "ClientId": public.client_id}
        ],
    )["IdentityPoolId"]
    arn = f"arn:aws:s3:::{bucket}"
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn}
    role = _role(
        ministack,
        made,
        listing,
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/*"},
        {
            "Effect": "Allow",
            "Action": ["dynamodb:PutItem", "dynamodb:GetItem"],
            "Resource": f"arn:aws:dynamodb:{REGION}:*:table/{table}",
        },
    )
    identities.set_identity_pool_roles(
        IdentityPoolId=made, Roles={"authenticated": role, "unauthenticated": role}
    )
    return Workshop(
        server=ministack,
        identity_pool_id=made,
        bucket=bucket,
        table=table,
        other_table=other,
        role_arn=_role(ministack, made, listing),
        closed_arn=_role(ministack, f"{REGION}:{uuid.uuid4()}", listing),
    )


def client_of(identity: AwsIdentity, workshop: Workshop, service: str) -> Any:
    session = identity.aws_session(REGION)
    return session.create_client(service, endpoint_url=workshop.server.url)


def keys_that_sign(client: Any) -> list[str]:
    """Record the access key of every request from now on."""
    seen: list[str] = []

    def note(request: Any, **_: Any) -> None:
        header = request.headers["Authorization"]
        text = header.decode() if isinstance(header, bytes) else header
        seen.append(text.partition("Credential=")[2].partition("/")[0])

    client.meta.events.register("before-send", note)
    return seen


# --- what the role allows -------------------------------------------------------------


@ASYNCIO
async def test_a_table_is_open_as_far_as_the_role_says(
    workshop: Workshop, public: AppThere, ana: UserThere
) -> None:
    # F002, F099
    async with public.open(identity_pool_id=workshop.identity_pool_id) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        await session.aws_identity.identity_id()  # loads aiobotocore off the event loop
        item = {"id": {"S": "1"}, "text": {"S": "hello"}}
        async with client_of(session.aws_identity, workshop, "dynamodb") as tables:
            await tables.put_item(TableName=workshop.table, Item=item)
            found = await tables.get_item(TableName=workshop.table, Key={"id": {"S": "1"}})
            assert found["Item"] == item
            with pytest.raises(ClientError, match="AccessDenied"):
                await tables.put_item(TableName=workshop.other_table, Item=item)
            with pytest.raises(ClientError, match="AccessDenied"):
                await tables.delete_item(TableName=workshop.table, Key={"id": {"S": "1"}})


@ASYNCIO
async def test_twenty_parallel_calls_cost_one_exchange(
    workshop: Workshop, public: AppThere, ana: UserThere
) -> None:
    # F099
    wire = Counting(workshop.server.url)
    async with (
        public.open() as pool,
        IdentityPool(workshop.identity_pool_id, transport=wire) as identities,
    ):
        identity = identities.for_session(await pool.sign_in(ana.name, PASSWORD))
        await identity.identity_id()  # loads aiobotocore off the event loop
        async with client_of(identity, workshop, "s3") as storage:
            keys = keys_that_sign(storage)
            async with anyio.create_task_group() as group:
                for _ in range(20):
                    group.start_soon(partial(storage.list_objects_v2, Bucket=workshop.bucket))
        assert wire.counts == {"GetId": 1, "GetCredentialsForIdentity": 1}
        assert len(keys) == 20
        assert len(set(keys)) == 1
    await wire.aclose()


# --- renewed in the middle ----------------------------------------------------------------


@ASYNCIO
async def test_a_long_listing_goes_on_with_renewed_credentials(
    workshop: Workshop, public: AppThere, ana: UserThere
) -> None:
    # F046, F101
    clock = ManualClock(wall=time.time())
    async with (
        public.open() as pool,
        IdentityPool(
            workshop.identity_pool_id, endpoint_url=workshop.server.url, clock=clock
        ) as identities,
    ):
        identity = identities.for_session(await pool.sign_in(ana.name, PASSWORD))
        await identity.identity_id()  # loads aiobotocore off the event loop
        async with client_of(identity, workshop, "s3") as storage:
            keys = keys_that_sign(storage)
            listed: list[str] = []
            pages = storage.get_paginator("list_objects_v2").paginate(
                Bucket=workshop.bucket, Prefix="list/", PaginationConfig={"PageSize": 3}
            )
            async for page in pages:
                listed += [entry["Key"] for entry in page["Contents"]]
                clock.advance(3600)
    assert listed == [f"list/{number:02}" for number in range(12)]
    assert len(keys) == len(set(keys)) == 4, "each page was signed with keys of its own"


@ASYNCIO
async def test_a_multipart_upload_goes_on_with_renewed_credentials(
    workshop: Workshop, public: AppThere, ana: UserThere
) -> None:
    # F046, F101
    clock = ManualClock(wall=time.time())
    parts = [bytes([number]) * _PART for number in range(2)] + [b"end"]
    async with (
        public.open() as pool,
        IdentityPool(
            workshop.identity_pool_id, endpoint_url=workshop.server.url, clock=clock
        ) as identities,
    ):
        identity = identities.for_session(await pool.sign_in(ana.name, PASSWORD))
        await identity.identity_id()  # loads aiobotocore off the event loop
        async with client_of(identity, workshop, "s3") as storage:
            keys = keys_that_sign(storage)
            to = {"Bucket": workshop.bucket, "Key": f"upload-{uuid.uuid4().hex}"}
            upload = (await storage.create_multipart_upload(**to))["UploadId"]
            done = []
            for number, part in enumerate(parts, 1):
                clock.advance(3600)
                sent = await storage.upload_part(
                    **to, UploadId=upload, PartNumber=number, Body=part
                )
                done.append({"PartNumber": number, "ETag": sent["ETag"]})
            clock.advance(3600)
            await storage.complete_multipart_upload(
                **to, UploadId=upload, MultipartUpload={"Parts": done}
            )
            answer = await storage.get_object(**to)
            async with answer["Body"] as body:
                assert await body.read() == b"".join(parts)
    assert len(set(keys)) == 5, "the beginning, three parts, and the end with the reading"


# --- the basic flow ------------------------------------------------------------------------


async def test_the_basic_flow_gives_the_role_of_your_choice(
    workshop: Workshop, public: AppThere, ana: UserThere
) -> None:
    # F002, F077
    async with (
        public.open() as pool,
        IdentityPool(workshop.identity_pool_id, endpoint_url=workshop.server.url) as identities,
    ):
        session = await pool.sign_in(ana.name, PASSWORD)
        flow = BasicFlow(workshop.role_arn, duration=900, session_name="me")
        found = await identities.for_session(session, flow=flow).credentials()
        left = found.expires_at.timestamp() - time.time()
        assert 840 < left <= 901
        keys = Keys(found.access_key_id, found.secret_access_key, found.session_token)

        def listed() -> int:
            with workshop.server.signed_by(keys, "s3") as client:
                with pytest.raises(ClientError, match="AccessDenied"):
                    client.put_object(Bucket=workshop.bucket, Key="mine", Body=b"mine")
                return int(client.list_objects_v2(Bucket=workshop.bucket)["KeyCount"])

        def me() -> str:
            with workshop.server.signed_by(keys, "sts") as client:
                arn: str = client.get_caller_identity()["Arn"]
                return arn

        assert await anyio.to_thread.run_sync(listed) >= 12
        assert (await anyio.to_thread.run_sync(me)).endswith("/me")


async def test_a_role_that_does_not_trust_the_pool_is_not_given(workshop: Workshop) -> None:
    # F105
    async with IdentityPool(
        workshop.identity_pool_id, endpoint_url=workshop.server.url
    ) as identities:
        for arn in (workshop.closed_arn, f"{workshop.role_arn}-unheard-of"):
            with pytest.raises((RoleNotAssumed, InvalidParameter)):
                await identities.guest(flow=BasicFlow(arn)).credentials()


# --- what has ended -------------------------------------------------------------------------


async def test_role_credentials_that_have_ended_open_nothing(workshop: Workshop) -> None:
    """The service gives at least fifteen minutes; this server gives a second if asked."""
    server = workshop.server

    def short() -> Keys:
        identities = server.owner("cognito-identity")
        guest = identities.get_id(IdentityPoolId=workshop.identity_pool_id)["IdentityId"]
        asked = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": workshop.role_arn,
            "RoleSessionName": "short",
            "WebIdentityToken": identities.get_open_id_token(IdentityId=guest)["Token"],
            "DurationSeconds": "1",
        }
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(server.url, urlencode(asked).encode(), timeout=10) as answer:
            found = dict(re.findall(r"<(\w+)>([^<]+)</", answer.read().decode()))
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def listed(keys: Keys) -> int:
        with server.signed_by(keys, "s3") as client:
            return int(client.list_objects_v2(Bucket=workshop.bucket)["KeyCount"])

    keys = await anyio.to_thread.run_sync(short)
    await anyio.sleep(1.2)  # another program's clock is not ours to move
    with pytest.raises(ClientError, match="Expired"):
        await anyio.to_thread.run_sync(listed, keys)
