"""The signed operations of a local identity pool, held against the service model. F080"""

from __future__ import annotations

from typing import Any

import botocore.loaders
import botocore.model
import pytest

from aiocognito.testing import PoolError
from aiocognito.testing.backend import Backend
from aiocognito.testing.constraints import Number, Text
from aiocognito.testing.developer_operations import SIGNED_OPERATIONS
from aiocognito.testing.signing import unverified_claims
from tests.testing.test_identity_pool import IDENTITY_POOL_ID, World, assert_fits_model

PROVIDER = "login.example"


@pytest.fixture
def world() -> World:
    return World(developer_provider=PROVIDER, classic_flow=True)


def ask(world: World, operation: str, **members: Any) -> dict[str, Any]:
    answer = world.pool.handle(operation, {"IdentityPoolId": IDENTITY_POOL_ID, **members})
    if answer:
        assert_fits_model(operation, answer)
    return answer


def token(world: World, user: str, **members: Any) -> dict[str, Any]:
    return ask(world, "GetOpenIdTokenForDeveloperIdentity", Logins={PROVIDER: user}, **members)


def refused(world: World, operation: str, **members: Any) -> str:
    with pytest.raises(PoolError) as caught:
        ask(world, operation, **members)
    return caught.value.code


# --- against the model ------------------------------------------------------------------


def model() -> Any:
    description = botocore.loaders.Loader().load_service_model("cognito-identity", "service-2")
    return botocore.model.ServiceModel(description, "cognito-identity")


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS)
def test_the_table_of_members_is_the_models(operation: str) -> None:
    shape = model().operation_model(operation).input_shape
    table = SIGNED_OPERATIONS[operation]
    assert set(table) == set(shape.members)
    for name, rule in table.items():
        member = shape.members[name]
        assert rule.required == (name in shape.required_members), name
        if isinstance(rule, Text | Number):
            assert rule.min == member.metadata.get("min"), name
            assert rule.max == member.metadata.get("max"), name
        if isinstance(rule, Text):
            assert rule.pattern == member.metadata.get("pattern"), name


def test_they_are_signed_and_the_users_operations_are_not() -> None:
    for operation in SIGNED_OPERATIONS:
        assert model().operation_model(operation).auth_type != "none"
    for operation in ("GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "UnlinkIdentity"):
        assert model().operation_model(operation).auth_type == "none"


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS)
def test_without_a_signature_nothing_is_answered(world: World, operation: str) -> None:
    backend = Backend(clock=world.clock)
    backend.identity_pool = world.pool
    with pytest.raises(PoolError) as caught:
        backend.handle("cognito-identity", operation, {}, signed=False)
    assert caught.value.code == "MissingAuthenticationTokenException"


# --- tokens -----------------------------------------------------------------------------


def test_a_user_has_one_identity_and_a_token_of_it(world: World) -> None:
    first, second = token(world, "ana"), token(world, "ana", TokenDuration=60)
    assert first["IdentityId"] == second["IdentityId"] != token(world, "bea")["IdentityId"]
    for answer, lifetime in ((first, 900), (second, 60)):
        claims = unverified_claims(answer["Token"])
        assert claims["exp"] - claims["iat"] == lifetime
        assert claims["sub"] == answer["IdentityId"]
        assert claims["amr"] == ["authenticated", PROVIDER]


def test_the_token_is_a_login_and_brings_its_tags(world: World) -> None:
    answer = token(world, "ana", PrincipalTags={"team": "red"})
    logins = {"cognito-identity.amazonaws.com": answer["Token"]}
    credentials = world.credentials(answer["IdentityId"], logins)["Credentials"]
    issued = world.pool.lookup(credentials["AccessKeyId"])
    assert issued is not None
    assert issued.tags == {"team": "red"}


def test_an_expired_or_forged_token_is_no_login(world: World) -> None:
    answer = token(world, "ana", TokenDuration=10)
    logins = {"cognito-identity.amazonaws.com": answer["Token"]}
    forged = {"cognito-identity.amazonaws.com": answer["Token"][:-4] + "AAAA"}
    for given, text in ((forged, "Couldn't verify"), (logins, "Token expired")):
        if given is logins:
            world.clock.advance(10)
        with pytest.raises(PoolError, match=text):
            world.credentials(answer["IdentityId"], given)


def test_a_guests_own_token_makes_nobody_a_user(world: World) -> None:
    guest = world.get_id()
    answer = world.pool.handle("GetOpenIdToken", {"IdentityId": guest})
    logins = {"cognito-identity.amazonaws.com": answer["Token"]}
    with pytest.raises(PoolError, match="Invalid login token"):
        world.credentials(guest, logins)
    with pytest.raises(PoolError, match="Invalid login token"):
        world.get_id(logins)
    assert world.credentials(guest)["IdentityId"] == guest, "it is a guest still"


def test_a_guest_becomes_the_user_and_then_is_merged_no_more(world: World) -> None:
    guest = world.get_id()
    assert token(world, "ana", IdentityId=guest)["IdentityId"] == guest
    other = world.get_id()
    assert token(world, "ana", IdentityId=other)["IdentityId"] == guest, "the guest is merged"
    theirs = token(world, "bea")["IdentityId"]
    code = refused(
        world,
        "GetOpenIdTokenForDeveloperIdentity",
        Logins={PROVIDER: "ana"},
        IdentityId=theirs,
    )
    assert code == "DeveloperUserAlreadyRegisteredException"


