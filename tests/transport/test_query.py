"""STS's dialect: what goes out is botocore's, and what comes in is bounded plain XML."""

from __future__ import annotations

import logging
from typing import Any

import anyio.to_thread
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from aiocognito import errors
from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, RemoteProtocolError, ServiceError
from aiocognito.flow.calls import Call
from aiocognito.transport._exchange import Unreadable
from aiocognito.transport._query import require_xml
from aiocognito.transport.base import HttpReply, revealed
from aiocognito.transport.botocore import BotocoreTransport
from tests.transport import fake_server as fake
from tests.transport.fake_server import FakeServer

ROLE = "arn:aws:iam::123456789012:role/reader"
CALL = Call(
    service="sts",
    operation="AssumeRoleWithWebIdentity",
    parameters={
        "RoleArn": ROLE,
        "RoleSessionName": "eu-west-1_uuid",
        "WebIdentityToken": Secret("canary.open-id.token"),
        "DurationSeconds": 900,
        "Policy": '{"Statement": ["&=+ %é"]}',
        "PolicyArns": [{"arn": ROLE}, {"arn": f"{ROLE}2"}],
    },
    repeatable=True,
)
NS = "https://sts.amazonaws.com/doc/2011-06-15/"
GOOD = (
    f'<AssumeRoleWithWebIdentityResponse xmlns="{NS}"><AssumeRoleWithWebIdentityResult>'
    "<Credentials><AccessKeyId>ASIA0000000000000001</AccessKeyId>"
    "<SecretAccessKey>canary-secret</SecretAccessKey><SessionToken>canary-session</SessionToken>"
    "<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>"
    "<Audience>a</Audience></AssumeRoleWithWebIdentityResult>"
    "<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
    "</AssumeRoleWithWebIdentityResponse>"
).encode()


def error_xml(code: str, message: str = "text") -> bytes:
    return (
        f'<ErrorResponse xmlns="{NS}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>request-2</RequestId></ErrorResponse>"
    ).encode()


def xml_answer(body: bytes, status: int = 200) -> Any:
    return fake.answer(body, status=status, content_type="text/xml")


def reply(body: bytes, status: int = 200) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "text/xml"}, body=body)


async def sent(act: Any) -> Any:
    with FakeServer(act) as server:
        transport = BotocoreTransport("eu-west-1", service="sts", endpoint_url=server.url)
        try:
            return await transport.send(CALL), server
        finally:
            await transport.aclose()


