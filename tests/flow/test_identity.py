"""The identity pool's calls and answers as values. F045"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    NotAuthorized,
    RemoteProtocolError,
    ResourceNotFound,
    Throttled,
)
from aiocognito.flow.calls import Reply
from aiocognito.flow.identity import (
    GUEST,
    Logins,
    asks_for_fresh_login,
    checked_identity_id,
    checked_login,
    checked_provider,
    credentials_call,
    identity_id_call,
    names_stale_identity,
    read_credentials,
    read_identity_id,
)

PROVIDER = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E"
IDENTITY_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
ANA = Logins(tokens={PROVIDER: Secret("canary-token")}, user=((PROVIDER, "ana"),))
GOOD: dict[str, Any] = {
    "AccessKeyId": "ASIA0000000000000001",
    "SecretKey": "canary-secret",
    "SessionToken": "canary-session",
    "Expiration": 1_700_574_875.82,  # the documented example's form
}


def answer(**credentials: Any) -> Reply:
    return Reply(body={"IdentityId": IDENTITY_ID, "Credentials": {**GOOD, **credentials}})


# --- calls -----------------------------------------------------------------------------


def test_a_user_s_calls_carry_the_login() -> None:
    ask = identity_id_call("eu-west-1:2f0c", ANA)
    assert (ask.service, ask.operation, ask.repeatable) == ("cognito-identity", "GetId", True)
    assert ask.parameters == {"IdentityPoolId": "eu-west-1:2f0c", "Logins": ANA.tokens}
    take = credentials_call(IDENTITY_ID, ANA)
    assert (take.operation, take.repeatable) == ("GetCredentialsForIdentity", True)
    assert take.parameters == {"IdentityId": IDENTITY_ID, "Logins": ANA.tokens}


def test_a_guest_s_calls_carry_none_and_making_one_is_not_repeatable() -> None:
    """F008"""
    ask = identity_id_call("eu-west-1:2f0c", GUEST)
    assert ask.parameters == {"IdentityPoolId": "eu-west-1:2f0c"}
    assert not ask.repeatable
    assert credentials_call(IDENTITY_ID, GUEST).parameters == {"IdentityId": IDENTITY_ID}


def test_no_call_shows_a_token() -> None:
    # threat 34
    assert "canary" not in repr(ANA) + repr(identity_id_call("eu-west-1:2f0c", ANA))


# --- answers ---------------------------------------------------------------------------


def test_credentials_are_read_with_their_time_in_utc() -> None:
    found = read_credentials(answer())
    assert found.access_key_id == "ASIA0000000000000001"
    assert found.secret_access_key == "canary-secret"
    assert found.session_token == "canary-session"
    assert found.expires_at == datetime(2023, 11, 21, 13, 54, 35, 820_000, tzinfo=UTC)
    assert found.identity_id == IDENTITY_ID


def test_a_parsed_instant_of_any_zone_is_read() -> None:
    cet = timezone(timedelta(hours=1))
    found = read_credentials(answer(Expiration=datetime(2030, 1, 1, 1, tzinfo=cet)))
    assert found.expires_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert found.expires_at.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        253_402_300_799.999_999,
    ],
    ids=["too-late", "too-early", "rounds-up"],
)
def test_a_year_that_python_does_not_have_is_refused(moment: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        read_credentials(answer(Expiration=moment))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "IdentityId", "Credentials"]), json_values),
    st.dictionaries(st.sampled_from([*GOOD]), json_values, min_size=1),
)
def test_whatever_arrives_is_read_or_refused(body: dict[str, Any], wrong: dict[str, Any]) -> None:
    # threats 40 and 41
    for reply in (Reply(body=body), answer(**wrong)):
        try:
            found = read_credentials(reply)
        except RemoteProtocolError:
            continue
        assert found.session_token.isascii()
        assert found.session_token.isprintable()
        assert " " not in found.session_token


@given(st.text(max_size=60) | st.none() | st.integers())
def test_an_identity_id_is_of_the_model_s_shape_or_refused(value: Any) -> None:
    try:
        found = read_identity_id(Reply(body={"IdentityId": value}))
    except RemoteProtocolError:
        return
    assert len(found) <= 55
    assert found.count(":") == 1


# --- what callers give --------------------------------------------------------------------


def test_what_a_caller_gives_is_checked() -> None:
    assert checked_provider(PROVIDER) == PROVIDER
    assert checked_login("token").reveal() == "token"
    assert checked_identity_id(IDENTITY_ID) == IDENTITY_ID
    for wrong_type in (lambda: checked_provider(7), lambda: checked_login(b"t")):
        with pytest.raises(InvalidType):
            wrong_type()
    with pytest.raises(InvalidType):
        checked_identity_id(None)
    for impossible in (
        lambda: checked_provider(""),
        lambda: checked_provider("a\nb"),
        lambda: checked_login(""),
        lambda: checked_identity_id("eu-west-1:" + "a" * 46),
    ):
        with pytest.raises(InvalidArgument):
            impossible()


def test_a_refused_login_is_not_quoted() -> None:
    # threat 34
    with pytest.raises(InvalidArgument) as caught:
        checked_login("canary" * 10_000)
    assert "canary" not in str(caught.value)


# --- refusals -----------------------------------------------------------------------------


def refusal(message: str) -> NotAuthorized:
    return NotAuthorized(
        message, code="NotAuthorizedException", operation="GetCredentialsForIdentity"
    )


@pytest.mark.parametrize(
    ("message", "fresh", "stale"),
    [
        ("Invalid login token. Token expired: 1727419245 >= 1727407607", True, False),
        ("Token is inactive", True, False),
        ("Logins don't match. Please include at least one valid login.", False, True),
        ("Access to Identity 'eu-west-1:2f0c' is forbidden.", False, True),
        ("Access to Identity '***' is forbidden.", False, True),
        ("Token is not from a supported provider of this identity pool.", False, False),
        ("Invalid login token. Couldn't verify signed token.", False, False),
        ("Invalid login token. Issuer doesn't match providerName", False, False),
        ("Unauthenticated access is not supported for this identity pool.", False, False),
    ],
    ids=["expired", "inactive", "no-match", "forbidden", "forbidden-blanked", "provider",
         "signature", "issuer", "no-guests"],
)  # fmt: skip
def test_what_a_refusal_means(message: str, fresh: bool, stale: bool) -> None:
    assert asks_for_fresh_login(refusal(message)) is fresh
    assert names_stale_identity(refusal(message)) is stale


def test_an_identity_that_is_gone_is_stale_and_others_errors_are_not() -> None:
    gone = ResourceNotFound("", code="ResourceNotFoundException", operation="GetId")
    assert names_stale_identity(gone)
    assert not asks_for_fresh_login(gone)
    busy = Throttled("Token is inactive", code="TooManyRequestsException", operation="GetId")
    assert not names_stale_identity(busy)
    assert not asks_for_fresh_login(busy)
