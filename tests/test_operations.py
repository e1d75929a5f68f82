"""What the service model has: offered, or listed with the reason why not.

When one of these fails after the pin of botocore was moved, the service has learnt
something: offer it, or write down on docs/reference/operations.md why not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

import aiocognito
from aiocognito import CognitoError, RequestContext, SoftwareTokenMfa
from aiocognito.transport.base import revealed
from tests.testing.model_check import NEWER_VALUES
from tests.world import PASSWORD, World

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "operations.md"
# Values the model knows for what we send or read in sign-ins, accounts and administration.
# What stands here has a class, an argument or a place in a result.
KNOWN_VALUES = {
    "AuthFactorType": {"PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN", "SOFTWARE_TOKEN"},
    "DeliveryMediumType": {"SMS", "EMAIL"},
    "DeviceRememberedStatusType": {"remembered", "not_remembered"},
    "MessageActionType": {"RESEND", "SUPPRESS"},
    "UserStatusType": {
        "UNCONFIRMED",
        "CONFIRMED",
        "ARCHIVED",
        "COMPROMISED",
        "UNKNOWN",
        "RESET_REQUIRED",
        "FORCE_CHANGE_PASSWORD",
        "EXTERNAL_PROVIDER",
    },
    "VerifySoftwareTokenResponseType": {"SUCCESS", "ERROR"},
}
# Elsewhere: tests/flow/test_service_model.py has a table for each of these two.
TABLES_ELSEWHERE = {"AuthFlowType", "ChallengeNameType"}
# Of operations that we do not offer; see the page.
NOT_SENT = {"FeedbackValueType"}

CONTEXT = ("AnalyticsMetadata", "ClientMetadata", "ContextData", "UserContextData")
WITHOUT_CONTEXT = {"GetClientToken": "a machine's token by secret; not offered"}


@cache
def model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("cognito-idp")


def unsigned() -> set[str]:
    names = model().operation_names
    return {name for name in names if model().operation_model(name).auth_type == "none"}


def rows() -> dict[str, str]:
    found = re.findall(r"^\| (\w+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: text for name, text in found if name != "operation"}


def enums(shape: Shape | None, seen: set[str]) -> Iterator[tuple[str, set[str]]]:
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    if values := getattr(shape, "enum", None):
        yield shape.name, set(values)
    inner: list[Shape] = []
    if isinstance(shape, StructureShape):
        inner = list(shape.members.values())
    elif isinstance(shape, ListShape):
        inner = [shape.member]
    elif isinstance(shape, MapShape):
        inner = [shape.key, shape.value]
    for each in inner:
        yield from enums(each, seen)


def enums_of(operations: set[str]) -> dict[str, set[str]]:
    seen: set[str] = set()
    found: dict[str, set[str]] = {}
    for name in sorted(operations):
        operation = model().operation_model(name)
        for shape in (operation.input_shape, operation.output_shape):
            found |= dict(enums(shape, seen))
    return found


# --- operations -------------------------------------------------------------------------


@pytest.mark.may_block
def test_every_unsigned_operation_is_on_the_page() -> None:
    new = sorted(unsigned() - set(rows()))
    assert new == [], (
        f"botocore {botocore.__version__} knows operations that we do not: {new}. Offer each, or "
        f"say on {PAGE.name} why not."
    )
    gone = sorted(set(rows()) - unsigned())
    assert gone == [], f"botocore {botocore.__version__} does not know {gone} any more."


@pytest.mark.parametrize("operation", sorted(rows()))
def test_each_is_offered_or_there_is_a_reason(operation: str) -> None:
    said = rows()[operation]
    reason = re.match(r"not offered: .{40}", said)
    names = re.findall(r"`([A-Z]\w+)\.(\w+)`", said)
    assert reason or names, f"{operation} is neither offered nor excused"
    for owner, method in names:
        assert callable(getattr(getattr(aiocognito, owner), method)), f"{owner}.{method}"


# --- values -----------------------------------------------------------------------------


@pytest.mark.may_block
def test_every_value_of_the_newest_model_is_known() -> None:
    found = enums_of(unsigned() | {"AdminCreateUser", "AdminGetUser", "AdminListDevices"})
    unheard = sorted(set(found) - set(KNOWN_VALUES) - TABLES_ELSEWHERE - NOT_SENT)
    assert unheard == [], f"botocore {botocore.__version__} has kinds of values unknown to us"
    for name, known in KNOWN_VALUES.items():
        new = sorted(found[name] - known)
        assert new == [], (
            f"botocore {botocore.__version__} knows values of {name} that we do not: {new}. See "
            "that they are sent or read, then add them to tests/test_operations.py."
        )
        gone = known - found[name] - NEWER_VALUES.get(name, set())
        assert gone == set(), f"{name} has lost {sorted(gone)}"


@pytest.mark.may_block
@pytest.mark.parametrize("kind", ["operation", "value"])
def test_a_newer_model_is_noticed_with_a_clear_message(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "operation":
        newer = unsigned() | {"ReadMinds"}
        monkeypatch.setattr("tests.test_operations.unsigned", lambda: newer)
        with pytest.raises(AssertionError, match=r"that we do not: \['ReadMinds'\]"):
            test_every_unsigned_operation_is_on_the_page()
        return
    monkeypatch.setitem(KNOWN_VALUES, "DeliveryMediumType", {"SMS"})
    with pytest.raises(AssertionError, match=r"DeliveryMediumType that we do not: \['EMAIL'\]"):
        test_every_value_of_the_newest_model_is_known()


# --- context ----------------------------------------------------------------------------

EVERYTHING = RequestContext(
    client_metadata={"tenant": "blue"},
    ip_address="203.0.113.7",
    encoded_data="fingerprint",
    analytics_endpoint_id="endpoint",
    server_name="app.example.com",
    server_path="/",
)
TENANT = {"client_metadata": {"tenant": "blue"}}


async def _everything_with_a_context(here: World) -> None:
    """Make every call that takes a context, whether or not the pool likes it."""
    pool, admin = here.pool, here.pool.admin

    async def tried(call: Any) -> Any:
        try:
            return await call
        except CognitoError:
            return None

    await tried(pool.sign_up("eva", PASSWORD))
    await tried(pool.resend_confirmation_code("eva"))
    await tried(pool.confirm_sign_up("eva", "123456"))
    await tried(pool.forgot_password("eva"))
    await tried(pool.confirm_forgot_password("eva", "123456", PASSWORD))
    for door in (pool, admin):
        step = await door.login("ana", PASSWORD).start()
        assert isinstance(step, SoftwareTokenMfa)
        await door.resume(step.answer(here.local.totp_code("ana", unused=True)))
    session = await pool.sign_in("ben", PASSWORD)
    await session.refresh()
    await tried(session.update_attributes({"name": "Ben"}, **TENANT))
    await tried(session.send_attribute_code("email", **TENANT))
    await tried(admin.create_user("kim", invite=None, **TENANT))
    await tried(admin.update_user("kim", {"name": "Kim"}, **TENANT))
    await tried(admin.reset_password("kim", **TENANT))
    await tried(admin.confirm_sign_up("kim", **TENANT))


@pytest.mark.may_block
async def test_every_operation_that_takes_a_context_gets_it() -> None:
    # F092
    here = World(pool_options={"context": EVERYTHING})
    here.add_user("ana", totp=True)
    here.add_user("ben")
    await _everything_with_a_context(here)
    sent: dict[str, set[str]] = {}
    for call in here.wire.sent:
        given: Mapping[str, Any] = revealed(call.parameters)
        found = {name for name in CONTEXT if given.get(name)}
        if found:
            sent[call.operation] = sent.get(call.operation, set()) | found
    wanted: dict[str, set[str]] = {}
    for name in set(model().operation_names) - set(WITHOUT_CONTEXT):
        shape = model().operation_model(name).input_shape
        if members := {member for member in CONTEXT if member in (shape.members if shape else ())}:
            wanted[name] = members
    missing = {name: members - sent.get(name, set()) for name, members in wanted.items()}
    assert {name: members for name, members in missing.items() if members} == {}
    assert {name: members - wanted[name] for name, members in sent.items()} == {
        name: set() for name in sent
    }
