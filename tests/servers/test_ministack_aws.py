"""An identity pool's credentials, where signatures and policies are really checked.

What ministack 1.5.33 does differently from the service, so that no test here asks for
it: ``${cognito-identity.amazonaws.com:sub}`` in a policy stands for nothing, and
credentials always live an hour.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import anyio.to_thread
import pytest
from attrs import frozen
from botocore.exceptions import ClientError

from aiocognito import (
    AwsCredentials,
    IdentityPool,
    LoginTokenRejected,
    ResourceNotFound,
    SessionClosed,
)
from tests.servers.iam_roles import add_role
from tests.servers.ministack import PASSWORD, REGION, AppThere, Keys, Ministack, UserThere

pytestmark = pytest.mark.peer

# aiobotocore's backend for Trio writes the whole address into the request line, which
# servers have to accept (RFC 9112 section 3.2.2); ministack takes it for the path and
# finds every signature wrong. On Trio the credentials are used another way below.
ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@frozen(kw_only=True)
class CloudThere:
    """An identity pool that opens one bucket: users may list it, guests read one object."""

    server: Ministack
    identity_pool_id: str
    bucket: str

    def open(self, app: AppThere) -> Any:
        return app.open(identity_pool_id=self.identity_pool_id)

    def identity_pool(self) -> IdentityPool:
        return IdentityPool(self.identity_pool_id, endpoint_url=self.server.url)


@pytest.fixture(scope="session")
def cloud(ministack: Ministack, public: AppThere, confidential: AppThere) -> CloudThere:
    bucket = f"bucket-{uuid.uuid4().hex}"
    storage = ministack.owner("s3")
    storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    storage.put_object(Bucket=bucket, Key="open/hello.txt", Body=b"hello")
    identities = ministack.owner("cognito-identity")
    made = identities.create_identity_pool(
        IdentityPoolName="pool",
        AllowUnauthenticatedIdentities=True,
        CognitoIdentityProviders=[
            {"ProviderName": app.pool.login_key, "ClientId": app.client_id}
            for app in (public, confidential)
        ],
    )["IdentityPoolId"]
    arn = f"arn:aws:s3:::{bucket}"
    identities.set_identity_pool_roles(
        IdentityPoolId=made,
        Roles={
            "authenticated": add_role(ministack, made, "authenticated", "s3:ListBucket", arn),
            "unauthenticated": add_role(
                ministack, made, "unauthenticated", "s3:GetObject", f"{arn}/open/*"
            ),
        },
    )
    return CloudThere(server=ministack, identity_pool_id=made, bucket=bucket)


def keys_of(credentials: AwsCredentials) -> Keys:
    return Keys(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)


def listing(cloud: CloudThere, keys: Keys) -> list[str]:
    """List the bucket with these keys, without our code."""
    with cloud.server.signed_by(keys, "s3") as client:
        found = client.list_objects_v2(Bucket=cloud.bucket)
        return [entry["Key"] for entry in found["Contents"]]


# --- credentials that work ------------------------------------------------------------


@ASYNCIO
async def test_a_users_client_does_what_the_role_allows_and_no_more(
    cloud: CloudThere, app: AppThere, ana: UserThere
) -> None:
    # F002, F045, F046
    async with cloud.open(app) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        make = session.aws_session(REGION).create_client
        async with make("s3", endpoint_url=cloud.server.url) as storage:
            found = await storage.list_objects_v2(Bucket=cloud.bucket)
            assert [entry["Key"] for entry in found["Contents"]] == ["open/hello.txt"]
            with pytest.raises(ClientError, match="AccessDenied"):
                await storage.put_object(Bucket=cloud.bucket, Key="mine.txt", Body=b"mine")
            with pytest.raises(ClientError, match="AccessDenied"):
                await storage.list_buckets()


@ASYNCIO
async def test_a_guests_client_does_what_the_guests_role_allows_and_no_more(
    cloud: CloudThere,
) -> None:
    # F008
    async with cloud.identity_pool() as identity_pool:
        make = identity_pool.guest().aws_session(REGION).create_client
        async with make("s3", endpoint_url=cloud.server.url) as storage:
            answer = await storage.get_object(Bucket=cloud.bucket, Key="open/hello.txt")
            async with answer["Body"] as body:
                assert await body.read() == b"hello"
            with pytest.raises(ClientError, match="AccessDenied"):
                await storage.list_objects_v2(Bucket=cloud.bucket)


@ASYNCIO
async def test_an_open_client_goes_on_with_renewed_credentials(
    cloud: CloudThere, app: AppThere, ana: UserThere
) -> None:
    async with cloud.open(app) as pool:
        identity = (await pool.sign_in(ana.name, PASSWORD)).aws_identity
        make = identity.aws_session(REGION).create_client
        async with make("s3", endpoint_url=cloud.server.url) as storage:
            await storage.list_objects_v2(Bucket=cloud.bucket)
            before = await identity.credentials()
            identity.forget()
            await storage.list_objects_v2(Bucket=cloud.bucket)
            after = await identity.credentials()
    assert after.access_key_id != before.access_key_id
    assert after.identity_id == before.identity_id


async def test_credentials_serve_any_client(
    cloud: CloudThere, app: AppThere, ana: UserThere
) -> None:
    async with cloud.open(app) as pool:
        session = await pool.sign_in(ana.email, PASSWORD)
        keys = keys_of(await session.aws_identity.credentials())
        found = await anyio.to_thread.run_sync(partial(listing, cloud, keys))
        assert found == ["open/hello.txt"]


# --- whose they are -------------------------------------------------------------------


async def test_a_user_is_one_identity_however_often_signed_in(
    cloud: CloudThere, app: AppThere, ana: UserThere
) -> None:
    # threat 42
    bob = app.pool.add_user()
    async with cloud.open(app) as pool, cloud.identity_pool() as elsewhere:
        first, again = [await pool.sign_in(ana.name, PASSWORD) for _ in range(2)]
        other = await pool.sign_in(bob.name, PASSWORD)
        ana_is = await first.aws_identity.identity_id()
        assert await again.aws_identity.identity_id() == ana_is
        assert await elsewhere.for_session(first).identity_id() == ana_is
        assert await other.aws_identity.identity_id() != ana_is


async def test_a_guest_is_recognised_by_a_kept_id(cloud: CloudThere) -> None:
    async with cloud.identity_pool() as identity_pool:
        kept = await identity_pool.guest().identity_id()
        assert await identity_pool.guest(new=True).identity_id() != kept
    async with cloud.identity_pool() as identity_pool:
        credentials = await identity_pool.guest(identity_id=kept).credentials()
        assert credentials.identity_id == kept


async def test_after_signing_out_there_are_no_more_credentials(
    cloud: CloudThere, public: AppThere, ana: UserThere
) -> None:
    async with cloud.open(public) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        identity = session.aws_identity
        await identity.credentials()
        await session.sign_out()
        with pytest.raises(SessionClosed):
            await identity.credentials()


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forged", "refusal"),
    [
        ({"access_key_id": "ASIA" + "A" * 16}, "InvalidAccessKeyId"),
        ({"secret_access_key": "A" * 40}, "SignatureDoesNotMatch"),
        ({"session_token": "Zm9yZ2Vk"}, "InvalidToken"),
        ({"session_token": None}, "InvalidAccessKeyId"),
    ],
)
async def test_forged_credentials_open_nothing(
    cloud: CloudThere, public: AppThere, ana: UserThere, forged: dict[str, Any], refusal: str
) -> None:
    async with cloud.open(public) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        keys = keys_of(await session.aws_identity.credentials())._replace(**forged)
        with pytest.raises(ClientError, match=refusal):
            await anyio.to_thread.run_sync(partial(listing, cloud, keys))


@pytest.mark.parametrize("spoiled", ["signature", "kind", "provider"])
async def test_a_login_that_is_not_the_pools_is_refused(
    cloud: CloudThere, public: AppThere, ana: UserThere, spoiled: str
) -> None:
    async with public.open() as pool, cloud.identity_pool() as identity_pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        head, body, signature = (await session.id_token()).split(".")
        logins = {
            "signature": {session.login_key: f"{head}.{body}.{signature[::-1]}"},
            "kind": {session.login_key: await session.access_token()},
            "provider": {"accounts.google.com": await session.id_token()},
        }[spoiled]
        with pytest.raises(LoginTokenRejected):
            await identity_pool.for_logins(logins).credentials()


async def test_an_app_client_that_the_identity_pool_does_not_list_is_refused(
    cloud: CloudThere, public: AppThere, ana: UserThere
) -> None:
    async with cloud.open(public.pool.add_app()) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        with pytest.raises(LoginTokenRejected):
            await session.aws_identity.credentials()


async def test_an_unknown_identity_pool_is_refused(ministack: Ministack) -> None:
    unknown = f"{REGION}:{uuid.uuid4()}"
    async with IdentityPool(unknown, endpoint_url=ministack.url) as identity_pool:
        with pytest.raises(ResourceNotFound):
            await identity_pool.guest().credentials()
