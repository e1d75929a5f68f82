"""aiobotocore takes our credentials, and asks nobody else for any."""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiobotocore.credentials
import anyio
import botocore.credentials
import botocore.exceptions
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from aiocognito import aws
from aiocognito._protected import on_asyncio
from aiocognito._refresh import Timing
from aiocognito.aws import CognitoIdentityCredentials, CognitoIdentityProvider, aws_session
from aiocognito.errors import RefreshFailed, SignInRequired
from aiocognito.flow.calls import Call, Reply
from aiocognito.identity_pool import IdentityPool
from aiocognito.testing.clock import ManualClock
from aiocognito.tokens.credentials import AwsCredentials

POOL_ID = "eu-west-1:2f0c3a2e-1111-4222-8333-444455556666"

# boto's own retries sleep; the answers here are final.
ONE_ATTEMPT = AioConfig(retries={"total_max_attempts": 1})


class Source:
    """Hands out credentials 1, 2, 3, …; a new one after `renew()`."""

    def __init__(self) -> None:
        self.number = 1
        self.asked = 0
        self.error: Exception | None = None
        self._made: dict[int, AwsCredentials] = {}

    async def credentials(self) -> AwsCredentials:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        return self._made.setdefault(
            self.number,
            AwsCredentials(
                access_key_id=f"ASIA{self.number:016}",
                secret_access_key=f"canary-secret-{self.number}",
                session_token=f"canary-token-{self.number}",
                expires_at=datetime(2030, 1, 1, tzinfo=UTC),
                identity_id="eu-west-1:00000000-0000-4000-8000-000000000001",
            ),
        )

    def renew(self) -> None:
        self.number += 1


