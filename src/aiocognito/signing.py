"""Sign requests of your own to AWS (Signature Version 4), with whichever HTTP library.

For what aiobotocore has no client for: an API Gateway that asks for IAM, AppSync,
OpenSearch, a Lambda function's URL, MQTT over WebSocket with AWS IoT::

    headers = await sign_request(
        session.aws_identity, "GET", url, service="execute-api", region="eu-west-1"
    )
    async with http.get(url, headers=headers) as answer: ...

The credentials are asked for at each call, so they are fresh. What is signed is put
into its canonical form by botocore's signer; only its public methods are used, step by
step, because the method that does all at once writes the session token to a log.

A signature is over the request as it goes out: method, host, path, query, the headers
given here, the body. Whoever changes one of them afterwards makes it worthless. It is
good for five minutes as a rule, so sign each request when it is sent, and again when it
is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit, urlunsplit

from attrs import field, frozen
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.tokens.credentials import AwsCredentials
from aiocognito.transport._urls import checked_url

__all__ = ["CredentialsSource", "iot_websocket_url", "presign_url", "sign_request"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_WEEK = 7 * 24 * 3600
_UNRESERVED = "-_.~"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)
_IOT_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.iot\.([a-z0-9-]+)\.[a-z0-9.-]+", re.ASCII)
# S3 encodes a path once, where other services encode it again.
_ENCODED_ONCE = {"s3", "s3-object-lambda", "s3-outposts"}
# These insist on being told what the body's hash is.
_HASH_TOLD = {*_ENCODED_ONCE, "aoss"}
# The session token goes behind the signature instead of being signed along.
_TOKEN_BEHIND = {"iotdevicegateway"}
# What a presigned URL says of its signature. A second one of them, in a URL that somebody
# else wrote, could be the one that a service reads: another end, for example.
_SAID_IN_URL = {
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
}
# A caller's own would name another moment or another user than the signature does.
_OURS = {"authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}


class CredentialsSource(Protocol):
    """Hands out credentials that are good to use now; `AwsIdentity` does."""

    async def credentials(self) -> AwsCredentials:
        """Return them, renewed where their time has come."""
        ...


async def sign_request(
    source: CredentialsSource,
    method: str,
    url: str,
    *,
    service: str,
    region: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    sign_body: bool = True,
    allow_http: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> dict[str, str]:
    """Return the headers to send a request with: those given, and the signature.

    Args:
        source: Whose credentials sign, an `AwsIdentity` for example.
        method: Such as ``POST``.
        url: As it goes out, percent-encoded, query included. https, or plain http to
            this machine. Some libraries encode it anew: keep them from it (aiohttp with
            ``yarl.URL(url, encoded=True)``).
        service: The service's name in signatures, such as ``execute-api``, ``s3``,
            ``appsync``, ``aoss``, ``lambda``.
        region: Such as ``eu-west-1``.
        headers: What else is sent. All of it is signed, but for headers that proxies
            change.
        body: As it goes out.
        sign_body: False leaves the body out of the signature, for streams, where the
            service allows that (S3 over https).
        allow_http: Accept plain http to other machines too.
        clock: Where the time comes from; a wrong clock makes a signature worthless.

    Raises:
        InvalidType: An argument has the wrong type.
        InvalidArgument: A malformed argument; a header, or a parameter of the URL, that
            signing itself writes.
        CognitoError: As `AwsIdentity.credentials`.
    """
    job = _Job.of(method, url, service=service, region=region, allow_http=allow_http)
    given = _checked_headers(headers)
    body = _checked_body(body)
    if not sign_body and not job.url.startswith("https:"):
        raise InvalidArgument("sign_body", "True over plain http")
    keys = await source.credentials()
    signer = job.signer(keys, S3SigV4Auth if service in _ENCODED_ONCE else SigV4Auth)
    request = job.request(given, body, clock)
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if keys.session_token:
        request.headers["X-Amz-Security-Token"] = keys.session_token
    if not sign_body:
        request.headers["X-Amz-Content-SHA256"] = _UNSIGNED
    elif service in _HASH_TOLD:
        request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"{_ALGORITHM} Credential={signer.scope(request)}, "
        f"SignedHeaders={names}, Signature={_signature(signer, request)}"
    )
    return dict(request.headers.items())


async def presign_url(
    source: CredentialsSource,
    method: str,
    url: str,
    *,
    service: str,
    region: str,
    expires_in: int | None = 300,
    allow_http: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> str:
    """Return a URL that carries its signature, for somebody who has no credentials.

    Whoever has it may do this one request until it ends. It ends with the credentials
    that signed it at the latest, which is within the hour, whatever `expires_in` says.

    Args:
        source: Whose credentials sign.
        method: The method it is good for. A body is not part of the signature for S3,
            and must be empty elsewhere.
        url: Percent-encoded, query included; ``https``, ``wss``, or their plain forms to
            this machine.
        service: See `sign_request`.
        region: See `sign_request`.
        expires_in: Seconds, 1 to 604800. None leaves the limit to the service.
        allow_http: Accept ``http`` and ``ws`` to other machines too.
        clock: Where the time comes from.

    Raises as `sign_request`.
    """
    job = _Job.of(method, url, service=service, region=region, allow_http=allow_http)
    if expires_in is not None and (isinstance(expires_in, bool) or not isinstance(expires_in, int)):
        raise InvalidType("expires_in", "an int or None", expires_in)
    if expires_in is not None and not 1 <= expires_in <= _WEEK:
        raise InvalidArgument("expires_in", f"1 to {_WEEK} seconds")
    keys = await source.credentials()
    signer = job.signer(keys, S3SigV4QueryAuth if service in _ENCODED_ONCE else SigV4QueryAuth)
    request = job.request({}, b"", clock)
    token = {"X-Amz-Security-Token": keys.session_token} if keys.session_token else {}
    wanted = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": signer.scope(request),
        "X-Amz-Date": request.context["timestamp"],
        **({} if expires_in is None else {"X-Amz-Expires": str(expires_in)}),
        "X-Amz-SignedHeaders": "host",
        **({} if service in _TOKEN_BEHIND else token),
    }
    request.url = _with_query(request.url, wanted)
    behind = {"X-Amz-Signature": _signature(signer, request)}
    if service in _TOKEN_BEHIND:
        behind |= token
    return job.as_asked(_with_query(request.url, behind))


async def iot_websocket_url(
    source: CredentialsSource,
    endpoint: str,
    region: str | None = None,
    *,
    clock: Clock = SYSTEM_CLOCK,
) -> str:
    """Return the address of AWS IoT's MQTT over WebSocket, signed.

    Open it with the sub-protocol ``mqtt``. The signature is for opening: make a new
    address for each connection. The connection itself lives on when the credentials end.

    Args:
        source: Whose credentials sign.
        endpoint: The account's data endpoint (DescribeEndpoint, ``iot:Data-ATS``), such
            as ``a1b2c3-ats.iot.eu-west-1.amazonaws.com``; without scheme and path.
        region: Left out it is taken from the endpoint. A domain of your own needs it.
        clock: Where the time comes from.

    Raises as `sign_request`.
    """
    if not isinstance(endpoint, str):
        raise InvalidType("endpoint", "a str", endpoint)
    if re.fullmatch(r"[A-Za-z0-9.-]+(?::\d{1,5})?", endpoint, re.ASCII) is None:
        raise InvalidArgument("endpoint", "a host name, without scheme and path")
    if region is None:
        named = _IOT_HOST.fullmatch(endpoint.partition(":")[0].lower())
        if named is None:
            raise InvalidArgument("region", "given for an endpoint that does not name it")
        region = named[1]
    return await presign_url(
        source,
        "GET",
        f"wss://{endpoint}/mqtt",
        service="iotdevicegateway",
        region=region,
        expires_in=None,
        clock=clock,
    )


@frozen(kw_only=True)
class _Job:
    """One request to sign. `url` is http(s), with path and query in canonical form."""

    method: str
    url: str = field(repr=False)
    scheme: str
    service: str
    region: str

    @classmethod
    def of(cls, method: str, url: str, *, service: str, region: str, allow_http: bool) -> _Job:
        method = _checked_text("method", method, "a method such as GET", _METHOD)
        service = _checked_text("service", service, "a service's name such as s3", _NAME)
        region = _checked_text("region", region, "a region such as eu-west-1", _NAME)
        if not isinstance(url, str):
            raise InvalidType("url", "a str", url)
        scheme, rest = url[: url.find(":")].lower(), url[url.find(":") :]
        plain = {"wss": "https", "ws": "http"}.get(scheme, scheme)
        checked_url(plain + rest, argument="url", allow_http=allow_http, query=True)
        canonical = _canonical(plain + rest, single=service in _ENCODED_ONCE)
        return cls(method=method, url=canonical, scheme=scheme, service=service, region=region)

    def signer(self, keys: AwsCredentials, kind: Any) -> Any:
        frozen_keys = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, None)
        return kind(frozen_keys, self.service, self.region)

    def request(self, headers: Mapping[str, str], body: bytes, clock: Clock) -> Any:
        request = AWSRequest(method=self.method, url=self.url, headers=dict(headers), data=body)
        now = datetime.fromtimestamp(clock.wall(), UTC)
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        return request

    def as_asked(self, url: str) -> str:
        return self.scheme + url[url.find(":") :]


def _signature(signer: Any, request: Any) -> str:
    signature: str = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )
    return signature


def _canonical(url: str, *, single: bool) -> str:
    """Write a URL's query, and for S3 its path, as the service will before it compares.

    botocore's signer takes both as they are; its clients never write them otherwise.
    """
    parts = urlsplit(url)
    if "+" in parts.query:
        raise InvalidArgument("url", "one with %20 or %2B in its query instead of +")
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    if any(unquote(name).lower() in _SAID_IN_URL for name, _, _ in pairs):
        raise InvalidArgument("url", "one that is not signed already")
    query = "&".join(f"{_once(name)}={_once(value)}" for name, _, value in pairs)
    path = parts.path or "/"
    if single:
        path = quote(unquote_to_bytes(path), safe="/" + _UNRESERVED)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _once(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=_UNRESERVED)


def _with_query(url: str, more: Mapping[str, str]) -> str:
    added = "&".join(f"{name}={quote(value, safe=_UNRESERVED)}" for name, value in more.items())
    return f"{url}{'&' if '?' in url else '?'}{added}"


def _checked_text(argument: str, value: object, expected: str, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        raise InvalidType(argument, "a str", value)
    if shape.fullmatch(value) is None:
        raise InvalidArgument(argument, expected)
    return value


def _checked_headers(headers: Mapping[Any, Any] | None) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise InvalidType("headers", "a mapping", headers)
    seen: set[str] = set()
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise InvalidType("headers", "a mapping of str to str", headers)
        if _HEADER.fullmatch(name) is None or not value.replace("\t", " ").isprintable():
            raise InvalidArgument("headers", "names and values that HTTP can carry")
        if name.lower() in _OURS or name.lower() in seen:
            raise InvalidArgument("headers", "without those that signing writes, each name once")
        seen.add(name.lower())
    return dict(headers)


def _checked_body(body: object) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidType("body", "bytes", body)
    return bytes(body)
