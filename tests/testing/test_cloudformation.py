"""Local pools from templates (F032)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aiocognito import InvalidPassword, NewPasswordRequired, UserPool
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.testing import LocalCognito, ManualClock, pools_from_template
from tests.world import PASSWORD

# What AWS's own examples of a SAM template with a user pool look like.
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Stage": {"Type": "String", "Default": "dev"}, "Minutes": {"Type": "Number"}},
    "Resources": {
        "Users": {
            "Type": "AWS::Cognito::UserPool",
            "Properties": {
                "UserPoolName": {"Fn::Sub": "users-${Stage}"},
                "UsernameAttributes": ["email"],
                "AutoVerifiedAttributes": ["email"],
                "MfaConfiguration": "OPTIONAL",
                "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                "Policies": {
                    "PasswordPolicy": {
                        "MinimumLength": 12,
                        "RequireSymbols": "false",
                        "TemporaryPasswordValidityDays": "3",
                    },
                    "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]},
                },
                "Schema": [
                    {"Name": "email", "Required": True, "Mutable": True},
                    {"Name": "tenant_id", "AttributeDataType": "String", "Mutable": False},
                ],
                "UserAttributeUpdateSettings": {
                    "AttributesRequireVerificationBeforeUpdate": ["email"]
                },
                "AccountRecoverySetting": {
                    "RecoveryMechanisms": [
                        {"Name": "verified_phone_number", "Priority": 2},
                        {"Name": "verified_email", "Priority": 1},
                    ]
                },
                "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
                "DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True},
                "LambdaConfig": {"PreSignUp": {"Fn::GetAtt": ["Check", "Arn"]}},
            },
        },
        "Web": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {
                "UserPoolId": {"Ref": "Users"},
                "GenerateSecret": True,
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ADMIN_NO_SRP_AUTH"],
                "PreventUserExistenceErrors": "ENABLED",
                "AccessTokenValidity": {"Ref": "Minutes"},
                "IdTokenValidity": 1,
                "RefreshTokenValidity": 30,
                "TokenValidityUnits": {"AccessToken": "minutes"},
                "AuthSessionValidity": 5,
                "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 30},
                "CallbackURLs": ["https://app.example.com/callback"],
            },
        },
        "Domain": {
            "Type": "AWS::Cognito::UserPoolDomain",
            "Properties": {"UserPoolId": {"Ref": "Users"}, "Domain": "users-here"},
        },
        "Check": {"Type": "AWS::Serverless::Function", "Properties": {}},
    },
}


def changed(resource: str, **properties: Any) -> dict[str, Any]:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"][resource]["Properties"].update(properties)
    return template


def test_a_template_becomes_a_pool_with_its_client() -> None:
    # F014, F015, F032, F106
    made = pools_from_template(TEMPLATE, parameters={"Minutes": "15"})
    described = made.pools["Users"].describe_user_pool()["UserPool"]
    assert described["Name"] == "users-dev"
    assert described["UsernameAttributes"] == ["email"]
    assert described["AutoVerifiedAttributes"] == ["email"]
    assert described["MfaConfiguration"] == "OPTIONAL"
    assert described["Domain"] == "users-here"
    policy = described["Policies"]["PasswordPolicy"]
    assert (policy["MinimumLength"], policy["RequireSymbols"]) == (12, False)
    assert policy["TemporaryPasswordValidityDays"] == 3
    assert described["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"] == [
        "PASSWORD",
        "EMAIL_OTP",
    ]
    assert [way["Name"] for way in described["AccountRecoverySetting"]["RecoveryMechanisms"]] == [
        "verified_email",
        "verified_phone_number",
    ]
    assert described["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert described["DeviceConfiguration"] == {
        "ChallengeRequiredOnNewDevice": False,
        "DeviceOnlyRememberedOnUserPrompt": True,
    }
    client = made.clients["Web"]
    assert made.pools["Users"].clients[client.client_id] is client
    assert client.client_secret
    assert client.explicit_auth_flows == (
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    )
    assert (client.access_token_validity, client.id_token_validity) == (900, 3600)
    assert client.refresh_token_validity == 30 * 86_400
    assert client.auth_session_validity == 300.0
    assert (client.rotation, client.rotation_grace) == (True, 30.0)


def test_what_the_local_pool_has_nothing_for_is_said() -> None:
    # F032
    made = pools_from_template(TEMPLATE, parameters={"Minutes": "15"})
    assert set(made.ignored) == {"Users.LambdaConfig", "Web.CallbackURLs"}


def test_a_template_says_what_passkeys_are_for() -> None:
    # F032
    template = changed(
        "Users",
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}},
        WebAuthnRelyingPartyID="auth.example.com",
        WebAuthnUserVerification="required",
        WebAuthnFactorConfiguration="MULTI_FACTOR_WITH_USER_VERIFICATION",
    )
    made = pools_from_template(template, parameters={"Minutes": "15"})
    assert set(made.ignored) == {"Users.LambdaConfig", "Web.CallbackURLs"}
    pool = made.pools["Users"]
    described = pool.handle("GetUserPoolMfaConfig", {"UserPoolId": pool.user_pool_id})
    assert described["WebAuthnConfiguration"] == {
        "RelyingPartyId": "auth.example.com",
        "UserVerification": "required",
        "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
    }


@pytest.mark.parametrize(
    "wrong",
    [{"WebAuthnRelyingPartyID": "com"}, {"WebAuthnUserVerification": "discouraged"}],
    ids=str,
)
def test_passkeys_of_nobody_or_without_a_user_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        pools_from_template(changed("Users", **wrong), parameters={"Minutes": "15"})


async def test_people_sign_in_to_it() -> None:
    # F032, F047
    clock = ManualClock()
    made = pools_from_template(TEMPLATE, parameters={"Minutes": "15"}, clock=clock)
    local = LocalCognito(clock=clock)
    pool, client = local.add_user_pool(made.pools["Users"]), made.clients["Web"]
    attributes = {"custom:tenant_id": "blue"}
    pool.add_user("ana@example.com", PASSWORD, temporary=True, attributes=attributes)
    async with UserPool(
        pool.user_pool_id,
        client.client_id,
        client_secret=client.client_secret,
        transport=local.transport(),
        http=local.http_client(),
        clock=clock,
    ) as here:
        login = here.login("ana@example.com", PASSWORD)
        step = await login.start()
        assert isinstance(step, NewPasswordRequired)
        with pytest.raises(InvalidPassword) as caught:
            await login.send(step.answer("Too-short-1"))
        assert caught.value.unmet == ("length",)
        waiting = login.waiting
        assert isinstance(waiting, NewPasswordRequired)
        signed_in: Any = await login.send(waiting.answer("longenough1LONG"))
        assert signed_in.session.claims["custom:tenant_id"] == "blue"


def test_a_bare_pool_has_no_factors_and_sends_no_codes() -> None:
    bare = {"Resources": {"P": {"Type": "AWS::Cognito::UserPool"}}}
    made = pools_from_template(bare)
    described = made.pools["P"].describe_user_pool()["UserPool"]
    assert (described["Name"], described["MfaConfiguration"]) == ("P", "OFF")
    assert described["AutoVerifiedAttributes"] == []
    assert made.clients == {}
    assert made.ignored == ()


def test_two_pools_have_two_ids() -> None:
    pool = {"Type": "AWS::Cognito::UserPool", "Properties": {"MfaConfiguration": "ON"}}
    made = pools_from_template({"Resources": {"A": pool, "B": pool}}, region="us-east-1")
    assert len({each.user_pool_id for each in made.pools.values()}) == 2
    assert all(each.user_pool_id.startswith("us-east-1_") for each in made.pools.values())


@pytest.mark.parametrize(
    ("template", "where"),
    [
        (changed("Users", Schema=[{"Name": "custom:company"}]), "Users.Schema"),
        (changed("Users", MfaConfiguration="SOMETIMES"), "mfa"),
        (changed("Users", UserPoolName={"Fn::Join": ["", []]}), "Users.UserPoolName"),
        (changed("Users", UserPoolName={"Fn::Sub": "${Nobody}"}), "Users.UserPoolName"),
        (changed("Web", UserPoolId="eu-west-1_Elsewhere"), "Web.UserPoolId"),
        (changed("Web", ExplicitAuthFlows=["ALLOW_MAGIC"]), "explicit_auth_flows"),
        ({}, "template"),
    ],
)
def test_what_cannot_be_is_named(template: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidArgument, match=where):
        pools_from_template(template, parameters={"Minutes": "15"})


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InvalidArgument, match="Minutes"):
        pools_from_template(TEMPLATE)


def test_a_template_is_a_mapping() -> None:
    with pytest.raises(InvalidType, match="template"):
        pools_from_template("Resources:")  # type: ignore[arg-type]
