"""A forgotten password, at the local pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from aiocognito.testing.password_policy import PasswordPolicy
from tests.testing.account_calls import EMAIL, EXPIRED, LIMIT, PHONE, WRONG, AppAt
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, Person, refusal, tokens

NEW = "An0ther-one"
UNREACHABLE = (
    "InvalidParameterException",
    ("Cannot reset password for the user as there is no registered/verified email or phone_number"),
)
MakeApp = Callable[..., AppAt]


@pytest.fixture
def make_app(make_pool: Callable[..., CheckedPool]) -> MakeApp:
    def make(
        user: dict[str, Any] | None = None, client: dict[str, Any] | None = None, **settings: Any
    ) -> AppAt:
        pool = make_pool(**settings)
        pool.add_user("ana", PASSWORD, **{"attributes": {"email": EMAIL}, **(user or {})})
        return AppAt(pool, pool.add_client(**{"explicit_auth_flows": EVERY_FLOW, **(client or {})}))

    return make


@pytest.fixture
def app(make_app: MakeApp) -> AppAt:
    return make_app()


def forget(app: AppAt, username: str = "ana") -> dict[str, Any]:
    return dict(app.call("ForgotPassword", username)["CodeDeliveryDetails"])


def finish(
    app: AppAt, username: str = "ana", *, code: str | None = None, password: str = NEW
) -> dict[str, Any]:
    code = code if code is not None else app.code()
    return app.call("ConfirmForgotPassword", username, ConfirmationCode=code, Password=password)


def test_a_new_password_by_code(app: AppAt, clock: ManualClock) -> None:
    # F015
    ana = Person(app.pool, app.client, clock, "ana", PASSWORD)
    before = tokens(ana.by_srp())["RefreshToken"]
    assert forget(app) == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert app.pool.outbox[-1].purpose == "ForgotPassword"
    assert finish(app) == {}
    assert refusal(ana.by_srp)[1] == "Incorrect username or password."
    ana.password = NEW
    assert tokens(ana.by_srp())
    assert ana.refresh(before)
    assert refusal(finish, app) == EXPIRED


def test_a_code_lives_an_hour(app: AppAt, clock: ManualClock) -> None:
    assert refusal(finish, app, code="123456") == EXPIRED
    forget(app)
    clock.advance(3600)
    assert refusal(finish, app) == EXPIRED
    forget(app)
    clock.advance(3599)
    finish(app)


def test_a_wrong_code_and_a_weak_password_leave_the_code_good(app: AppAt) -> None:
    # F091
    forget(app)
    assert refusal(finish, app, code=app.wrong_code()) == WRONG
    assert refusal(finish, app, password="weak")[0] == "InvalidPasswordException"
    finish(app)


def test_a_password_from_the_history(make_app: MakeApp) -> None:
    app = make_app(password_policy=PasswordPolicy(history_size=1))
    forget(app)
    refused = refusal(finish, app, password=PASSWORD)
    assert refused[0] == "PasswordHistoryPolicyViolationException"


def test_a_lock_and_a_reset_end_with_the_new_password(app: AppAt, clock: ManualClock) -> None:
    # F120
    ana = Person(app.pool, app.client, clock, "ana", "wrong")
    app.pool.user("ana").status = "RESET_REQUIRED"
    for _ in range(5):
        assert refusal(ana.by_password)[1] == "Incorrect username or password."
    assert refusal(ana.by_password)[1] == "Password attempts exceeded"
    forget(app)
    finish(app)
    ana.password = NEW
    assert tokens(ana.by_password())
    assert app.pool.user("ana").status == "CONFIRMED"


@pytest.mark.parametrize(
    ("recovery", "user", "medium"),
    [
        (("verified_email", "verified_phone_number"), {}, "EMAIL"),
        (("verified_phone_number", "verified_email"), {}, "SMS"),
        (("verified_phone_number", "verified_email"), {"mfa": ["SMS_MFA"]}, "EMAIL"),
        (
            ("verified_email", "verified_phone_number"),
            {"attributes": {"email": EMAIL, "email_verified": False, "phone_number": PHONE}},
            "SMS",
        ),
        (("admin_only", "verified_email"), {}, "EMAIL"),
    ],
)
def test_where_the_code_goes(
    make_app: MakeApp, recovery: tuple[str, ...], user: dict[str, Any], medium: str
) -> None:
    # F015: the phone of the second factor does not stand for the first too
    both = {"attributes": {"email": EMAIL, "phone_number": PHONE}}
    app = make_app({**both, **user}, recovery=recovery)
    assert forget(app)["DeliveryMedium"] == medium
    assert app.pool.outbox[-1].medium == medium


def test_only_administrators_reset(make_app: MakeApp) -> None:
    refused = refusal(forget, make_app(recovery=["admin_only"]))
    assert refused == ("NotAuthorizedException", "Contact administrator to reset password.")


@pytest.mark.parametrize("user", [{"attributes": {}}, {"attributes": {"email": EMAIL}}])
@pytest.mark.parametrize("enabled", [True, False])
def test_whom_no_code_reaches_looks_like_everybody(
    make_app: MakeApp, user: dict[str, Any], enabled: bool
) -> None:
    reachable = enabled and bool(user["attributes"])
    app = make_app({**user, "enabled": enabled})
    assert forget(app)["DeliveryMedium"] == "EMAIL"
    assert bool(app.pool.outbox) == reachable
    legacy = make_app({**user, "enabled": enabled}, {"prevent_user_existence_errors": False})
    if reachable:
        assert forget(legacy)
    elif enabled:
        assert refusal(forget, legacy) == UNREACHABLE
    else:
        assert refusal(forget, legacy) == ("NotAuthorizedException", "User is disabled.")
        assert refusal(finish, legacy, code="1")[1] == "User is disabled."


@pytest.mark.parametrize(
    ("name", "settings", "destination"),
    [
        ("eve@elsewhere.org", {}, "e***@e***"),
        ("+15551234567", {}, "+*******4567"),
        ("nobody", {"auto_verified_attributes": ["phone_number"]}, None),
        ("nobody", {}, None),
    ],
)
def test_nobody_is_sent_something_it_seems(
    make_app: MakeApp, name: str, settings: dict[str, Any], destination: str | None
) -> None:
    app = make_app(**settings)
    details = forget(app, name)
    assert details == forget(app, name)
    assert destination in (None, details["Destination"])
    assert (details["DeliveryMedium"] == "SMS") == details["Destination"].startswith("+")
    assert app.pool.outbox == []
    assert refusal(finish, app, name, code="123456") == WRONG


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_attempts_are_limited_by_the_hour(app: AppAt, clock: ManualClock, name: str) -> None:
    for _ in range(20):
        forget(app, name)
    assert refusal(forget, app, name) == LIMIT
    assert refusal(finish, app, name, code="1") == LIMIT
    clock.advance(3600)
    forget(app, name)


@pytest.mark.parametrize("hiding", [True, False])
def test_a_temporary_password_is_not_forgotten(make_app: MakeApp, hiding: bool) -> None:
    app = make_app({"temporary": True}, {"prevent_user_existence_errors": hiding})
    refused = refusal(forget, app)
    assert refused == (
        "NotAuthorizedException",
        "User password cannot be reset in the current state.",
    )


def test_an_unconfirmed_account_is_confirmed_first(make_app: MakeApp) -> None:
    # F093
    app = make_app({"status": "UNCONFIRMED"})
    forget(app)
    assert refusal(finish, app) == ("UserNotConfirmedException", "User is not confirmed.")


def test_a_trigger_hears_of_it(app: AppAt) -> None:
    heard: list[str] = []

    def remember(event: dict[str, Any]) -> dict[str, Any]:
        heard.append(event["triggerSource"])
        return event

    app.pool.triggers["PostConfirmation"] = remember
    forget(app)
    finish(app)
    assert heard == ["PostConfirmation_ConfirmForgotPassword"]


def test_an_address_deleted_meanwhile_is_not_verified(app: AppAt) -> None:
    forget(app)
    app.with_token("DeleteUserAttributes", app.token(), UserAttributeNames=["email"])
    finish(app)
    assert "email_verified" not in app.attributes()
