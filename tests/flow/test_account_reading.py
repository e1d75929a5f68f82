"""What the account calls answer: taken apart, and refused when it is not Cognito's."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from aiocognito.errors import RemoteProtocolError
from aiocognito.flow.account_reading import (
    CodeDelivery,
    SignUpConfirmed,
    SignUpResult,
    read_auth_factors,
    read_confirmation,
    read_deliveries,
    read_delivery,
    read_sign_up,
    read_totp_secret,
    read_totp_status,
    read_user,
)

DETAILS = {"Destination": "f***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
DELIVERY = CodeDelivery(destination="f***@e***", medium="EMAIL", attribute="email")
SUB = "34c84488-e0e1-70ae-d2ee-991ad1a898c8"
SESSION = "AYAB" + "x" * 40


def test_a_sign_up_as_it_was_captured() -> None:
    # F035: the service model's own example has no session either
    body = {"UserConfirmed": False, "UserSub": SUB, "CodeDeliveryDetails": DETAILS}
    result = read_sign_up(body)
    assert result == SignUpResult(user_sub=SUB, confirmed=False, delivery=DELIVERY)
    assert result.session is None


def test_sessions_are_handed_out_and_not_shown() -> None:
    result = read_sign_up({"UserConfirmed": True, "UserSub": SUB, "Session": SESSION})
    confirmed = read_confirmation({"Session": SESSION})
    assert result.session == confirmed.session == SESSION
    assert read_confirmation({}).session is None
    for value in (result, confirmed):
        assert SESSION not in repr(value)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(value)
    assert isinstance(confirmed, SignUpConfirmed)


def test_deliveries() -> None:
    assert read_delivery({}) is None
    assert read_delivery({"CodeDeliveryDetails": DETAILS}) == DELIVERY
    assert read_delivery({"CodeDeliveryDetails": {}}) == CodeDelivery(
        destination=None, medium=None, attribute=None
    )
    assert read_deliveries({}) == ()
    assert read_deliveries({"CodeDeliveryDetailsList": [DETAILS]}) == (DELIVERY,)


def test_a_user() -> None:
    user = read_user(
        {
            "Username": "ana",
            "UserAttributes": [
                {"Name": "sub", "Value": SUB},
                {"Name": "email", "Value": "ana@example.com"},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "nickname"},
            ],
            "UserMFASettingList": ["SMS_MFA", "SOFTWARE_TOKEN_MFA"],
            "PreferredMfaSetting": "SMS_MFA",
        }
    )
    assert user.sub == SUB
    assert user.attributes["nickname"] == ""
    assert user.is_verified("email")
    assert not user.is_verified("phone_number")
    assert user.mfa == ("SMS_MFA", "SOFTWARE_TOKEN_MFA")
    assert user.preferred_mfa == "SMS_MFA"
    assert "example.com" not in repr(user)


def test_a_user_whose_attributes_are_hidden() -> None:
    user = read_user({"Username": "ana", "UserAttributes": [], "PreferredMfaSetting": ""})
    assert (user.sub, user.mfa, user.preferred_mfa) == (None, (), None)


def test_auth_factors() -> None:
    factors = read_auth_factors(
        {"Username": "ana", "ConfiguredUserAuthFactors": ["PASSWORD", "WEB_AUTHN"]}
    )
    assert factors.configured == ("PASSWORD", "WEB_AUTHN")


def test_authenticators() -> None:
    assert read_totp_secret({"SecretCode": "ABCDEFGHIJKLMNOP"}).reveal() == "ABCDEFGHIJKLMNOP"
    assert read_totp_status({"Status": "SUCCESS"})
    assert not read_totp_status({"Status": "ERROR"})


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (read_sign_up, {"UserConfirmed": "yes", "UserSub": SUB}),
        (read_sign_up, {"UserConfirmed": True}),
        (read_sign_up, {"UserConfirmed": True, "UserSub": 7}),
        (read_sign_up, {"UserConfirmed": True, "UserSub": SUB, "Session": "short"}),
        (read_sign_up, {"UserConfirmed": True, "UserSub": SUB, "Session": "x" * 4097}),
        (read_sign_up, {"UserConfirmed": True, "UserSub": SUB, "CodeDeliveryDetails": []}),
        (read_delivery, {"CodeDeliveryDetails": {"Destination": 1}}),
        (read_deliveries, {"CodeDeliveryDetailsList": {}}),
        (read_deliveries, {"CodeDeliveryDetailsList": ["x"]}),
        (read_deliveries, {"CodeDeliveryDetailsList": [{}] * 1001}),
        (read_user, {"UserAttributes": []}),
        (read_user, {"Username": "ana", "UserAttributes": [{"Value": "x"}]}),
        (read_user, {"Username": "ana", "UserAttributes": [{"Name": "x", "Value": 1}]}),
        (read_user, {"Username": "ana", "UserAttributes": ["x"]}),
        (read_user, {"Username": "ana", "UserMFASettingList": [1]}),
        (read_auth_factors, {"Username": "a" * 131_073}),
        (read_totp_secret, {}),
        (read_totp_secret, {"SecretCode": "short"}),
        (read_totp_secret, {"SecretCode": "ABCDEFGH IJKLMNOP"}),
        (read_totp_secret, {"SecretCode": "A" * 1025}),
        (read_totp_status, {}),
        (read_totp_status, {"Status": ["SUCCESS"]}),
    ],
)
def test_what_is_not_cognitos_is_refused(
    read: Callable[[Mapping[str, Any]], object], body: Mapping[str, Any]
) -> None:
    with pytest.raises(RemoteProtocolError):
        read(body)
