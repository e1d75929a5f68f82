"""The identity pool's core: who an identity belongs to, and who gets credentials.

The error texts are those of COGNITO's answers as others have recorded them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from aiocognito.testing.clock import ManualClock
from aiocognito.testing.identity_pool import LocalIdentityPool
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.signing import keys_of, unverified_claims
from aiocognito.testing.user_pool import LocalUserPool

POOL_ID = "eu-west-1_Local0001"
OTHER_POOL_ID = "eu-west-1_Local0002"
IDENTITY_POOL_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
PROVIDER = f"cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}"
FLOWS = ("ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


class World:
    """One user pool with one client and two users, and an identity pool that trusts it."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.users = LocalUserPool(POOL_ID, clock=self.clock)
        self.client = self.users.add_client(explicit_auth_flows=FLOWS)
        self.users.add_user("ana", "Passw0rd!")
        self.users.add_user("bea", "Passw0rd!")
        self.pool = LocalIdentityPool(IDENTITY_POOL_ID, clock=self.clock, **options)
        self.pool.trust(self.users, self.client.client_id)

    def tokens(self, username: str, pool: LocalUserPool | None = None) -> Mapping[str, str]:
        pool = pool or self.users
        client_id = self.client.client_id
        answer = pool.handle(
            "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": client_id,
                "AuthParameters": {"USERNAME": username, "PASSWORD": "Passw0rd!"},
            },
        )
        result: Mapping[str, str] = answer["AuthenticationResult"]
        return result

    def login(self, username: str) -> dict[str, str]:
        return {PROVIDER: self.tokens(username)["IdToken"]}

    def forged(self, **changes: Any) -> dict[str, str]:
        """A login of ana's whose token this pool signed with other claims."""
        claims = unverified_claims(self.tokens("ana")["IdToken"]) | changes
        return {PROVIDER: keys_of(POOL_ID).id.sign(claims)}

    def get_id(self, logins: Mapping[str, str] | None = None) -> str:
        parameters: dict[str, Any] = {"IdentityPoolId": IDENTITY_POOL_ID}
        if logins is not None:
            parameters["Logins"] = logins
        answer = self.pool.handle("GetId", parameters)
        assert_fits_model("GetId", answer)
        return str(answer["IdentityId"])

    def credentials(
        self, identity_id: str, logins: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        parameters = {"IdentityId": identity_id, **more}
        if logins is not None:
            parameters["Logins"] = logins
        answer = self.pool.handle("GetCredentialsForIdentity", parameters)
        assert_fits_model("GetCredentialsForIdentity", answer)
        return answer


def assert_fits_model(operation: str, answer: Mapping[str, Any]) -> None:
    description = botocore.loaders.Loader().load_service_model("cognito-identity", "service-2")
    model = botocore.model.ServiceModel(description, "cognito-identity")
    shape = model.operation_model(operation).output_shape
    assert set(answer) <= set(shape.members)
    report = botocore.validate.ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.fixture
def world() -> World:
    return World()


def refused(
    world: World,
    operation: str,
    parameters: Mapping[str, Any],
    code: str = "NotAuthorizedException",
) -> str:
    with pytest.raises(PoolError) as caught:
        world.pool.handle(operation, parameters)
    assert (caught.value.code, caught.value.status) == (code, 400)
    return caught.value.message


def refused_id(world: World, logins: Mapping[str, str]) -> str:
    return refused(world, "GetId", {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": logins})


def refused_credentials(
    world: World, identity_id: str, logins: Mapping[str, str] | None = None, **more: Any
) -> str:
    parameters = {"IdentityId": identity_id, **more} | ({"Logins": logins} if logins else {})
    return refused(world, "GetCredentialsForIdentity", parameters)


# --- identities ---------------------------------------------------------------


def test_each_guest_is_a_new_identity(world: World) -> None:
    assert world.get_id() != world.get_id({})


def test_a_login_keeps_its_identity_whatever_the_token(world: World) -> None:
    first = world.get_id(world.login("ana"))
    world.clock.advance(10)
    assert world.get_id(world.login("ana")) == first


def test_two_users_have_two_identities(world: World) -> None:
    assert world.get_id(world.login("ana")) != world.get_id(world.login("bea"))


def test_an_identity_id_begins_with_the_region(world: World) -> None:
    assert world.get_id().startswith("eu-west-1:")


def test_guests_may_be_refused() -> None:
    world = World(guests=False)
    text = "Unauthenticated access is not supported for this identity pool."
    assert refused(world, "GetId", {"IdentityPoolId": IDENTITY_POOL_ID}) == text


def test_guests_made_before_the_switch_get_no_more_credentials(world: World) -> None:
    guest = world.get_id()
    world.pool.guests = False
    text = "Unauthenticated access is not supported for this identity pool."
    assert refused_credentials(world, guest) == text


def test_another_identity_pool_is_not_found(world: World) -> None:
    other = IDENTITY_POOL_ID[:-1] + "2"
    message = refused(world, "GetId", {"IdentityPoolId": other}, "ResourceNotFoundException")
    assert message == f"IdentityPool '{other}' not found."


def test_an_unknown_identity_is_not_found(world: World) -> None:
    parameters = {"IdentityId": IDENTITY_POOL_ID}
    refused(world, "GetCredentialsForIdentity", parameters, "ResourceNotFoundException")


# --- credentials ---------------------------------------------------------------


def test_credentials_of_a_user_are_known_by_their_key(world: World) -> None:
    identity_id = world.get_id(world.login("ana"))
    answer = world.credentials(identity_id, world.login("ana"))
    credentials = answer["Credentials"]
    issued = world.pool.lookup(credentials["AccessKeyId"])
    assert issued is not None
    assert issued.identity_id == answer["IdentityId"] == identity_id
    assert issued.secret_key == credentials["SecretKey"]
    assert issued.session_token == credentials["SessionToken"]
    assert issued.role_arn.endswith("role/authenticated")
    assert not issued.is_guest


def test_credentials_of_a_guest_stand_for_the_other_role(world: World) -> None:
    issued = world.pool.lookup(world.credentials(world.get_id())["Credentials"]["AccessKeyId"])
    assert issued is not None
    assert issued.is_guest
    assert issued.role_arn.endswith("role/unauthenticated")


def test_a_key_that_was_never_issued_is_unknown(world: World) -> None:
    assert world.pool.lookup("ASIAAAAAAAAAAAAAAAAA") is None


def test_credentials_look_like_the_real_ones(world: World) -> None:
    credentials = world.credentials(world.get_id())["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["AccessKeyId"]) == 20
    assert len(credentials["SecretKey"]) == 40
    assert len(credentials["SessionToken"]) > 1000


@pytest.mark.parametrize("lifetime", [1.0, 2.5, 3600.0])
def test_credentials_live_as_long_as_asked_for(lifetime: float) -> None:
    world = World(credential_lifetime=lifetime)
    expiration = world.credentials(world.get_id())["Credentials"]["Expiration"]
    assert isinstance(expiration, float)
    assert expiration == pytest.approx(world.clock.wall() + lifetime, abs=0.001)


def test_each_call_gives_new_credentials(world: World) -> None:
    guest = world.get_id()
    keys = {world.credentials(guest)["Credentials"]["AccessKeyId"] for _ in range(3)}
    assert len(keys) == 3


def test_a_representation_shows_no_secret(world: World) -> None:
    credentials = world.credentials(world.get_id())["Credentials"]
    shown = repr(world.pool.lookup(credentials["AccessKeyId"]))
    assert credentials["SecretKey"] not in shown
    assert credentials["SessionToken"] not in shown


# --- whose identity ---------------------------------------------------------------


def test_a_users_identity_is_closed_without_the_login(world: World) -> None:
    identity_id = world.get_id(world.login("ana"))
    text = f"Access to Identity '{identity_id}' is forbidden."
    assert refused_credentials(world, identity_id) == text


def test_a_users_identity_is_closed_to_another_user(world: World) -> None:
    identity_id = world.get_id(world.login("ana"))
    message = refused_credentials(world, identity_id, world.login("bea"))
    assert message == (
        "Logins don't match. Please include at least one valid login "
        "for this identity or identity pool."
    )


def test_a_guest_who_signs_in_keeps_the_identity(world: World) -> None:
    guest = world.get_id()
    assert world.credentials(guest, world.login("ana"))["IdentityId"] == guest
    assert world.get_id(world.login("ana")) == guest
    assert "forbidden" in refused_credentials(world, guest)


def test_a_guest_who_signs_in_again_becomes_the_earlier_identity(world: World) -> None:
    known = world.get_id(world.login("ana"))
    guest = world.get_id()
    assert world.credentials(guest, world.login("ana"))["IdentityId"] == known
    assert "forbidden" in refused_credentials(world, guest)


def test_logins_of_two_identities_do_not_mix(world: World) -> None:
    other = LocalUserPool(OTHER_POOL_ID, clock=world.clock)
    other.add_client(world.client.client_id, explicit_auth_flows=FLOWS)
    other.add_user("ana", "Passw0rd!")
    world.pool.trust(other, world.client.client_id)
    elsewhere = {
        f"cognito-idp.eu-west-1.amazonaws.com/{OTHER_POOL_ID}": world.tokens("ana", other)[
            "IdToken"
        ]
    }
    here = world.login("ana")
    world.get_id(here)
    world.get_id(elsewhere)
    parameters = {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": here | elsewhere}
    refused(world, "GetId", parameters, "ResourceConflictException")


def test_a_second_provider_leads_to_the_same_identity(world: World) -> None:
    other = LocalUserPool(OTHER_POOL_ID, clock=world.clock)
    other.add_client(world.client.client_id, explicit_auth_flows=FLOWS)
    other.add_user("ana", "Passw0rd!")
    world.pool.trust(other, world.client.client_id)
    provider = f"cognito-idp.eu-west-1.amazonaws.com/{OTHER_POOL_ID}"
    elsewhere = {provider: world.tokens("ana", other)["IdToken"]}
    identity_id = world.get_id(world.login("ana"))
    world.credentials(identity_id, world.login("ana") | elsewhere)
    assert world.get_id(elsewhere) == identity_id


# --- login tokens -------------------------------------------------------------------


def test_an_expired_token_is_refused_with_both_times(world: World) -> None:
    login = world.login("ana")
    expiry = unverified_claims(login[PROVIDER])["exp"]
    world.clock.advance(3601)
    now = int(world.clock.wall())
    assert refused_id(world, login) == f"Invalid login token. Token expired: {now} >= {expiry}"


def test_a_token_of_another_pool_is_refused(world: World) -> None:
    login = world.forged(iss=f"https://cognito-idp.eu-west-1.amazonaws.com/{OTHER_POOL_ID}")
    text = "Invalid login token. Issuer doesn't match providerName"
    assert refused_id(world, login) == text


def test_a_token_with_a_broken_signature_is_refused(world: World) -> None:
    token = world.login("ana")[PROVIDER]
    head, payload, signature = token.split(".")
    swapped = signature[:-10] + signature[-10:-2][::-1] + signature[-2:]
    login = {PROVIDER: f"{head}.{payload}.{swapped}"}
    assert refused_id(world, login) == "Invalid login token. Couldn't verify signed token."


def test_a_token_signed_by_a_strange_key_is_refused(world: World) -> None:
    claims = unverified_claims(world.login("ana")[PROVIDER])
    login = {PROVIDER: keys_of(OTHER_POOL_ID).id.sign(claims)}
    assert refused_id(world, login) == "Invalid login token. Couldn't verify signed token."


def test_a_token_without_algorithm_is_refused(world: World) -> None:
    claims = unverified_claims(world.login("ana")[PROVIDER])
    key = keys_of(POOL_ID).id
    login = {PROVIDER: key.sign(claims, header={"kid": key.kid, "alg": "none"})}
    assert refused_id(world, login) == "Invalid login token. Couldn't verify signed token."


def test_an_access_token_is_refused(world: World) -> None:
    login = {PROVIDER: world.tokens("ana")["AccessToken"]}
    assert refused_id(world, login) == "Invalid login token. Missing a required claim: aud"


@pytest.mark.parametrize("token", ["x", "a.b.c", "a.b", "é.é.é", "....", "e30.e30."])
def test_what_is_no_token_is_refused(world: World, token: str) -> None:
    assert refused_id(world, {PROVIDER: token}).startswith("Invalid login token. ")


@pytest.mark.parametrize("name", ["exp", "sub", "aud"])
@pytest.mark.parametrize("value", [None, [], {}, ["x"]])
def test_a_token_with_a_claim_of_another_kind_is_refused(
    world: World, name: str, value: object
) -> None:
    refused_id(world, world.forged(**{name: value}))


def test_a_token_may_hold_half_a_surrogate_pair(world: World) -> None:
    """JSON can carry it, UTF-8 cannot."""
    head, _, signature = world.login("ana")[PROVIDER].split(".")
    refused_id(world, {PROVIDER: f"{head}.\ud800.{signature}"})


def test_a_token_of_an_unregistered_client_is_refused(world: World) -> None:
    login = world.forged(aud="anotherclient")
    text = "Token is not from a supported provider of this identity pool."
    assert refused_id(world, login) == text


def test_an_unregistered_provider_is_refused(world: World) -> None:
    login = {"accounts.google.com": world.login("ana")[PROVIDER]}
    text = "Token is not from a supported provider of this identity pool."
    assert refused_id(world, login) == text


def test_a_disabled_user_passes_without_the_server_side_check(world: World) -> None:
    login = world.login("ana")
    sign_out_everywhere(world, "ana")
    assert world.get_id(login)


def test_a_signed_out_user_is_refused_by_the_server_side_check(world: World) -> None:
    world.pool.trust(world.users, world.client.client_id, server_side_token_check=True)
    tokens = world.tokens("ana")
    login = {PROVIDER: tokens["IdToken"]}
    assert world.get_id(login)
    world.users.handle("GlobalSignOut", {"AccessToken": tokens["AccessToken"]})
    assert refused_id(world, login) == "Token is inactive"


def sign_out_everywhere(world: World, username: str) -> None:
    world.users.handle("GlobalSignOut", {"AccessToken": world.tokens(username)["AccessToken"]})


# --- roles -------------------------------------------------------------------------


ROLE = "arn:aws:iam::000000000000:role/editor"


@pytest.mark.parametrize("roles", [[ROLE, "arn:other"], f"arn:other,{ROLE}"])
def test_a_role_of_the_token_may_be_asked_for(world: World, roles: object) -> None:
    login = world.forged(**{"cognito:roles": roles})
    answer = world.credentials(world.get_id(login), login, CustomRoleArn=ROLE)
    issued = world.pool.lookup(answer["Credentials"]["AccessKeyId"])
    assert issued is not None
    assert issued.role_arn == ROLE


def test_a_role_that_is_not_in_the_token_is_refused(world: World) -> None:
    login = world.login("ana")
    refused_credentials(world, world.get_id(login), login, CustomRoleArn=ROLE)


def test_a_guest_cannot_ask_for_a_role(world: World) -> None:
    refused_credentials(world, world.get_id(), CustomRoleArn=ROLE)


def test_a_pool_without_roles_is_a_configuration_error() -> None:
    world = World(unauthenticated_role=None)
    message = refused(
        world,
        "GetCredentialsForIdentity",
        {"IdentityId": world.get_id()},
        "InvalidIdentityPoolConfigurationException",
    )
    assert "Check assigned IAM roles" in message


# --- malformed requests ---------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"IdentityPoolId": ""},
        {"IdentityPoolId": 7},
        {"IdentityPoolId": "nowhere"},
        {"IdentityPoolId": "eu-west-1:" + "a" * 60},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": ["x"]},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": []},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {"": "x"}},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {PROVIDER: ""}},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {PROVIDER: 7}},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {PROVIDER: "x" * 50_001}},
        {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {str(n): "x" for n in range(11)}},
    ],
)
def test_malformed_requests_are_refused_before_anything_else(
    world: World, parameters: dict[str, Any]
) -> None:
    message = refused(world, "GetId", parameters, "InvalidParameterException")
    assert message.startswith("1 validation error detected: ")


