"""The local pool answers administrators, held against the service model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.flow.user_filter import UserFilter
from aiocognito.testing.admin_paging import UserCondition
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.service_errors import PoolError
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import PASSWORD, POOL_ID, Person, claims, refusal, tokens

MakePool = Callable[..., CheckedPool]
VERIFIED_MAIL = {"email": "ana@example.com", "email_verified": "true"}


def ask(pool: CheckedPool, operation: str, username: str | None = None, **members: Any) -> Any:
    named = {} if username is None else {"Username": username}
    return pool.handle(operation, {"UserPoolId": POOL_ID, **named, **members})


def pairs(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def shown(answer: dict[str, Any]) -> dict[str, str]:
    listed = answer.get("UserAttributes") or answer.get("Attributes") or []
    return {pair["Name"]: pair["Value"] for pair in listed}


def create(pool: CheckedPool, name: str = "new", **members: Any) -> dict[str, Any]:
    members = {"MessageAction": "SUPPRESS", "TemporaryPassword": PASSWORD, **members}
    return dict(ask(pool, "AdminCreateUser", name, **members)["User"])


# --- creating ---


def test_a_created_user_must_change_the_password(pool: CheckedPool, clock: ManualClock) -> None:
    # F047
    user = create(pool, UserAttributes=pairs(VERIFIED_MAIL))
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert user["UserCreateDate"] == clock.wall()
    assert shown(user).items() >= VERIFIED_MAIL.items()
    assert pool.outbox == []
    app = pool.add_client(explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"])
    challenge = Person(pool, app, clock, "new", PASSWORD).by_password()
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


@pytest.mark.parametrize(
    ("media", "destinations"),
    [
        (["EMAIL"], ["ana@example.com"]),
        (["SMS"], ["+491701234567"]),
        (["SMS", "EMAIL"], ["ana@example.com", "+491701234567"]),
        (None, ["+491701234567"]),
    ],
)
def test_the_invitation_goes_by_sms_unless_something_else_is_asked_for(
    pool: CheckedPool, media: list[str] | None, destinations: list[str]
) -> None:
    attributes = {"email": "ana@example.com", "phone_number": "+491701234567"}
    wishes = {} if media is None else {"DesiredDeliveryMediums": media}
    ask(pool, "AdminCreateUser", "new", UserAttributes=pairs(attributes), **wishes)
    assert [sent.destination for sent in pool.outbox] == destinations


@pytest.mark.parametrize("length", [6, 8, 99])
def test_a_drawn_password_meets_the_policy_and_signs_in(
    make_pool: MakePool, clock: ManualClock, length: int
) -> None:
    pool = make_pool(password_policy=PasswordPolicy(minimum_length=length))
    mail = pairs({"email": "a@example.com"})
    ask(pool, "AdminCreateUser", "new", UserAttributes=mail, DesiredDeliveryMediums=["EMAIL"])
    app = pool.add_client(explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"])
    person = Person(pool, app, clock, "new", pool.outbox[0].code)
    assert person.by_password()["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_an_invitation_is_repeated_with_a_new_password_while_it_waits(pool: CheckedPool) -> None:
    mail = pairs({"email": "a@example.com"})
    create(pool, UserAttributes=mail)
    again = {"MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]}
    ask(pool, "AdminCreateUser", "new", **again)
    assert len(pool.outbox) == 1
    assert pool.user("new").password is not None
    assert not pool.user("new").password.fits(PASSWORD)  # type: ignore[union-attr]
    ask(pool, "AdminSetUserPassword", "new", Password=PASSWORD, Permanent=True)
    code, text = refusal(ask, pool, "AdminCreateUser", "new", **again)
    assert code == "UnsupportedUserStateException"
    assert "FORCE_CHANGE_PASSWORD" in text
    assert refusal(ask, pool, "AdminCreateUser", "x", **again)[0] == "UserNotFoundException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"TemporaryPassword": "weak"}, "InvalidPasswordException"),
        ({"UserAttributes": pairs({"custom:no": "x"})}, "InvalidParameterException"),
        ({"UserAttributes": pairs({"sub": "x"})}, "InvalidParameterException"),
        ({"MessageAction": "SHOUT"}, "InvalidParameterException"),
        ({"UserAttributes": "x"}, "SerializationException"),
        ({"UserAttributes": [{"Value": "x"}]}, "InvalidParameterException"),
        ({"ForceAliasCreation": "yes"}, "SerializationException"),
    ],
)
def test_a_user_who_cannot_be_is_not_created(
    pool: CheckedPool, members: dict[str, Any], code: str
) -> None:
    assert refusal(create, pool, **members)[0] == code
    assert ask(pool, "ListUsers")["Users"] == []


def test_a_name_is_given_once(pool: CheckedPool) -> None:
    create(pool)
    assert refusal(create, pool, "NEW")[0] == "UsernameExistsException"


def test_an_alias_is_taken_away_only_on_demand(make_pool: MakePool) -> None:
    pool = make_pool(alias_attributes=["email"])
    mail = pairs(VERIFIED_MAIL)
    create(pool, "first", UserAttributes=mail)
    assert refusal(create, pool, "second", UserAttributes=mail)[0] == "UsernameExistsException"
    assert [user["Username"] for user in ask(pool, "ListUsers")["Users"]] == ["first"]
    create(pool, "second", UserAttributes=mail, ForceAliasCreation=True)
    assert pool.user("ana@example.com").username == "second"
    assert pool.user("first").attributes["email_verified"] == "false"
    assert refusal(create, pool, "c@example.com")[0] == "InvalidParameterException"


def test_where_addresses_are_names_the_true_name_is_drawn(make_pool: MakePool) -> None:
    pool = make_pool(username_attributes=["email"])
    user = create(pool, "ana@example.com")
    assert shown(user)["email"] == "ana@example.com"
    assert user["Username"] == shown(user)["sub"]
    assert refusal(create, pool, "no address")[0] == "InvalidParameterException"


def test_the_pre_sign_up_trigger_may_refuse(pool: CheckedPool) -> None:
    seen: list[dict[str, Any]] = []

    def refuse(event: dict[str, Any]) -> None:
        seen.append(event)
        raise ValueError("not in this house")

    pool.triggers["PreSignUp"] = refuse
    code, text = refusal(create, pool, ValidationData=pairs({"invited-by": "eva"}))
    assert (code, "not in this house" in text) == ("UserLambdaValidationException", True)
    assert seen[0]["triggerSource"] == "PreSignUp_AdminCreateUser"
    assert seen[0]["request"]["validationData"] == {"invited-by": "eva"}
    assert ask(pool, "ListUsers")["Users"] == []


# --- looking ---


def test_a_user_is_found_by_name_alias_and_sub(make_pool: MakePool) -> None:
    # F049, F121
    pool = make_pool(alias_attributes=["email"])
    user = pool.add_user("ana", PASSWORD, attributes=dict(VERIFIED_MAIL), totp=True)
    for name in ("ana", "ana@example.com", user.sub):
        answer = ask(pool, "AdminGetUser", name)
        assert answer["Username"] == "ana"
        assert answer["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
        assert "Attributes" not in answer
    assert refusal(ask, pool, "AdminGetUser", "eva")[0] == "UserNotFoundException"


def test_users_are_listed_page_by_page_without_gaps(pool: CheckedPool) -> None:
    for number in range(130):
        create(pool, f"user-{number:03}")
    seen, members = [], {"Limit": 50}
    while True:
        answer = ask(pool, "ListUsers", **members)
        seen += [user["Username"] for user in answer["Users"]]
        if "PaginationToken" not in answer:
            break
        # what is deleted meanwhile moves nobody out of sight
        ask(pool, "AdminDeleteUser", seen[-1])
        members["PaginationToken"] = answer["PaginationToken"]
    assert seen == [f"user-{number:03}" for number in range(130)]
    code, _ = refusal(ask, pool, "ListUsers", PaginationToken="made-up")
    assert code == "InvalidParameterException"
    assert len(ask(pool, "ListUsers")["Users"]) == 60


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('family_name = "Reddy"', ["ana"]),
        ('family_name="Reddy"', ["ana"]),
        ('family_name ^= "Re"', ["ana", "ben"]),
        ('family_name ^= "re"', []),
        ('cognito:user_status = "confirmed"', ["ana"]),
        ('status = "Disabled"', ["ben"]),
        ('status = "Enabled"', ["ana", "eva"]),
        ('username ^= "e"', ["eva"]),
        ('email = "nobody@example.com"', []),
    ],
)
def test_users_are_chosen_by_one_condition(
    pool: CheckedPool, condition: str, found: list[str]
) -> None:
    # F050
    pool.add_user("ana", PASSWORD, attributes={"family_name": "Reddy"})
    pool.add_user("ben", attributes={"family_name": "Reed"}, enabled=False, status="UNCONFIRMED")
    pool.add_user("eva", status="UNCONFIRMED")
    answer = ask(pool, "ListUsers", Filter=condition)
    assert [user["Username"] for user in answer["Users"]] == found


def test_a_user_is_chosen_by_sub(pool: CheckedPool) -> None:
    user = pool.add_user("ana", PASSWORD)
    (found,) = ask(pool, "ListUsers", Filter=f'sub = "{user.sub}"')["Users"]
    assert found["Username"] == "ana"


@pytest.mark.parametrize(
    "condition",
    ["x", "email = ana", 'custom:a = "x"', 'email = "a" or email = "b"', 'email = "a\\"', "= "],
)
def test_a_condition_that_is_none_is_refused(pool: CheckedPool, condition: str) -> None:
    code, _ = refusal(ask, pool, "ListUsers", Filter=condition)
    assert code == "InvalidParameterException"


@given(value=st.text().filter(str.isprintable), prefix=st.booleans())
def test_what_the_client_quotes_is_read_as_it_was(value: str, prefix: bool) -> None:
    written = str(
        (UserFilter.starts_with if prefix else UserFilter.equals)("family_name", value[:100])
    )
    assert UserCondition.read(written) == UserCondition("family_name", prefix, value[:100])


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (["sub"], "Input fails to satisfy the constraints."),
        (["custom:no"], "One or more requested attributes do not exist."),
    ],
)
def test_attributes_that_cannot_be_asked_for(
    pool: CheckedPool, wanted: list[str], text: str
) -> None:
    assert refusal(ask, pool, "ListUsers", AttributesToGet=wanted)[1] == text


def test_only_the_attributes_asked_for_are_listed(pool: CheckedPool) -> None:
    pool.add_user("ana", PASSWORD, attributes={"email": "a@example.com", "name": "Ana"})
    (user,) = ask(pool, "ListUsers", AttributesToGet=["name"])["Users"]
    assert shown(user) == {"name": "Ana"}


# --- attributes ---


@pytest.mark.parametrize(
    ("changes", "verified", "sent"),
    [
        ({"email": "new@example.com"}, "false", 1),
        ({"email": "new@example.com", "email_verified": "true"}, "true", 0),
        ({"email": "ana@example.com"}, "true", 0),
        ({"email_verified": "false"}, "false", 0),
        ({"name": "Ana"}, "true", 0),
        ({"email": ""}, None, 0),
        ({"phone_number": "+491701234567"}, "true", 0),
    ],
)
def test_a_new_address_is_unverified_unless_said_otherwise(
    pool: CheckedPool, changes: dict[str, str], verified: str | None, sent: int
) -> None:
    pool.add_user("ana", PASSWORD, attributes=dict(VERIFIED_MAIL))
    ask(pool, "AdminUpdateUserAttributes", "ana", UserAttributes=pairs(changes))
    answer = shown(ask(pool, "AdminGetUser", "ana"))
    assert answer.get("email_verified") == verified
    assert len(pool.outbox) == sent
    assert answer.items() >= {name: value for name, value in changes.items() if value}.items()


def test_attributes_are_deleted(pool: CheckedPool) -> None:
    pool.add_user("ana", PASSWORD, attributes={**VERIFIED_MAIL, "name": "Ana"})
    ask(pool, "AdminDeleteUserAttributes", "ana", UserAttributeNames=["email", "name"])
    assert set(shown(ask(pool, "AdminGetUser", "ana"))) == {"sub"}


@pytest.mark.parametrize("operation", ["AdminUpdateUserAttributes", "AdminDeleteUserAttributes"])
@pytest.mark.parametrize("name", ["sub", "custom:no", "custom:fixed"])
def test_attributes_that_cannot_be_changed(make_pool: MakePool, operation: str, name: str) -> None:
    pool = make_pool(custom_attributes=["fixed"], immutable_attributes=["custom:fixed"])
    pool.add_user("ana", PASSWORD, attributes={"custom:fixed": "1"})
    members: dict[str, Any] = (
        {"UserAttributeNames": [name]}
        if "Delete" in operation
        else {"UserAttributes": pairs({name: "2"})}
    )
    assert refusal(ask, pool, operation, "ana", **members)[0] == "InvalidParameterException"
    assert pool.user("ana").attributes == {"custom:fixed": "1"}


def test_anothers_alias_is_not_given(make_pool: MakePool) -> None:
    pool = make_pool(alias_attributes=["email"])
    pool.add_user("ana", PASSWORD, attributes=dict(VERIFIED_MAIL))
    pool.add_user("ben", PASSWORD)
    changes = {"UserAttributes": pairs(VERIFIED_MAIL)}
    code, _ = refusal(ask, pool, "AdminUpdateUserAttributes", "ben", **changes)
    assert code == "AliasExistsException"


# --- state ---


def test_a_disabled_user_neither_signs_in_nor_refreshes(ana: Person) -> None:
    # F052
    held = tokens(ana.by_password())
    ask(ana.pool, "AdminDisableUser", "ana")
    assert refusal(ana.by_password)[1] == "User is disabled."
    assert refusal(ana.refresh, held["RefreshToken"])[1] == "User is disabled."
    assert ask(ana.pool, "AdminGetUser", "ana")["Enabled"] is False
    ask(ana.pool, "AdminEnableUser", "ana")
    assert ana.refresh(held["RefreshToken"])


def test_a_deleted_user_is_gone(ana: Person) -> None:
    # F052
    held = tokens(ana.by_password())
    ask(ana.pool, "AdminDeleteUser", "ana")
    assert refusal(ask, ana.pool, "AdminGetUser", "ana")[0] == "UserNotFoundException"
    with pytest.raises(PoolError):
        ana.refresh(held["RefreshToken"])


def test_a_signed_out_user_has_no_session_left(ana: Person) -> None:
    held = tokens(ana.by_password())
    ask(ana.pool, "AdminUserGlobalSignOut", "ana")
    assert refusal(ana.refresh, held["RefreshToken"])[1] == "Refresh Token has been revoked"
    members = {"AccessToken": held["AccessToken"]}
    assert refusal(ana.pool.handle, "GetUser", members)[1] == "Access Token has been revoked"


def test_confirming_is_for_the_unconfirmed_and_verifies_nothing(pool: CheckedPool) -> None:
    # F048
    told: list[str] = []
    pool.triggers["PostConfirmation"] = lambda event: told.append(event["userName"]) or event
    attributes = {"email": "a@example.com", "email_verified": "false"}
    pool.add_user("ana", PASSWORD, attributes=attributes, status="UNCONFIRMED")
    ask(pool, "AdminConfirmSignUp", "ana")
    answer = ask(pool, "AdminGetUser", "ana")
    assert (answer["UserStatus"], shown(answer)["email_verified"]) == ("CONFIRMED", "false")
    assert told == ["ana"]
    code, text = refusal(ask, pool, "AdminConfirmSignUp", "ana")
    assert (code, text) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


# --- passwords ---


@pytest.mark.parametrize("permanent", [True, False, None])
def test_a_password_set_is_temporary_unless_permanent(
    settle: Settle, pool: CheckedPool, permanent: bool | None
) -> None:
    # F051
    person = settle(pool, status="UNCONFIRMED")
    members = {} if permanent is None else {"Permanent": permanent}
    ask(pool, "AdminSetUserPassword", "ana", Password="An0ther-one!", **members)
    person.password = "An0ther-one!"
    answer = person.by_srp()
    assert ("AuthenticationResult" in answer) == bool(permanent)
    weak = {"Password": "weak"}
    assert refusal(ask, pool, "AdminSetUserPassword", "ana", **weak)[0] == (
        "InvalidPasswordException"
    )


def test_setting_a_password_ends_a_lockout(ana: Person) -> None:
    for _ in range(6):
        with pytest.raises(PoolError):
            ana.initiate("USER_PASSWORD_AUTH", PASSWORD="Wr0ng-one!")
    ask(ana.pool, "AdminSetUserPassword", "ana", Password=PASSWORD, Permanent=True)
    assert tokens(ana.by_password())


def test_after_a_reset_the_code_chooses_the_password(settle: Settle, pool: CheckedPool) -> None:
    person = settle(pool, attributes=dict(VERIFIED_MAIL))
    ask(pool, "AdminResetUserPassword", "ana")
    assert refusal(person.by_password)[0] == "PasswordResetRequiredException"
    members = {
        "ClientId": person.client.client_id,
        "Username": "ana",
        "ConfirmationCode": pool.outbox[-1].code,
        "Password": "An0ther-one!",
    }
    pool.handle("ConfirmForgotPassword", members)
    person.password = "An0ther-one!"
    assert tokens(person.by_password())


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ({}, "InvalidParameterException"),
        ({"status": "UNCONFIRMED"}, "NotAuthorizedException"),
        ({"temporary": True}, "NotAuthorizedException"),
    ],
)
def test_some_passwords_cannot_be_reset(pool: CheckedPool, user: dict[str, Any], code: str) -> None:
    pool.add_user("ana", PASSWORD, **user)
    assert refusal(ask, pool, "AdminResetUserPassword", "ana")[0] == code


# --- identities elsewhere ---


def provider(value: str) -> dict[str, str]:
    return {
        "ProviderName": "Acme",
        "ProviderAttributeName": "Cognito_Subject",
        "ProviderAttributeValue": value,
    }


def link(pool: CheckedPool, username: str, value: str) -> Any:
    to = {"ProviderName": "Cognito", "ProviderAttributeValue": username}
    return ask(pool, "AdminLinkProviderForUser", DestinationUser=to, SourceUser=provider(value))


def test_an_identity_is_linked_once_and_unlinked(pool: CheckedPool) -> None:
    pool.add_user("ana", PASSWORD)
    link(pool, "ana", "41")
    identities = json.loads(shown(ask(pool, "AdminGetUser", "ana"))["identities"])
    assert identities[0]["userId"] == "41"
    assert refusal(link, pool, "ana", "41")[0] == "InvalidParameterException"
    assert refusal(link, pool, "eva", "42")[0] == "UserNotFoundException"
    ask(pool, "AdminDisableProviderForUser", User=provider("41"))
    assert "identities" not in shown(ask(pool, "AdminGetUser", "ana"))
    code, _ = refusal(ask, pool, "AdminDisableProviderForUser", User=provider("41"))
    assert code == "UserNotFoundException"


def test_five_identities_are_enough(pool: CheckedPool) -> None:
    pool.add_user("ana", PASSWORD)
    for number in range(5):
        link(pool, "ana", str(number))
    assert refusal(link, pool, "ana", "5")[0] == "LimitExceededException"


# --- second factors ---


def test_factors_are_switched_and_forgotten(settle: Settle, pool: CheckedPool) -> None:
    person = settle(pool, totp=True, attributes=dict(VERIFIED_MAIL))
    factors = ask(pool, "AdminGetUserAuthFactors", "ana")
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD", "EMAIL_OTP", "SOFTWARE_TOKEN"]
    preferred = {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}}
    ask(pool, "AdminSetUserMFAPreference", "ana", **preferred)
    assert ask(pool, "AdminGetUser", "ana")["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    assert person.by_password()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    ask(pool, "AdminDeleteSoftwareToken", "ana")
    answer = ask(pool, "AdminGetUser", "ana")
    assert not {"UserMFASettingList", "PreferredMfaSetting"} & set(answer)
    assert tokens(person.by_password())
    switch = {"SMSMfaSettings": {"Enabled": True}}
    code, _ = refusal(ask, pool, "AdminSetUserMFAPreference", "ana", **switch)
    assert code == "InvalidParameterException"


def test_another_preference_survives_a_forgotten_authenticator(pool: CheckedPool) -> None:
    pool.add_user(
        "ana",
        PASSWORD,
        totp=True,
        mfa=["EMAIL_OTP"],
        preferred_mfa="EMAIL_OTP",
        attributes=dict(VERIFIED_MAIL),
    )
    ask(pool, "AdminDeleteSoftwareToken", "ana")
    assert ask(pool, "AdminGetUser", "ana")["PreferredMfaSetting"] == "EMAIL_OTP"


# --- groups ---


def group(pool: CheckedPool, operation: str, name: str = "editors", **members: Any) -> Any:
    return ask(pool, operation, GroupName=name, **members)


def test_groups_come_and_go(pool: CheckedPool, clock: ManualClock) -> None:
    # F053
    role = "arn:aws:iam::123456789012:role/editor"
    made = group(pool, "CreateGroup", Description="who edit", RoleArn=role, Precedence=3)
    assert made == group(pool, "GetGroup")
    assert made["Group"]["CreationDate"] == clock.wall()
    assert refusal(group, pool, "CreateGroup")[0] == "GroupExistsException"
    clock.advance(60)
    changed = group(pool, "UpdateGroup", Precedence=1)["Group"]
    assert (changed["Description"], changed["Precedence"]) == ("who edit", 1)
    assert changed["LastModifiedDate"] == clock.wall()
    pool.add_user("ana", PASSWORD, groups=["editors"])
    group(pool, "DeleteGroup")
    for operation in ("GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersInGroup"):
        assert refusal(group, pool, operation)[0] == "ResourceNotFoundException"
    assert ask(pool, "AdminListGroupsForUser", "ana")["Groups"] == []


def test_membership_shows_in_the_tokens(ana: Person) -> None:
    # F053
    pool = ana.pool
    group(pool, "CreateGroup")
    for _ in range(2):
        ask(pool, "AdminAddUserToGroup", "ana", GroupName="editors")
    assert claims(tokens(ana.by_password())["AccessToken"])["cognito:groups"] == ["editors"]
    (member,) = group(pool, "ListUsersInGroup")["Users"]
    assert member["Username"] == "ana"
    for _ in range(2):
        ask(pool, "AdminRemoveUserFromGroup", "ana", GroupName="editors")
    assert "cognito:groups" not in claims(tokens(ana.by_password())["AccessToken"])
    code, _ = refusal(ask, pool, "AdminAddUserToGroup", "ana", GroupName="x")
    assert code == "ResourceNotFoundException"


def test_groups_are_listed_page_by_page(pool: CheckedPool) -> None:
    pool.add_user("ana", PASSWORD, groups=[f"group-{number:02}" for number in range(65)])
    for operation, username in (("ListGroups", None), ("AdminListGroupsForUser", "ana")):
        first = ask(pool, operation, username)
        rest = ask(pool, operation, username, NextToken=first["NextToken"])
        assert (len(first["Groups"]), len(rest["Groups"])) == (60, 5)
        assert "NextToken" not in rest


# --- descriptions ---


def test_the_pool_and_its_clients_are_described(pool: CheckedPool) -> None:
    # F033
    clients = sorted(pool.add_client(name=f"c{number}").client_id for number in range(3))
    assert ask(pool, "DescribeUserPool") == pool.describe_user_pool()
    assert ask(
        pool, "DescribeUserPoolClient", ClientId=clients[0]
    ) == pool.describe_user_pool_client(clients[0])
    first = ask(pool, "ListUserPoolClients", MaxResults=2)
    rest = ask(pool, "ListUserPoolClients", NextToken=first["NextToken"])
    listed = first["UserPoolClients"] + rest["UserPoolClients"]
    assert [client["ClientId"] for client in listed] == clients
    (alone,) = pool.handle("ListUserPools", {"MaxResults": 60})["UserPools"]
    assert alone["Id"] == POOL_ID
