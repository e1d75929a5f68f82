"""What the service checks of administrators' requests; a test compares it with the model."""

from __future__ import annotations

from collections.abc import Mapping

from aiocognito.testing.constraints import (
    ATTRIBUTE,
    ATTRIBUTE_NAME,
    CHALLENGES,
    CLIENT_ID,
    DEVICE_KEY,
    DEVICE_STATUS,
    FLOWS,
    INPUTS,
    MFA_SWITCHES,
    PASSWORD,
    PLAIN,
    SESSION,
    USERNAME,
    Flag,
    ListOf,
    Nested,
    Number,
    Rule,
    Structure,
    Text,
    TextMap,
    needed,
)

__all__ = ["ALL_INPUTS", "SIGNED_INPUTS"]

_ANY = r"[\S]+"
_POOL: dict[str, Rule] = {
    "UserPoolId": Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-zA-Z]+", required=True)
}
_USER: dict[str, Rule] = {**_POOL, "Username": USERNAME}
_GROUP: dict[str, Rule] = {
    **_POOL,
    "GroupName": Text(min=1, max=128, pattern=r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", required=True),
}
_GROUP_FACTS: dict[str, Rule] = {
    **_GROUP,
    "Description": Text(max=2048),
    "RoleArn": Text(
        min=20,
        max=2048,
        pattern=(
            r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+"
            r"(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?"
        ),
    ),
    "Precedence": Number(min=0),
}
_METADATA: dict[str, Rule] = {"ClientMetadata": TextMap()}
_LIMIT: dict[str, Rule] = {"Limit": Number(min=0, max=60)}
_SEARCHED: dict[str, Rule] = {**_LIMIT, "PaginationToken": Text(min=1, pattern=_ANY)}
_KEYED: dict[str, Rule] = {**_LIMIT, "NextToken": Text(min=1, max=131072, pattern=_ANY)}
_DEVICE: dict[str, Rule] = {**_USER, "DeviceKey": needed(DEVICE_KEY)}
_FEDERATED: Mapping[str, Rule] = {
    "ProviderName": Text(min=1, max=32, pattern=r"[\p{L}\p{M}\p{S}\p{N}\p{P}\p{Z}]+"),
    "ProviderAttributeName": PLAIN,
    "ProviderAttributeValue": PLAIN,
}
_SIGN_IN: dict[str, Rule] = {
    **_POOL,
    **_METADATA,
    "ClientId": CLIENT_ID,
    "Session": SESSION,
    "AnalyticsMetadata": Structure(str, ("AnalyticsEndpointId",)),
    "ContextData": Nested(
        {
            "IpAddress": needed(PLAIN),
            "ServerName": needed(PLAIN),
            "ServerPath": needed(PLAIN),
            "HttpHeaders": ListOf(
                Nested({"headerName": PLAIN, "headerValue": PLAIN}), required=True
            ),
            "EncodedData": PLAIN,
        }
    ),
}
_ONE_FEDERATED = Nested(_FEDERATED, required=True)

SIGNED_INPUTS: Mapping[str, Mapping[str, Rule]] = {
    "AdminInitiateAuth": {
        **_SIGN_IN,
        "AuthFlow": Text(enum=FLOWS, required=True),
        "AuthParameters": TextMap(secret=True),
    },
    "AdminRespondToAuthChallenge": {
        **_SIGN_IN,
        "ChallengeName": Text(enum=CHALLENGES, required=True),
        "ChallengeResponses": TextMap(secret=True),
    },
    "AdminCreateUser": {
        **_USER,
        **_METADATA,
        "UserAttributes": ListOf(ATTRIBUTE),
        "ValidationData": ListOf(ATTRIBUTE),
        "TemporaryPassword": PASSWORD,
        "ForceAliasCreation": Flag(),
        "MessageAction": Text(enum=("RESEND", "SUPPRESS")),
        "DesiredDeliveryMediums": ListOf(Text(enum=("SMS", "EMAIL"))),
    },
    "AdminGetUser": _USER,
    "ListUsers": {
        **_POOL,
        **_SEARCHED,
        "AttributesToGet": ListOf(ATTRIBUTE_NAME),
        "Filter": Text(max=256),
    },
    "AdminUpdateUserAttributes": {
        **_USER,
        **_METADATA,
        "UserAttributes": ListOf(ATTRIBUTE, required=True),
    },
    "AdminDeleteUserAttributes": {
        **_USER,
        "UserAttributeNames": ListOf(ATTRIBUTE_NAME, required=True),
    },
    "AdminEnableUser": _USER,
    "AdminDisableUser": _USER,
    "AdminDeleteUser": _USER,
    "AdminSetUserPassword": {**_USER, "Password": needed(PASSWORD), "Permanent": Flag()},
    "AdminResetUserPassword": {**_USER, **_METADATA},
    "AdminConfirmSignUp": {**_USER, **_METADATA},
    "AdminUserGlobalSignOut": _USER,
    "AdminLinkProviderForUser": {
        "UserPoolId": needed(PLAIN),
        "DestinationUser": _ONE_FEDERATED,
        "SourceUser": _ONE_FEDERATED,
    },
    "AdminDisableProviderForUser": {"UserPoolId": needed(PLAIN), "User": _ONE_FEDERATED},
    "AdminSetUserMFAPreference": {**_USER, **MFA_SWITCHES},
    "AdminGetUserAuthFactors": _USER,
    "AdminDeleteSoftwareToken": _USER,
    "AdminGetDevice": _DEVICE,
    "AdminListDevices": {**_USER, **_SEARCHED},
    "AdminUpdateDeviceStatus": {**_DEVICE, "DeviceRememberedStatus": DEVICE_STATUS},
    "AdminForgetDevice": _DEVICE,
    "CreateGroup": _GROUP_FACTS,
    "GetGroup": _GROUP,
    "UpdateGroup": _GROUP_FACTS,
    "DeleteGroup": _GROUP,
    "ListGroups": {**_POOL, **_KEYED},
    "AdminAddUserToGroup": {**_USER, **_GROUP},
    "AdminRemoveUserFromGroup": {**_USER, **_GROUP},
    "AdminListGroupsForUser": {**_USER, **_KEYED},
    "ListUsersInGroup": {**_GROUP, **_KEYED},
    "DescribeUserPool": _POOL,
    "GetUserPoolMfaConfig": _POOL,
    "DescribeUserPoolClient": {**_POOL, "ClientId": CLIENT_ID},
    "ListUserPoolClients": {
        **_POOL,
        "MaxResults": Number(min=1, max=60),
        "NextToken": Text(min=1, max=131072, pattern=_ANY),
    },
    "ListUserPools": {
        "MaxResults": Number(min=1, max=60, required=True),
        "NextToken": Text(min=1, pattern=_ANY),
    },
}
"""The operations that must be signed."""

ALL_INPUTS: Mapping[str, Mapping[str, Rule]] = {**INPUTS, **SIGNED_INPUTS}
