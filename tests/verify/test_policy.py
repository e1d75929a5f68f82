"""What signed claims must say. Threats 14 and 22."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    TokenClientMismatch,
    TokenExpired,
    TokenGroupMissing,
    TokenIssuerMismatch,
    TokenMalformed,
    TokenNotYetValid,
    TokenScopeMissing,
    TokenUseMismatch,
    TokenUserMismatch,
    TokenVerificationError,
)
from aiocognito.tokens.claims import Claims
from aiocognito.verify.policy import check_claims, check_same_sign_in, wanted
from tests.verify.forge import (
    CLIENT,
    HOUR,
    ISSUER,
    NEW_ISSUER,
    NOW,
    SUB,
    access_claims,
    id_claims,
)

DAY = 24 * HOUR


def check(members: dict[str, Any], **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "issuers": (ISSUER, NEW_ISSUER),
        "token_use": "id" if "aud" in members else "access",
        "client_ids": {CLIENT},
        "now": NOW + 60.0,
        "leeway": 0.0,
    }
    check_claims(Claims(members), **arguments | changes)


def refused(
    leaf: type[TokenVerificationError], members: dict[str, Any], **changes: Any
) -> TokenVerificationError:
    with pytest.raises(TokenVerificationError) as caught:
        check(members, **changes)
    assert type(caught.value) is leaf
    return caught.value


# F070
@pytest.mark.parametrize("members", [access_claims(), id_claims()], ids=["access", "id"])
@pytest.mark.parametrize("issuer", [ISSUER, NEW_ISSUER])
def test_good_claims_pass(members: dict[str, Any], issuer: str) -> None:
    check(members | {"iss": issuer})
    check(members, username="ana", sub=SUB, groups="staff")
    check(members, client_ids=None)


# --- issuer, kind, client: threat 14 ------------------------------------------------


# threat 14
@pytest.mark.parametrize(
    "issuer",
    [
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_OtherPool",
        ISSUER + "/",
        ISSUER.upper(),
        ISSUER.replace("https", "http"),
        "",
        None,
        7,
        [ISSUER],
        {"iss": ISSUER},
    ],
)
def test_another_issuer_is_refused(issuer: Any) -> None:
    error = refused(TokenIssuerMismatch, access_claims() | {"iss": issuer})
    assert error.claim == "iss"
    assert error.expected == (ISSUER, NEW_ISSUER)


# threat 14
@pytest.mark.parametrize("use", ["id", "ACCESS", "refresh", "", None, 7, ["access"]])
def test_another_kind_than_access_is_refused(use: Any) -> None:
    error = refused(TokenUseMismatch, access_claims() | {"token_use": use}, token_use="access")
    assert (error.claim, error.expected) == ("token_use", "access")


# threat 14
def test_an_access_token_is_not_an_id_token() -> None:
    refused(TokenUseMismatch, access_claims(), token_use="id")


# threat 14
@pytest.mark.parametrize("client", ["other", "", None, 7, [CLIENT], CLIENT.upper()])
@pytest.mark.parametrize("accepted", [{CLIENT}, {CLIENT, "second"}])
def test_another_client_is_refused(client: Any, accepted: set[str]) -> None:
    for members, claim in ((access_claims(), "client_id"), (id_claims(), "aud")):
        error = refused(TokenClientMismatch, members | {claim: client}, client_ids=accepted)
        assert error.claim == claim
        assert error.expected == tuple(sorted(accepted))


# threat 14; FEATURES F070, the trap: an access token has no audience of ours
def test_each_kind_names_its_client_in_its_own_claim() -> None:
    check(access_claims(aud="https://orders.example.com"), token_use="access")
    refused(TokenClientMismatch, access_claims(aud=CLIENT, client_id="other"), token_use="access")
    refused(TokenClientMismatch, id_claims(aud="other", client_id=CLIENT))


def test_any_client_is_still_a_client() -> None:
    error = refused(TokenClientMismatch, access_claims(client_id=None), client_ids=None)
    assert error.expected is None


# --- user: threat 14 -----------------------------------------------------------------


# threat 14
@pytest.mark.parametrize("sub", [None, "", 7, [SUB]])
def test_a_token_without_a_user_is_malformed(sub: Any) -> None:
    assert refused(TokenMalformed, access_claims() | {"sub": sub}).claim == "sub"


# threat 14
def test_another_user_is_refused() -> None:
    for members in (access_claims(), id_claims()):
        assert refused(TokenUserMismatch, members, sub="somebody-else").claim == "sub"
        assert refused(TokenUserMismatch, members, sub="").claim == "sub"
    assert refused(TokenUserMismatch, access_claims(), username="eve").claim == "username"
    assert refused(TokenUserMismatch, access_claims(), username="Ana").claim == "username"
    assert refused(TokenUserMismatch, id_claims(), username="eve").claim == "cognito:username"
    # A claim that a trigger may add to an ID token does not stand in for the true one.
    refused(TokenUserMismatch, id_claims(username="eve"), username="eve")


def test_a_machine_has_no_user_name_and_passes_unless_one_is_wanted() -> None:
    machine = access_claims(username=None, sub=CLIENT)
    check(machine, sub=CLIENT)
    assert refused(TokenUserMismatch, machine, username="ana").actual is None


# --- time: threat 22 -----------------------------------------------------------------


# threat 22
@pytest.mark.parametrize(
    ("late", "leeway", "passes"),
    [
        (-1, 0, True),
        (-0.001, 0, True),
        (0, 0, False),
        (59, 60, True),
        (60, 60, False),
        (600, 60, False),
        (DAY, 60, False),
    ],
)
def test_a_token_ends_at_exp_and_leeway(late: float, leeway: float, passes: bool) -> None:
    now = NOW + HOUR + late
    if passes:
        check(access_claims(), now=now, leeway=leeway)
    else:
        error = refused(TokenExpired, access_claims(), now=now, leeway=leeway)
        assert (error.claim, error.expected, error.actual) == ("exp", now, NOW + HOUR)


# threat 22
@pytest.mark.parametrize(
    ("early", "leeway", "passes"),
    [(0, 0, True), (1, 0, False), (60, 60, True), (61, 60, False), (DAY, 60, False)],
)
def test_a_token_begins_at_nbf_less_leeway(early: float, leeway: float, passes: bool) -> None:
    members = access_claims(nbf=NOW + 100)
    now = NOW + 100 - early
    if passes:
        check(members, now=now, leeway=leeway)
    else:
        assert refused(TokenNotYetValid, members, now=now, leeway=leeway).actual == NOW + 100


# threat 22
@pytest.mark.parametrize("iat", [NOW + 600, NOW + DAY, NOW - DAY, 0, -1, "yesterday", None, []])
def test_iat_never_refuses_a_token(iat: Any) -> None:
    check(access_claims() | {"iat": iat})


def test_times_may_have_fractions() -> None:
    check(access_claims(exp=NOW + 60.5, nbf=NOW + 59.5), now=NOW + 60.0)


@pytest.mark.parametrize(
    "value",
    [True, None, "1700003600", [NOW], {}, -1, -0.5, 1e300, 10**400, 253_402_300_800, float("nan")],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("claim", ["exp", "nbf"])
def test_a_time_that_is_no_time_is_malformed(claim: str, value: Any) -> None:
    error = refused(TokenMalformed, access_claims() | {claim: value})
    assert error.claim == claim
    assert len(repr(error.actual)) < 90


def test_a_token_without_an_end_is_malformed() -> None:
    assert refused(TokenMalformed, access_claims(exp=None)).claim == "exp"


def test_the_last_second_of_9999_is_a_time() -> None:
    check(access_claims(exp=253_402_300_799))


def test_what_cannot_change_is_told_before_what_can() -> None:
    """So that a caller who refreshes on TokenExpired does not do so in vain."""
    late: dict[str, Any] = {"now": NOW + DAY}
    refused(TokenIssuerMismatch, access_claims(iss="other"), **late)
    refused(TokenUseMismatch, access_claims(), token_use="id", **late)
    refused(TokenClientMismatch, access_claims(client_id="other"), **late)
    refused(TokenUserMismatch, access_claims(), username="eve", **late)


# --- scopes and groups ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("orders/read", None),
        ("orders/read aws.cognito.signin.user.admin", None),
        (["orders/read"], None),
        (frozenset({"orders/read", "aws.cognito.signin.user.admin"}), None),
        ("orders/write", ("orders/write",)),
        ("orders/read orders/write", ("orders/write",)),
        (("b", "orders/read", "a"), ("a", "b")),
        ("orders", ("orders",)),
        ("ORDERS/READ", ("ORDERS/READ",)),
    ],
)
def test_all_scopes_must_be_granted(scope: Any, missing: tuple[str, ...] | None) -> None:
    if missing is None:
        check(access_claims(), scope=scope)
    else:
        assert refused(TokenScopeMissing, access_claims(), scope=scope).expected == missing


@pytest.mark.parametrize("granted", [None, "", 7, ["orders/read"]])
def test_scopes_are_a_text_or_nothing(granted: Any) -> None:
    refused(TokenScopeMissing, access_claims() | {"scope": granted}, scope="orders/read")


@pytest.mark.parametrize(
    ("groups", "passes"),
    [
        ("admins", True),
        (["nobody", "staff"], True),
        ({"admins", "staff"}, True),
        ("nobody", False),
        ("admins staff", False),
        (["Admins"], False),
    ],
)
def test_one_group_of_several_is_enough(groups: Any, passes: bool) -> None:
    if passes:
        check(access_claims(), groups=groups)
    else:
        error = refused(TokenGroupMissing, access_claims(), groups=groups)
        assert error.actual == ("admins", "staff")


@pytest.mark.parametrize("groups", [None, "admins", 7, {"admins": 1}, [["admins"]]])
def test_groups_are_an_array_of_texts_or_nothing(groups: Any) -> None:
    refused(TokenGroupMissing, access_claims() | {"cognito:groups": groups}, groups="admins")


@pytest.mark.parametrize("argument", ["scope", "groups"])
@pytest.mark.parametrize("empty", ["", [], frozenset(), [""]])
def test_an_empty_wish_is_a_mistake_and_not_no_wish(argument: str, empty: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check(access_claims(), **{argument: empty})
    assert caught.value.argument == argument


@pytest.mark.parametrize("argument", ["scope", "groups"])
@pytest.mark.parametrize("wrong", [7, b"orders/read", ["a", None], iter(["a"])])
def test_a_wish_is_text_or_a_collection_of_it(argument: str, wrong: Any) -> None:
    with pytest.raises(InvalidType):
        check(access_claims(), **{argument: wrong})


def test_names_of_scopes_have_no_blanks_and_names_of_groups_may() -> None:
    assert wanted("scope", " a  b ") == {"a", "b"}
    assert wanted("groups", "night shift") == {"night shift"}


# --- two tokens -------------------------------------------------------------------------


def test_tokens_of_one_sign_in_belong_together() -> None:
    check_same_sign_in(Claims(access_claims()), Claims(id_claims()))
    check_same_sign_in(Claims(access_claims(origin_jti=None)), Claims(id_claims(origin_jti=None)))
    check_same_sign_in(Claims(access_claims()), Claims(id_claims(origin_jti=None)))


# threat 14
@pytest.mark.parametrize(
    ("claim", "value", "leaf"),
    [
        ("aud", "other", TokenClientMismatch),
        ("sub", "somebody-else", TokenUserMismatch),
        ("cognito:username", "eve", TokenUserMismatch),
        ("cognito:username", None, TokenUserMismatch),
        ("origin_jti", "99999999-0000-0000-0000-000000000000", TokenUserMismatch),
    ],
)
def test_tokens_that_do_not_belong_together_are_refused(
    claim: str, value: str | None, leaf: type[TokenVerificationError]
) -> None:
    with pytest.raises(leaf) as caught:
        check_same_sign_in(Claims(access_claims()), Claims(id_claims(**{claim: value})))
    assert (caught.value.claim, caught.value.actual) == (claim, value)
