"""Requests signed for other HTTP libraries, against published vectors and botocore itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aiocognito import aws
from aiocognito.errors import InvalidArgument, InvalidType, SignInRequired
from aiocognito.signing import CredentialsSource, iot_websocket_url, presign_url, sign_request
from aiocognito.testing.clock import ManualClock
from aiocognito.tokens.credentials import AwsCredentials

VECTORS = json.loads((Path(__file__).parent / "vectors" / "sigv4.json").read_text("utf-8"))
NOW = datetime(2026, 11, 27, 22, 30, 5, tzinfo=UTC)
KEYS = ("ASIAEXAMPLE000000001", "canary-secret/+=", "canary/token+==")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Source:
    def __init__(self, access: str = KEYS[0], secret: str = KEYS[1], token: str = KEYS[2]) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.held = AwsCredentials(
            access_key_id=access,
            secret_access_key=secret,
            session_token=token,
            expires_at=datetime(2030, 1, 1, tzinfo=UTC),
            identity_id="eu-west-1:00000000-0000-4000-8000-000000000001",
        )

    async def credentials(self) -> AwsCredentials:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.held


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> ManualClock:
    return at(NOW)


def at(moment: datetime) -> ManualClock:
    return ManualClock(wall=moment.timestamp())


@pytest.fixture
def same_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    def set_it(moment: datetime) -> None:
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: moment)

    return set_it


# --- published numbers ---------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
async def test_the_published_suite_comes_out(case: dict[str, Any]) -> None:
    token = case.get("session_token", "")
    source = Source(VECTORS["access_key_id"], VECTORS["secret_access_key"], token)
    moment = datetime.strptime(VECTORS["moment"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    headers = await sign_request(
        source,
        case["method"],
        case["url"],
        service=VECTORS["service"],
        region=VECTORS["region"],
        headers=case["headers"],
        body=case["body"].encode(),
        clock=at(moment),
    )
    assert headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={VECTORS['access_key_id']}/20150830/us-east-1/service/"
        f"aws4_request, SignedHeaders={case['signed_headers']}, Signature={case['signature']}"
    )
    assert headers.get("X-Amz-Security-Token", "") == token


@pytest.mark.parametrize("case", VECTORS["s3_cases"], ids=lambda case: case["name"])
async def test_the_examples_of_s3_s_manual_come_out(case: dict[str, Any]) -> None:
    source = Source(VECTORS["s3_access_key_id"], VECTORS["s3_secret_access_key"], "")
    headers = await sign_request(
        source,
        case["method"],
        case["url"],
        service="s3",
        region="us-east-1",
        headers=case["headers"],
        body=case["body"].encode(),
        clock=at(datetime(2013, 5, 24, tzinfo=UTC)),
    )
    assert headers["Authorization"].endswith(f"Signature={case['signature']}")


async def test_the_presigned_example_of_s3_s_manual_comes_out() -> None:
    url = await presign_url(
        Source(VECTORS["s3_access_key_id"], VECTORS["s3_secret_access_key"], ""),
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        service="s3",
        region="us-east-1",
        expires_in=86400,
        clock=at(datetime(2013, 5, 24, tzinfo=UTC)),
    )
    assert url.endswith(f"&X-Amz-Signature={VECTORS['s3_presigned_signature']}")


def test_no_case_is_lost() -> None:
    assert (len(VECTORS["cases"]), len(VECTORS["s3_cases"])) == (23, 3)


# --- against botocore's own signer ------------------------------------------------------

REQUESTS = [
    ("GET", "https://abc.execute-api.eu-west-1.amazonaws.com/prod/a%20b?z=1&a=2", "execute-api"),
    ("POST", "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql", "appsync"),
    ("PUT", "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/c~d?versionId=x", "s3"),
    ("DELETE", "http://127.0.0.1:4566/bucket//twice/./dots", "s3"),
    ("GET", "http://localhost:8080/a/../b", "lambda"),
]


@pytest.mark.parametrize(("method", "url", "service"), REQUESTS)
@pytest.mark.parametrize("body", [b"", b'{"a": "\xc3\xa9"}'])
async def test_a_signature_is_botocore_s(
    source: Source,
    clock: ManualClock,
    same_time: Callable[[datetime], None],
    method: str,
    url: str,
    service: str,
    body: bytes,
) -> None:
    same_time(NOW)
    given = {"Content-Type": "application/json", "X-Two": "a   b"}
    theirs = AWSRequest(method=method, url=url, headers=dict(given), data=body)
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    kind(Credentials(*KEYS), service, "eu-west-1").add_auth(theirs)
    ours = await sign_request(
        source,
        method,
        url,
        service=service,
        region="eu-west-1",
        headers=given,
        body=body,
        clock=clock,
    )
    assert ours == dict(theirs.headers.items())


@pytest.mark.parametrize(("method", "url", "service"), REQUESTS)
async def test_a_presigned_url_is_botocore_s(
    source: Source,
    clock: ManualClock,
    same_time: Callable[[datetime], None],
    method: str,
    url: str,
    service: str,
) -> None:
    same_time(NOW)
    theirs = AWSRequest(method=method, url=url)
    kind = botocore.auth.S3SigV4QueryAuth if service == "s3" else botocore.auth.SigV4QueryAuth
    kind(Credentials(*KEYS), service, "eu-west-1", expires=600).add_auth(theirs)
    ours = await presign_url(
        source, method, url, service=service, region="eu-west-1", expires_in=600, clock=clock
    )
    assert query_of(ours) == query_of(theirs.url)
    assert urlsplit(ours)[:3] == urlsplit(theirs.url)[:3]


def query_of(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


# --- canonical form -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/list?prefix=a/b", "/list?prefix=a%2Fb"),
        ("/list?b=1&a=2", "/list?a=2&b=1"),
        ("/list?marker", "/list?marker="),
        ("/key(1)", "/key%281%29"),
        ("/%7Euser", "/~user"),
        ("", "/"),
    ],
)
async def test_spellings_of_one_request_have_one_signature(
    source: Source, clock: ManualClock, one: str, other: str
) -> None:
    """The service decodes and encodes before it compares; so must we."""
    base = "https://bucket.s3.eu-west-1.amazonaws.com"
    first, second = [
        await sign_request(
            source, "GET", base + rest, service="s3", region="eu-west-1", clock=clock
        )
        for rest in (one, other)
    ]
    assert first == second


async def test_a_presigned_url_keeps_repeated_names(source: Source) -> None:
    url = await presign_url(
        source, "GET", "https://h.example/x?a=1&a=2", service="execute-api", region="eu-west-1"
    )
    assert "?a=1&a=2&X-Amz-Algorithm=" in url


async def test_a_plus_in_a_query_is_refused_because_services_read_it_differently(
    source: Source,
) -> None:
    with pytest.raises(InvalidArgument, match="%20 or %2B"):
        await sign_request(source, "GET", "https://h.example/?q=a+b", service="x", region="r")


async def test_s3_and_opensearch_are_told_the_body_s_hash(source: Source) -> None:
    for service, told in (("s3", EMPTY), ("aoss", EMPTY), ("es", None)):
        headers = await sign_request(
            source, "GET", "https://h.example/", service=service, region="eu-west-1"
        )
        assert headers.get("X-Amz-Content-SHA256") == told


async def test_a_stream_s_body_can_be_left_out_over_https_alone(source: Source) -> None:
    headers = await sign_request(
        source, "PUT", "https://h.example/k", service="s3", region="eu-west-1", sign_body=False
    )
    assert headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    with pytest.raises(InvalidArgument, match="sign_body"):
        await sign_request(
            source, "PUT", "http://localhost/k", service="s3", region="eu-west-1", sign_body=False
        )


async def test_headers_that_proxies_change_are_sent_and_not_signed(source: Source) -> None:
    headers = await sign_request(
        source,
        "GET",
        "https://h.example/",
        service="es",
        region="eu-west-1",
        headers={"User-Agent": "me", "Accept": "*/*"},
    )
    assert headers["User-Agent"] == "me"
    assert "SignedHeaders=accept;host;x-amz-date;x-amz-security-token" in headers["Authorization"]


# --- WebSocket ---------------------------------------------------------------------------


async def test_iot_gets_the_session_token_behind_the_signature(
    source: Source, clock: ManualClock, same_time: Callable[[datetime], None]
) -> None:
    same_time(NOW)
    host = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
    url = await iot_websocket_url(source, host, clock=clock)
    head, _, behind = url.partition("&X-Amz-Signature=")
    signature, _, token = behind.partition("&X-Amz-Security-Token=")
    assert token == "canary%2Ftoken%2B%3D%3D"
    # Signed as botocore would with credentials that have no token.
    query = head.partition("?")[2]
    request = AWSRequest(method="GET", url=f"https://{host}/mqtt?{query}")
    request.context["timestamp"] = "20261127T223005Z"
    signer = botocore.auth.SigV4QueryAuth(Credentials(*KEYS[:2]), "iotdevicegateway", "eu-west-1")
    sts = signer.string_to_sign(request, signer.canonical_request(request))
    assert signer.signature(sts, request) == signature
    assert url.startswith(f"wss://{host}/mqtt?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "Expires" not in url


async def test_an_endpoint_that_names_no_region_needs_one(source: Source) -> None:
    with pytest.raises(InvalidArgument, match="region"):
        await iot_websocket_url(source, "iot.example.com")
    url = await iot_websocket_url(source, "iot.example.com:443", "eu-west-1")
    assert "%2Feu-west-1%2Fiotdevicegateway%2F" in url
    china = await iot_websocket_url(source, "x.ats.iot.cn-north-1.amazonaws.com.cn")
    assert "%2Fcn-north-1%2F" in china


@pytest.mark.parametrize("endpoint", ["wss://h/", "h/mqtt", "h?x", "", "user@h", "h h", "h\n"])
async def test_an_endpoint_is_a_host(source: Source, endpoint: str) -> None:
    with pytest.raises(InvalidArgument, match="endpoint"):
        await iot_websocket_url(source, endpoint, "eu-west-1")


async def test_an_endpoint_is_text(source: Source) -> None:
    with pytest.raises(InvalidType, match="endpoint"):
        await iot_websocket_url(source, b"h.example", "eu-west-1")  # type: ignore[arg-type]


async def test_a_presigned_websocket_keeps_its_scheme(source: Source) -> None:
    url = await presign_url(
        source,
        "GET",
        "wss://abc.execute-api.eu-west-1.amazonaws.com/prod",
        service="execute-api",
        region="eu-west-1",
    )
    assert url.startswith("wss://abc.")
    assert "X-Amz-Security-Token" in query_of(url)


# --- arguments, errors, secrets -----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"method": "get"}, InvalidArgument),
        ({"method": "GET\r\n"}, InvalidArgument),
        ({"method": 1}, InvalidType),
        ({"url": b"https://h/"}, InvalidType),
        ({"url": "http://h.example/"}, InvalidArgument),
        ({"url": "ftp://h.example/"}, InvalidArgument),
        ({"url": "https://user@h.example/"}, InvalidArgument),
        ({"url": "https://h.example/ä"}, InvalidArgument),
        ({"url": "h.example"}, InvalidArgument),
        ({"service": "S3"}, InvalidArgument),
        ({"service": None}, InvalidType),
        ({"region": "eu west"}, InvalidArgument),
        ({"region": ""}, InvalidArgument),
        ({"headers": [("a", "b")]}, InvalidType),
        ({"headers": {"a": 1}}, InvalidType),
        ({"headers": {"a\n": "b"}}, InvalidArgument),
        ({"headers": {"a": "b\r\nc: d"}}, InvalidArgument),
        ({"headers": {"a": "b\x0bc"}}, InvalidArgument),  # signed as a space, sent as it is
        ({"headers": {"a": "b\u2028c"}}, InvalidArgument),
        ({"headers": {"a": "\ud800"}}, InvalidArgument),
        ({"headers": {"authorization": "b"}}, InvalidArgument),
        ({"headers": {"X-AMZ-DATE": "b"}}, InvalidArgument),
        ({"headers": {"A": "b", "a": "c"}}, InvalidArgument),
        ({"body": "text"}, InvalidType),
    ],
)
async def test_what_cannot_be_signed_is_refused_before_credentials_are_asked_for(
    source: Source, changes: dict[str, Any], error: type[Exception]
) -> None:
    # threat 37
    given = {"method": "GET", "url": "https://h.example/", "service": "s3", "region": "eu-west-1"}
    given |= changes
    method, url = given.pop("method"), given.pop("url")
    with pytest.raises(error):
        await sign_request(source, method, url, **given)
    assert source.asked == 0


@pytest.mark.parametrize("sign", [sign_request, presign_url])
@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Expires=604800",
        "a=b&x-amz-signature=0",
        "X-Amz%2DCredential=somebody",
        "X-Amz-Security-Token",
    ],
)
async def test_a_url_that_says_something_of_a_signature_is_not_signed(
    source: Source, sign: Callable[..., Any], query: str
) -> None:
    # Of two that say when it ends, nobody knows which one a service reads.
    with pytest.raises(InvalidArgument, match="not signed already"):
        await sign(source, "GET", f"https://h/k?{query}", service="s3", region="eu-west-1")
    assert source.asked == 0


async def test_other_parameters_of_aws_stay(source: Source) -> None:
    url = await presign_url(
        source, "GET", "https://h/k?x-amz-checksum-mode=ENABLED", service="s3", region="eu-west-1"
    )
    assert query_of(url)["x-amz-checksum-mode"] == "ENABLED"


@pytest.mark.parametrize(("seconds", "error"), [(0, ValueError), (604801, ValueError)])
async def test_a_presigned_url_lives_a_week_at_most(
    source: Source, seconds: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await presign_url(
            source, "GET", "https://h.example/", service="s3", region="r", expires_in=seconds
        )
    with pytest.raises(InvalidType):
        await presign_url(
            source, "GET", "https://h.example/", service="s3", region="r", expires_in=True
        )


async def test_plain_http_to_others_needs_a_word(source: Source) -> None:
    headers = await sign_request(
        source, "GET", "http://h.example/", service="s3", region="r", allow_http=True
    )
    assert "Authorization" in headers


async def test_our_errors_reach_the_caller(source: Source) -> None:
    source.error = SignInRequired("ana", "refresh-token-rejected")
    with pytest.raises(SignInRequired):
        await sign_request(source, "GET", "https://h.example/", service="s3", region="r")


async def test_credentials_are_asked_for_at_each_request(source: Source) -> None:
    for _ in range(2):
        await sign_request(source, "GET", "https://h.example/", service="s3", region="r")
    assert source.asked == 2


async def test_signing_writes_nothing_secret_to_a_log(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    # threat 34: botocore's own way of signing logs the session token at DEBUG
    caplog.set_level(logging.DEBUG)
    await sign_request(source, "GET", "https://h.example/", service="s3", region="r")
    await presign_url(source, "GET", "https://h.example/", service="s3", region="r")
    assert "canary" not in caplog.text


def test_one_protocol_says_what_hands_out_credentials() -> None:
    assert aws.CredentialsSource is CredentialsSource
