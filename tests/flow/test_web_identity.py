"""The basic flow's calls and answers as values. F080"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import NotAuthorized, RemoteProtocolError, RoleNotAssumed
from aiocognito.flow.aws_flows import BasicFlow
from aiocognito.flow.calls import Reply
from aiocognito.flow.identity import GUEST, Logins, OpenIdToken, asks_for_fresh_login, unlink_call
from aiocognito.flow.web_identity import (
    assume_role_call,
    openid_has_expired,
    openid_token_call,
    read_assumed_role,
    read_openid_token,
)

ROLE = "arn:aws:iam::123456789012:role/reader"
PROVIDER = "accounts.google.com"
IDENTITY_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
ANA = Logins(tokens={PROVIDER: Secret("canary-token")}, user=((PROVIDER, "ana"),))
OPENID = OpenIdToken(identity_id=IDENTITY_ID, token="canary-openid")
GOOD: dict[str, Any] = {
    "AccessKeyId": "ASIA0000000000000001",
    "SecretAccessKey": "canary-secret",
    "SessionToken": "canary-session",
    "Expiration": datetime(2030, 1, 1, tzinfo=UTC),
}


def answer(**credentials: Any) -> Reply:
    return Reply(body={"Credentials": {**GOOD, **credentials}})


def test_an_openid_token_is_asked_for_with_the_logins() -> None:
    call = openid_token_call(IDENTITY_ID, ANA)
    assert (call.service, call.operation) == ("cognito-identity", "GetOpenIdToken")
    assert call.parameters == {"IdentityId": IDENTITY_ID, "Logins": ANA.tokens}
    assert call.repeatable
    assert not call.signed
    assert openid_token_call(IDENTITY_ID, GUEST).parameters == {"IdentityId": IDENTITY_ID}


def test_a_role_is_asked_for_with_the_token_alone() -> None:
    call = assume_role_call(OPENID, BasicFlow(ROLE))
    assert (call.service, call.operation) == ("sts", "AssumeRoleWithWebIdentity")
    assert call.parameters == {
        "RoleArn": ROLE,
        "RoleSessionName": IDENTITY_ID.replace(":", "_"),
        "WebIdentityToken": Secret("canary-openid"),
        "DurationSeconds": 3600,
    }
    assert call.repeatable
    assert not call.signed


def test_what_narrows_a_role_goes_along() -> None:
    flow = BasicFlow(
        ROLE, duration=900, session_name="worker-7", policy='{"Statement":[]}', policy_arns=[ROLE]
    )
    assert assume_role_call(OPENID, flow).parameters == {
        "RoleArn": ROLE,
        "RoleSessionName": "worker-7",
        "WebIdentityToken": Secret("canary-openid"),
        "DurationSeconds": 900,
        "Policy": '{"Statement":[]}',
        "PolicyArns": [{"arn": ROLE}],
    }


def test_no_value_shows_a_token() -> None:
    # threat 34
    calls = (openid_token_call(IDENTITY_ID, ANA), assume_role_call(OPENID, BasicFlow(ROLE)))
    logins = Logins(tokens=ANA.tokens, user=ANA.user, openid=OPENID)
    assert "canary" not in repr(calls) + repr(OPENID) + repr(logins)
    assert OPENID.token == "canary-openid"


def test_unlinking_names_providers() -> None:
    call = unlink_call(IDENTITY_ID, ANA, [PROVIDER])
    assert call.operation == "UnlinkIdentity"
    assert call.parameters == {
        "IdentityId": IDENTITY_ID,
        "Logins": ANA.tokens,
        "LoginsToRemove": [PROVIDER],
    }


def test_an_openid_token_is_read_with_its_identity() -> None:
    read = read_openid_token(Reply(body={"IdentityId": IDENTITY_ID, "Token": "a.b.c"}))
    assert (read.identity_id, read.token) == (IDENTITY_ID, "a.b.c")


def test_credentials_of_a_role_are_read() -> None:
    found = read_assumed_role(answer(), IDENTITY_ID)
    assert found.access_key_id == "ASIA0000000000000001"
    assert found.secret_access_key == "canary-secret"
    assert found.session_token == "canary-session"
    assert found.expires_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert found.identity_id == IDENTITY_ID


@pytest.mark.parametrize("body", [{}, {"Credentials": None}, {"Credentials": "x"}])
def test_an_answer_without_credentials_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_assumed_role(Reply(body=body), IDENTITY_ID)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*GOOD]), json_values, min_size=1),
    st.dictionaries(st.sampled_from(["IdentityId", "Token"]), json_values),
)
def test_whatever_arrives_is_read_or_refused(wrong: dict[str, Any], openid: dict[str, Any]) -> None:
    # threats 40 and 41: credentials go into headers, so nothing else than they gets through.
    try:
        found = read_assumed_role(answer(**wrong), IDENTITY_ID)
    except RemoteProtocolError:
        pass
    else:
        assert found.session_token.isascii()
        assert " " not in found.session_token
    try:
        token = read_openid_token(Reply(body=openid)).token
    except RemoteProtocolError:
        return
    assert token.isascii()


def refusal(code: str, kind: type[Any] = RoleNotAssumed) -> Any:
    return kind("", code=code, operation="AssumeRoleWithWebIdentity")


def test_what_a_refusal_of_sts_asks_for() -> None:
    for code in ("ExpiredToken", "ExpiredTokenException"):
        assert openid_has_expired(refusal(code))
        assert not asks_for_fresh_login(refusal(code))
    assert asks_for_fresh_login(refusal("InvalidIdentityToken"))
    assert not openid_has_expired(refusal("InvalidIdentityToken"))
    for code in ("AccessDenied", "IDPRejectedClaim", "PackedPolicyTooLarge"):
        assert not openid_has_expired(refusal(code))
        assert not asks_for_fresh_login(refusal(code))
    assert not openid_has_expired(refusal("ExpiredTokenException", NotAuthorized))