@pytest.fixture
def source() -> Source:
    return Source()


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as it takes to see who signs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append({k.lower(): v for k, v in self.headers.items()})  # type: ignore[attr-defined]
        body = (
            b'<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>false'
            b"</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>"
        )
        self.send_response(200)
        self.send_header("content-type", "application/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def s3() -> Iterator[Any]:
    """A loopback server; `seen` are the headers of its requests, `url` where it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.seen = []  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def client(session: AioSession, s3: Any, **options: Any) -> Any:
    return session.create_client("s3", endpoint_url=s3.url, config=ONE_ATTEMPT, **options)


# --- F046: signed calls ----------------------------------------------------------------


async def test_a_signed_call_carries_our_credentials(source: Source, s3: Any) -> None:
    """F046"""
    async with client(aws_session(source, "eu-west-1"), s3) as bucket:
        await bucket.list_objects_v2(Bucket="b")
    (headers,) = s3.seen
    assert headers["x-amz-security-token"] == "canary-token-1"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIA0000000000000001/")
    assert "/eu-west-1/s3/aws4_request" in headers["authorization"]
    assert "canary-secret" not in repr(headers)


async def test_renewed_credentials_sign_the_next_call_of_the_same_client(
    source: Source, s3: Any
) -> None:
    """F046: renewed in the middle of a listing."""
    async with client(aws_session(source, "eu-west-1"), s3) as bucket:
        for _ in range(2):
            await bucket.list_objects_v2(Bucket="b")
        source.renew()
        await bucket.list_objects_v2(Bucket="b")
    tokens = [headers["x-amz-security-token"] for headers in s3.seen]
    assert tokens == ["canary-token-1", "canary-token-1", "canary-token-2"]


async def test_an_existing_session_takes_the_provider_into_its_chain(
    source: Source, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    session = get_session()
    session.set_config_variable("region", "eu-central-1")
    if not on_asyncio():
        from aiobotocore.httpxsession import HttpxSession

        session.set_default_client_config(AioConfig(http_session_cls=HttpxSession))
    chain = session.get_component("credential_provider")
    chain.insert_before("env", CognitoIdentityProvider(source))
    async with client(session, s3) as bucket:
        await bucket.list_objects_v2(Bucket="b")
    assert s3.seen[0]["x-amz-security-token"] == "canary-token-1"


async def test_two_clients_and_twenty_parallel_calls_cost_one_exchange(s3: Any) -> None:
    pool, calls = scripted_pool()
    async with pool:
        session = pool.guest().aws_session()
        async with (
            client(session, s3) as one,
            client(session, s3) as two,
            anyio.create_task_group() as group,
        ):
            for bucket in (one, two) * 10:
                group.start_soon(lambda b: b.list_objects_v2(Bucket="b"), bucket)
    assert calls == ["GetId", "GetCredentialsForIdentity"]
    assert {headers["x-amz-security-token"] for headers in s3.seen} == {"canary-token-1"}
    assert len(s3.seen) == 20


async def test_credentials_renew_in_the_middle_of_the_work(s3: Any) -> None:
    clock = ManualClock()
    pool, calls = scripted_pool(clock)
    async with pool, client(pool.guest().aws_session("us-east-1"), s3) as bucket:
        await bucket.list_objects_v2(Bucket="b")
        clock.advance(3600.0)
        await bucket.list_objects_v2(Bucket="b")
    assert calls == ["GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity"]
    assert [headers["x-amz-security-token"] for headers in s3.seen] == [
        "canary-token-1",
        "canary-token-2",
    ]
    assert "/us-east-1/s3/" in s3.seen[0]["authorization"]


def scripted_pool(clock: ManualClock | None = None) -> tuple[IdentityPool, list[str]]:
    clock = clock or ManualClock()
    calls: list[str] = []

    class Service:
        async def send(self, call: Call) -> Reply:
            calls.append(call.operation)
            await anyio.lowlevel.checkpoint()
            number = calls.count("GetCredentialsForIdentity")
            credentials = {
                "AccessKeyId": f"ASIA{number:016}",
                "SecretKey": f"canary-secret-{number}",
                "SessionToken": f"canary-token-{number}",
                "Expiration": clock.wall() + 3600.0,
            }
            identity_id = "eu-west-1:00000000-0000-4000-8000-000000000001"
            return Reply(body={"IdentityId": identity_id, "Credentials": credentials})

        async def aclose(self) -> None:
            pass

    return IdentityPool(POOL_ID, transport=Service(), timing=Timing(clock=clock)), calls


async def test_our_errors_reach_the_caller_of_a_client(source: Source, s3: Any) -> None:
    source.error = SignInRequired("ana", "refresh-token-rejected")
    async with client(aws_session(source, "eu-west-1"), s3) as bucket:
        with pytest.raises(SignInRequired):
            await bucket.list_objects_v2(Bucket="b")
        source.error = RefreshFailed(3.0)
        with pytest.raises(RefreshFailed):
            await bucket.list_objects_v2(Bucket="b")
        source.error = None
        await bucket.list_objects_v2(Bucket="b")
    assert len(s3.seen) == 1


async def test_presigning_works_without_a_request(source: Source) -> None:
    session = aws_session(source, "eu-west-1")
    async with session.create_client("s3") as bucket:
        url = await bucket.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert "ASIA0000000000000001" in url
    assert "canary-token-1" in url


async def test_dynamodb_gets_the_account_s_endpoint_where_it_is_known(source: Source) -> None:
    credentials = CognitoIdentityCredentials(source, account_id="123456789012")
    assert await credentials.get_account_id() == "123456789012"
    assert (await credentials.get_frozen_credentials()).account_id == "123456789012"
    assert await CognitoIdentityCredentials(source).get_account_id() is None
    session = aws_session(source, "eu-west-1")
    async with session.create_client("dynamodb") as table:
        assert table.meta.region_name == "eu-west-1"


# --- nobody else is asked ------------------------------------------------------------------


async def test_environment_and_profiles_are_not_consulted(
    source: Source, s3: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # threat 37
    poison = tmp_path / "poison"
    poison.write_text(
        "[profile evil]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:9\n"
        "aws_access_key_id = AKIAPROFILE000000000\naws_secret_access_key = profile\n"
    )
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00000",
        "AWS_SECRET_ACCESS_KEY": "environment",
        "AWS_SESSION_TOKEN": "environment",
        "AWS_DEFAULT_REGION": "us-west-1",
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONFIG_FILE": str(poison),
        "AWS_SHARED_CREDENTIALS_FILE": str(poison),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    session = aws_session(source, "eu-west-1")
    async with client(session, s3) as bucket:
        await bucket.list_objects_v2(Bucket="b")
    assert s3.seen[0]["x-amz-security-token"] == "canary-token-1"
    assert "/eu-west-1/s3/" in s3.seen[0]["authorization"]
    async with session.create_client("s3") as plain:
        assert plain.meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"


async def test_making_a_session_or_a_client_asks_for_nothing(source: Source, s3: Any) -> None:
    async with client(aws_session(source, "eu-west-1"), s3):
        pass
    assert source.asked == 0


async def test_a_client_s_own_options_win(source: Source, s3: Any) -> None:
    session = aws_session(source, "eu-west-1")
    async with client(session, s3, region_name="ap-south-1") as bucket:
        assert bucket.meta.region_name == "ap-south-1"
        assert bucket.meta.config.retries["total_max_attempts"] == 1


async def test_explicit_keys_of_a_client_win(source: Source, s3: Any) -> None:
    keys = {"aws_access_key_id": "AKIAEXPLICIT00000000", "aws_secret_access_key": "explicit"}
    async with client(aws_session(source, "eu-west-1"), s3, **keys) as bucket:
        await bucket.list_objects_v2(Bucket="b")
    assert "AKIAEXPLICIT00000000" in s3.seen[0]["authorization"]
    assert source.asked == 0


# --- the event loop stays free ---------------------------------------------------------------


async def test_the_loop_s_thread_opens_no_file_and_lists_no_folder(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = aws_session(source, "eu-west-1")
    async with session.create_client("sqs"):
        pass  # what is loaded once for the process is loaded now
    aws._loader.cache_clear()
    session = aws_session(source, "eu-west-1")
    loop_thread, touched = threading.get_ident(), []

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def touch(*args: Any, **options: Any) -> Any:
            if threading.get_ident() == loop_thread:
                touched.append(args[:1])
            return real(*args, **options)

        return touch

    for module, name in ((os, "listdir"), (os, "scandir"), (os.path, "isfile"), (os, "open")):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    monkeypatch.setattr("botocore.loaders.gzip_open", watched(botocore_gzip()))
    async with session.create_client("sqs"):
        pass
    monkeypatch.undo()
    assert touched == []


def botocore_gzip() -> Callable[..., Any]:
    from botocore.loaders import gzip_open

    return gzip_open  # type: ignore[no-any-return]


async def test_sessions_share_what_they_have_read(source: Source) -> None:
    loaders = {
        id(aws_session(source, region).get_component("data_loader"))
        for region in ("eu-west-1", "us-east-1")
    }
    assert len(loaders) == 1


async def test_an_unknown_service_is_botocore_s_own_error(source: Source) -> None:
    with pytest.raises(botocore.exceptions.UnknownServiceError):
        async with aws_session(source, "eu-west-1").create_client("no-such-service"):
            raise AssertionError


async def test_a_client_can_be_entered_by_hand_as_in_a_notebook(source: Source, s3: Any) -> None:
    entered = client(aws_session(source, "eu-west-1"), s3)
    bucket = await entered.__aenter__()
    await bucket.list_objects_v2(Bucket="b")
    await entered.__aexit__(None, None, None)


# --- the credentials object, as aiobotocore's own tests look at it -------------------------------


def test_it_is_what_aiobotocore_expects(source: Source) -> None:
    credentials = CognitoIdentityCredentials(source)
    assert isinstance(credentials, aiobotocore.credentials.AioRefreshableCredentials)
    assert isinstance(credentials, botocore.credentials.RefreshableCredentials)
    assert credentials.method == "cognito-identity"
    assert inspect.iscoroutinefunction(CognitoIdentityProvider(source).load)
    assert credentials.get_deferred_property("account_id") is not None


async def test_all_three_values_are_of_one_moment(source: Source) -> None:
    credentials = CognitoIdentityCredentials(source)
    first = await credentials.get_frozen_credentials()
    source.renew()
    assert (first.access_key, first.secret_key, first.token) == (
        "ASIA0000000000000001", "canary-secret-1", "canary-token-1",
    )  # fmt: skip
    second = await credentials.get_frozen_credentials()
    assert (second.access_key, second.secret_key, second.token) == (
        "ASIA0000000000000002", "canary-secret-2", "canary-token-2",
    )  # fmt: skip
    assert await credentials.get_frozen_credentials() is second


@pytest.mark.parametrize(
    ("getter", "value"),
    [
        ("get_access_key", "ASIA0000000000000001"),
        ("get_secret_key", "canary-secret-1"),
        ("get_token", "canary-token-1"),
    ],
)
async def test_single_values_can_be_asked_for(source: Source, getter: str, value: str) -> None:
    assert await getattr(CognitoIdentityCredentials(source), getter)() == value


def test_a_refresh_is_never_needed_from_outside(source: Source) -> None:
    assert CognitoIdentityCredentials(source).refresh_needed() is False
    assert CognitoIdentityCredentials(source).refresh_needed(900) is False


async def test_no_private_method_of_aiobotocore_is_replaced() -> None:
    """Private names may change in any release."""
    allowed = {"_source", "_account", "_last"}
    own = {
        name
        for kind in (CognitoIdentityCredentials, CognitoIdentityProvider, aws._Session)
        for name in vars(kind)
        if name.startswith("_") and not name.startswith("__")
    }
    assert own - allowed == set()


async def test_a_cancelled_signed_call_leaves_the_credentials_usable(
    source: Source, s3: Any
) -> None:
    # threat 26
    async with client(aws_session(source, "eu-west-1"), s3) as bucket:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await bucket.list_objects_v2(Bucket="b")
        assert scope.cancelled_caught
        await bucket.list_objects_v2(Bucket="b")
    assert len(s3.seen) == 1


# --- secrets ------------------------------------------------------------------------------------


async def test_reprs_and_pickles_show_no_secret(source: Source) -> None:
    # threats 34 and 48
    credentials = CognitoIdentityCredentials(source)
    frozen = await credentials.get_frozen_credentials()
    session = aws_session(source, "eu-west-1")
    for thing in (credentials, frozen, session, CognitoIdentityProvider(source)):
        assert "canary" not in repr(thing) + str(thing) + f"{thing}"
    for thing in (credentials, frozen):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    assert copy.copy(frozen) is copy.deepcopy(frozen) is frozen


async def test_nothing_secret_is_logged_while_credentials_are_found_and_used(
    source: Source, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # threat 34. The key that signs is in no record at all; the session token only in
    # those of a request that carries it, which are botocore's (see aws.py).
    caplog.set_level(logging.DEBUG)
    async with client(aws_session(source, "eu-west-1"), s3) as bucket:
        await bucket.list_objects_v2(Bucket="b")
        source.error = RefreshFailed(3.0)
        with pytest.raises(RefreshFailed):
            await bucket.list_objects_v2(Bucket="b")
    records = [(record.name, record.getMessage()) for record in caplog.records]
    assert any(name == "aiobotocore.credentials" for name, _ in records)
    assert all("canary-secret" not in text for _, text in records)
    carrying = {name for name, text in records if "canary-token" in text}
    assert carrying <= {"botocore.auth", "botocore.endpoint", "botocore.hooks"}


def test_two_loops_one_after_the_other(source: Source, s3: Any) -> None:
    """A script that calls asyncio.run twice; nothing is left over from the first."""

    async def use() -> None:
        async with client(aws_session(source, "eu-west-1"), s3) as bucket:
            await bucket.list_objects_v2(Bucket="b")

    asyncio.run(use())
    asyncio.run(use())
    assert len(s3.seen) == 2