@pytest.mark.parametrize(
    "members",
    [
        {"Logins": {"another": "ana"}},
        {"Logins": {}},
        {"Logins": {PROVIDER: "ana"}, "TokenDuration": 86_401},
        {"Logins": {PROVIDER: "ana"}, "PrincipalTags": {str(n): "x" for n in range(51)}},
    ],
    ids=["provider", "none", "long", "tags"],
)
def test_what_is_refused_of_a_token_request(world: World, members: dict[str, Any]) -> None:
    operation = "GetOpenIdTokenForDeveloperIdentity"
    assert refused(world, operation, **members) == "InvalidParameterException"


def test_another_pool_is_not_found(world: World) -> None:
    code = refused(world, "LookupDeveloperIdentity", IdentityPoolId=IDENTITY_POOL_ID[:-1] + "9")
    assert code == "ResourceNotFoundException"


# --- looking up, merging, unlinking ---------------------------------------------------------


def test_looking_up_by_either_side(world: World) -> None:
    ana = token(world, "ana")["IdentityId"]
    bea = token(world, "bea")["IdentityId"]
    assert ask(world, "LookupDeveloperIdentity", DeveloperUserIdentifier="ana") == {
        "IdentityId": ana,
        "DeveloperUserIdentifierList": ["ana"],
    }
    assert ask(world, "LookupDeveloperIdentity", IdentityId=ana)["IdentityId"] == ana
    operation = "LookupDeveloperIdentity"
    both = {"IdentityId": bea, "DeveloperUserIdentifier": "ana"}
    assert refused(world, operation, **both) == "ResourceConflictException"
    assert refused(world, operation, DeveloperUserIdentifier="x") == "ResourceNotFoundException"
    assert refused(world, operation) == "InvalidParameterException"


def test_merging_moves_the_users(world: World) -> None:
    ana, bea = (token(world, name)["IdentityId"] for name in ("ana", "bea"))
    merge = {"DeveloperProviderName": PROVIDER, "SourceUserIdentifier": "bea"}
    asked = {**merge, "DestinationUserIdentifier": "ana"}
    assert ask(world, "MergeDeveloperIdentities", **asked) == {"IdentityId": ana}
    assert ask(world, "MergeDeveloperIdentities", **asked) == {"IdentityId": ana}
    assert token(world, "bea")["IdentityId"] == ana != bea
    asked = {**merge, "DestinationUserIdentifier": "nobody"}
    assert refused(world, "MergeDeveloperIdentities", **asked) == "ResourceNotFoundException"
    asked = {**asked, "DeveloperProviderName": "another"}
    assert refused(world, "MergeDeveloperIdentities", **asked) == "ResourceNotFoundException"


def test_unlinking_frees_the_user(world: World) -> None:
    ana = token(world, "ana")["IdentityId"]
    asked = {"IdentityId": ana, "DeveloperProviderName": PROVIDER, "DeveloperUserIdentifier": "ana"}
    assert ask(world, "UnlinkDeveloperIdentity", **asked) == {}
    assert refused(world, "UnlinkDeveloperIdentity", **asked) == "ResourceNotFoundException"
    assert token(world, "ana")["IdentityId"] != ana


def test_an_identity_without_its_last_user_opens_for_nobody(world: World) -> None:
    answer = token(world, "ana")
    ana, logins = answer["IdentityId"], {"cognito-identity.amazonaws.com": answer["Token"]}
    asked = {"IdentityId": ana, "DeveloperProviderName": PROVIDER, "DeveloperUserIdentifier": "ana"}
    ask(world, "UnlinkDeveloperIdentity", **asked)
    for given in (None, logins):
        with pytest.raises(PoolError, match="is forbidden"):
            world.credentials(ana, given)


def test_a_page_that_nobody_began_is_refused(world: World) -> None:
    asked = {"IdentityId": token(world, "ana")["IdentityId"], "NextToken": "x"}
    assert refused(world, "LookupDeveloperIdentity", **asked) == "InvalidParameterException"


# --- tags -----------------------------------------------------------------------------------


def test_a_tag_map_is_kept_by_provider(world: World) -> None:
    name = {"IdentityProviderName": "accounts.google.com"}
    assert refused(world, "GetPrincipalTagAttributeMap", **name) == "ResourceNotFoundException"
    ask(world, "SetPrincipalTagAttributeMap", **name, PrincipalTags={"domain": "hd"})
    answer = ask(world, "GetPrincipalTagAttributeMap", **name)
    assert (answer["UseDefaults"], answer["PrincipalTags"]) == (False, {"domain": "hd"})
    tags = {str(n): "x" for n in range(51)}
    code = refused(world, "SetPrincipalTagAttributeMap", **name, PrincipalTags=tags)
    assert code == "InvalidParameterException"


def test_an_unknown_operation_is_none_of_these(world: World) -> None:
    with pytest.raises(PoolError):
        world.pool._developer.handle("DeleteIdentities", {})