def test_a_refusal_never_quotes_a_token(world: World) -> None:
    token = "canary" * 9000
    parameters = {"IdentityPoolId": IDENTITY_POOL_ID, "Logins": {PROVIDER: token}}
    assert "canary" not in refused(world, "GetId", parameters, "InvalidParameterException")


def test_an_operation_that_is_not_served_is_unknown(world: World) -> None:
    refused(world, "ListIdentityPools", {}, "UnknownOperationException")


def test_an_identity_without_its_last_login_opens_for_nobody(world: World) -> None:
    logins = world.login("ana")
    ana = world.get_id(logins)
    unlink = {"IdentityId": ana, "Logins": logins, "LoginsToRemove": [PROVIDER]}
    assert world.pool.handle("UnlinkIdentity", unlink) == {}
    for given in (None, logins):
        with pytest.raises(PoolError, match="is forbidden"):
            world.credentials(ana, given)
    assert world.get_id(logins) != ana, "the user is somebody new"


@pytest.mark.parametrize("roles", [5, None, {"r": 1}])
def test_roles_that_are_none_are_no_roles(world: World, roles: Any) -> None:
    logins = world.forged(**{"cognito:roles": roles})
    ana = world.get_id(logins)
    with pytest.raises(PoolError, match="CustomRoleArn"):
        world.credentials(ana, logins, CustomRoleArn="r")