async def test_calls_and_answers_are_those_of_botocores_client() -> None:
    def ask(url: str) -> Any:
        client = botocore.session.Session().create_client(
            "sts",
            region_name="eu-west-1",
            endpoint_url=url,
            config=Config(signature_version=UNSIGNED, proxies={}),
        )
        read = client.assume_role_with_web_identity(**revealed(CALL.parameters))
        del read["ResponseMetadata"]
        return read

    with FakeServer(xml_answer(GOOD)) as server:
        transport = BotocoreTransport("eu-west-1", service="sts", endpoint_url=server.url)
        ours = await transport.send(CALL)
        await transport.aclose()
        assert ours.body == await anyio.to_thread.run_sync(ask, server.url)
    first, second = server.requests
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert first.headers["content-type"] == second.headers["content-type"]
    assert "authorization" not in first.headers


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, errors.RoleNotAssumed),
        ("ExpiredTokenException", 400, errors.RoleNotAssumed),
        ("ExpiredToken", 400, errors.RoleNotAssumed),
        ("InvalidIdentityToken", 400, errors.RoleNotAssumed),
        ("IDPRejectedClaim", 403, errors.RoleNotAssumed),
        ("IDPCommunicationError", 400, errors.ExternalService),
        ("MalformedPolicyDocument", 400, errors.RoleNotAssumed),
        ("PackedPolicyTooLarge", 400, errors.RoleNotAssumed),
        ("RegionDisabledException", 403, errors.RoleNotAssumed),
        ("ValidationError", 400, errors.InvalidParameter),
        ("Throttling", 400, errors.Throttled),
        ("InternalFailure", 500, errors.InternalError),
        ("NeverHeardOf", 400, ServiceError),
    ],
)  # fmt: skip
async def test_each_refusal_of_sts_has_its_class(
    code: str, status: int, kind: type[ServiceError]
) -> None:
    with pytest.raises(ServiceError) as caught:
        await sent(xml_answer(error_xml(code, "the token canary.open-id.token"), status))
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.request_id == "request-2"
    assert "canary" not in str(caught.value), "what was sent is blanked out"  # threat 34


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in to this network</body></html>",
        b'{"Credentials": {}}',
        GOOD[: len(GOOD) // 2],
        GOOD.replace(b"Response", b"Answer"),
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + GOOD,
        b"<!DOCTYPE AssumeRoleWithWebIdentityResponse>" + GOOD,
        b'<?xml version="1.0" encoding="utf-16"?>'.decode().encode("utf-16") + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD.replace(b"canary-secret", b"&unknown;"),
        GOOD.replace(b"<Audience>a</Audience>", b"<a>" * 20 + b"</a>" * 20),
        GOOD.replace(b"<Audience>a</Audience>", b"<a/>" * 300),
        GOOD.replace(b"canary-secret", b"\xff"),
    ],
    ids=[
        "nothing",
        "portal",
        "json",
        "half",
        "other-answer",
        "entity",
        "doctype",
        "mixed",
        "utf-16",
        "unknown-entity",
        "deep",
        "many",
        "bad-utf-8",
    ],
)
async def test_what_sts_never_writes_is_refused_unread(body: bytes) -> None:
    # threats 40 and 41
    with pytest.raises(RemoteProtocolError) as caught:
        await sent(xml_answer(body))
    assert "canary" not in str(caught.value)


def test_an_entity_is_never_expanded() -> None:
    """A billion laughs: refused at the declaration, before anything grows."""
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lines}]><x>&l9;</x>'.encode()
    with pytest.raises(Unreadable):
        require_xml(reply(bomb), CALL)
    with pytest.raises(RemoteProtocolError):
        require_xml(reply(bomb, 400), CALL)


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace(b"AssumeRoleWithWebIdentityResult", b"Nothing"),
        GOOD.replace(b"<Expiration>", b"<Expiration>never "),
    ],
    ids=["no-result", "no-date"],
)
async def test_xml_of_another_shape_is_refused_without_quoting_it(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    # threat 34: botocore's own error quotes the whole answer.
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RemoteProtocolError) as caught:
        await sent(xml_answer(body))
    assert "canary" not in str(caught.value)
    assert "canary" not in caplog.text


async def test_nothing_of_an_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    # threat 34
    caplog.set_level(logging.DEBUG)
    answered, _ = await sent(xml_answer(GOOD))
    assert answered.body["Credentials"]["SecretAccessKey"] == "canary-secret"
    assert "canary" not in caplog.text


text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
tags = st.sampled_from(
    ["AssumeRoleWithWebIdentityResponse", "ErrorResponse", "Error", "Code", "Message", "x"]
)
trees = st.recursive(
    text.map(lambda t: t.replace("&", "").replace("<", "")),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", tags, st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | trees.map(str.encode), st.sampled_from([200, 400, 403, 500]))
def test_whatever_arrives_passes_or_is_refused_as_ours(body: bytes, status: int) -> None:
    # threats 40 and 41
    try:
        require_xml(reply(body, status), CALL)
    except (CognitoError, Unreadable):
        return
    assert status == 200
    assert b"AssumeRoleWithWebIdentityResponse" in body


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://sts.eu-west-1.amazonaws.com/"),
        ("us-east-1", "https://sts.us-east-1.amazonaws.com/"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
        ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu/"),
    ],
)
async def test_sts_is_asked_in_the_pools_region(region: str, url: str) -> None:
    transport = BotocoreTransport(region, service="sts")
    api = await transport._api.get()
    assert api.url == url
