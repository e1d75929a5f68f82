"""Tools that read AWS profiles, and requests signed by hand, where signatures are checked.

The AWS CLI and boto3 are started as anybody starts them, with a configuration file whose
profile names our program. They have environments of their own and know nothing of us.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import anyio
import pytest
import yarl
from attrs import evolve, frozen

from aiocognito import AwsIdentity, IdentityPool
from aiocognito.credential_process.document import KeptCredentials
from aiocognito.credential_process.options import parse
from aiocognito.credential_process.serving import keep_credentials, load_credentials
from aiocognito.signing import presign_url, sign_request
from aiocognito.stores import FileTokenStore
from aiocognito.tokens.credentials import AwsCredentials
from tests.servers.iam_roles import add_role
from tests.servers.ministack import PASSWORD, REGION, AppThere, Ministack

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

PROGRAM = [sys.executable, "-P", "-m", "aiocognito.credential_process"]
ODD_KEY = "open/a b+c(1)~é.txt"

BOTO3 = """
import sys, boto3
session = boto3.Session(profile_name="cognito")
client = session.client("s3")
for line in sys.stdin:
    found = client.list_objects_v2(Bucket=sys.argv[1])
    print(session.get_credentials().access_key, len(found["Contents"]), flush=True)
"""


@frozen(kw_only=True)
class Site:
    """A bucket that users may list and guests may read, behind an identity pool."""

    server: Ministack
    app: AppThere
    identity_pool_id: str
    bucket: str

    def guest(self) -> AbstractAsyncContextManager[AwsIdentity]:
        @asynccontextmanager
        async def open_it() -> AsyncIterator[AwsIdentity]:
            async with IdentityPool(self.identity_pool_id, endpoint_url=self.server.url) as pool:
                yield pool.guest()

        return open_it()


@pytest.fixture(scope="module")
def site(ministack: Ministack, public: AppThere) -> Site:
    bucket = f"bucket-{uuid.uuid4().hex}"
    storage = ministack.owner("s3")
    storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    storage.put_object(Bucket=bucket, Key="open/hello.txt", Body=b"hello")
    storage.put_object(Bucket=bucket, Key=ODD_KEY, Body=b"odd")
    identities = ministack.owner("cognito-identity")
    pool_id = identities.create_identity_pool(
        IdentityPoolName="tools",
        AllowUnauthenticatedIdentities=True,
        CognitoIdentityProviders=[
            {"ProviderName": public.pool.login_key, "ClientId": public.client_id}
        ],
    )["IdentityPoolId"]
    arn = f"arn:aws:s3:::{bucket}"
    identities.set_identity_pool_roles(
        IdentityPoolId=pool_id,
        Roles={
            "authenticated": add_role(ministack, pool_id, "authenticated", "s3:ListBucket", arn),
            "unauthenticated": add_role(
                ministack, pool_id, "unauthenticated", "s3:GetObject", f"{arn}/open/*"
            ),
        },
    )
    return Site(server=ministack, app=public, identity_pool_id=pool_id, bucket=bucket)


# --- a profile that names our program ------------------------------------------------------


class Desk:
    """Somebody's machine: a home of its own, a profile, and a session kept in a store."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.store = folder / "store"
        self.config = folder / "config"
        self.who = [
            "--user-pool-id", site.app.pool.id, "--client-id", site.app.client_id,
            "--username", site.app.pool.add_user().name,
        ]  # fmt: skip
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        self.environment = kept | {
            "HOME": str(folder),
            "AWS_CONFIG_FILE": str(self.config),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        self.write_profile([*PROGRAM, *self.arguments()])

    def arguments(self) -> list[str]:
        return [
            *self.who, "--identity-pool-id", self.site.identity_pool_id,
            "--endpoint-url", self.site.server.url, "--store", str(self.store),
        ]  # fmt: skip

    def write_profile(self, command: list[str]) -> None:
        self.config.write_text(
            f"[profile cognito]\nregion = {REGION}\nendpoint_url = {self.site.server.url}\n"
            f"credential_process = {' '.join(command)}\n"
        )

    def sign_in(self) -> None:
        subprocess.run(
            [*PROGRAM, "sign-in", *self.arguments()],
            input=f"{PASSWORD}\n", text=True, capture_output=True, check=True,
        )  # fmt: skip

    def cli(self, aws_cli: list[str], *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*aws_cli, "--profile", "cognito", *command],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def change_kept(self, change: Callable[[AwsCredentials], AwsCredentials]) -> str:
        """Change what is kept as if it had come now; return its key id."""
        key, store = parse(self.arguments()).credentials_key, FileTokenStore(self.store)

        async def run() -> str:
            kept = await load_credentials(store, key)
            assert kept is not None
            changed = KeptCredentials(
                credentials=change(kept.credentials), issued_at=datetime.now(UTC).timestamp()
            )
            await keep_credentials(store, key, changed)
            return changed.credentials.access_key_id

        return anyio.run(run)


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> Desk:
    return Desk(site, tmp_path)


def ends_in(seconds: float) -> Callable[[AwsCredentials], AwsCredentials]:
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return lambda held: evolve_credentials(held, expires_at=moment)


def evolve_credentials(held: AwsCredentials, **changes: Any) -> AwsCredentials:
    return evolve(
        held,
        **{
            "secret_access_key": held.secret_access_key,
            "session_token": held.session_token,
            **changes,
        },
    )


@pytest.mark.slow
def test_the_aws_cli_does_what_the_role_allows(desk: Desk, aws_cli: list[str]) -> None:
    # F046, F099
    nobody = desk.cli(aws_cli, "s3api", "list-objects-v2", "--bucket", desk.site.bucket)
    assert nobody.returncode != 0
    assert "aiocognito-credential-process sign-in" in nobody.stderr
    desk.sign_in()
    done = desk.cli(aws_cli, "s3api", "list-objects-v2", "--bucket", desk.site.bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert [item["Key"] for item in json.loads(done.stdout)["Contents"]] == [
        ODD_KEY,
        "open/hello.txt",
    ]
    refused = desk.cli(aws_cli, "s3api", "list-buckets")
    assert "AccessDenied" in refused.stderr
    # A wrong signature is refused: that the calls above were served means something.
    desk.change_kept(lambda held: evolve_credentials(held, secret_access_key="A" * 40))
    forged = desk.cli(aws_cli, "s3api", "list-objects-v2", "--bucket", desk.site.bucket)
    assert "SignatureDoesNotMatch" in forged.stderr


@pytest.mark.slow
def test_the_aws_cli_gets_new_credentials_when_the_old_have_ended(
    desk: Desk, aws_cli: list[str]
) -> None:
    desk.sign_in()
    # Nobody would accept the old ones any more.
    before = desk.change_kept(
        lambda held: evolve_credentials(
            held,
            secret_access_key="A" * 40,
            expires_at=datetime.now(UTC) - timedelta(seconds=1),
        )
    )
    done = desk.cli(aws_cli, "s3api", "list-objects-v2", "--bucket", desk.site.bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert desk.change_kept(lambda held: held) != before


@pytest.mark.slow
def test_boto3_renews_through_the_profile_while_it_runs(desk: Desk, peers_python: Path) -> None:
    # F046, F099
    desk.sign_in()
    with boto3_at_work(peers_python, desk) as ask:
        # So short a life that boto3 asks us before each call.
        before = desk.change_kept(ends_in(500))
        assert ask() == [before, "2"]
        desk.change_kept(ends_in(-1))
        after, count = ask()
        assert after != before
        assert count == "2"
        assert ask() == [after, "2"]


class boto3_at_work:  # noqa: N801  reads as what it does
    """boto3 in a process of its own, which lists the bucket when it is asked."""

    def __init__(self, python: Path, desk: Desk) -> None:
        self._process = subprocess.Popen(
            [python, "-c", BOTO3, desk.site.bucket],
            env=desk.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Callable[[], list[str]]:
        return self.ask

    def ask(self) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            pytest.fail(self._process.communicate()[1])
        return line.split()

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)


@pytest.mark.slow
def test_a_guest_s_profile_needs_no_sign_in(desk: Desk, aws_cli: list[str]) -> None:
    # F008
    desk.who = ["--guest"]
    desk.write_profile([*PROGRAM, *desk.arguments()])
    arguments = ["--bucket", desk.site.bucket, "--key", "open/hello.txt", "/dev/stdout"]
    done = desk.cli(aws_cli, "s3api", "get-object", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hello")


# --- requests signed by hand ---------------------------------------------------------------

Get = Callable[[str, dict[str, str]], Awaitable[tuple[int, bytes]]]


async def with_aiohttp(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(yarl.URL(url, encoded=True), headers=headers) as answer,
    ):
        return answer.status, await answer.read()


async def with_httpx2(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(url, headers=headers)
        return answer.status_code, answer.content


def clients() -> Iterator[Any]:
    yield pytest.param("asyncio", with_aiohttp, id="asyncio-aiohttp")
    if importlib.util.find_spec("httpx2") is not None:
        yield pytest.param("asyncio", with_httpx2, id="asyncio-httpx2")
        yield pytest.param("trio", with_httpx2, id="trio-httpx2")


CLIENTS = pytest.mark.parametrize(("anyio_backend", "get"), list(clients()))


class WrongKey:
    """The identity, but with a key that AWS did not give it."""

    def __init__(self, identity: AwsIdentity) -> None:
        self._identity = identity

    async def credentials(self) -> AwsCredentials:
        held = await self._identity.credentials()
        return evolve_credentials(held, secret_access_key="A" * 40)


@CLIENTS
@pytest.mark.parametrize("key", ["open/hello.txt", ODD_KEY])
async def test_a_signed_request_is_served_and_a_forged_one_is_not(
    site: Site, get: Get, key: str
) -> None:
    # F046
    url = f"{site.server.url}/{site.bucket}/{quote(key, safe='/~')}"
    async with site.guest() as guest:
        headers = await sign_request(guest, "GET", url, service="s3", region=REGION)
        status, body = await get(url, headers)
        assert (status, body) == (200, b"odd" if key == ODD_KEY else b"hello")
        forged = await sign_request(WrongKey(guest), "GET", url, service="s3", region=REGION)
        status, body = await get(url, forged)
        assert status == 403
        assert b"SignatureDoesNotMatch" in body


@CLIENTS
async def test_a_presigned_url_is_served_and_a_changed_one_is_not(site: Site, get: Get) -> None:
    url = f"{site.server.url}/{site.bucket}/open/hello.txt"
    async with site.guest() as guest:
        signed = await presign_url(guest, "GET", url, service="s3", region=REGION)
    assert await get(signed, {}) == (200, b"hello")
    status, _ = await get(signed[:-4] + "0000", {})
    assert status == 403
