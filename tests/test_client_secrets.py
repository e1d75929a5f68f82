"""The app client's secret is rotated while the program runs (threat 44)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiocognito import (
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidType,
    Password,
    SecretHashMismatch,
    Session,
    SignInRequired,
    SoftwareTokenMfa,
    Throttled,
    challenge_from_dict,
)
from aiocognito._redact import Secret
from aiocognito.testing import Refuse, Throttle
from aiocognito.transport.base import revealed
from tests.world import PASSWORD, World

OLD = "the_old_secret_0123456789"
NEW = "the_new_secret_0123456789"
FLOWS = (
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)


def world(secret: Any = (OLD, NEW), **options: Any) -> World:
    given = {"client_secret": OLD, "explicit_auth_flows": FLOWS, **options}
    here = World(pool_options={"client_secret": secret}, **given)
    here.add_user(attributes={"email": "ana@example.com"})
    return here


def rotate(here: World) -> None:
    here.local.add_client_secret(NEW)
    here.local.remove_client_secret(OLD)


async def test_both_count_until_one_is_removed() -> None:
    here = world()
    here.local.add_client_secret(NEW)
    for secret in (OLD, NEW):
        await here.another_pool(client_secret=secret).sign_in("ana", PASSWORD)
    here.local.remove_client_secret(OLD)
    with pytest.raises(SecretHashMismatch):
        await here.another_pool(client_secret=OLD).sign_in("ana", PASSWORD)


def test_a_local_client_has_two_secrets_at_most() -> None:
    here = world()
    first = here.local.add_client_secret()
    assert here.local.client_secret == OLD
    with pytest.raises(InvalidArgument):
        here.local.add_client_secret()
    here.local.remove_client_secret(first)
    with pytest.raises(InvalidArgument):
        here.local.remove_client_secret(OLD)
    with pytest.raises(InvalidArgument):
        here.local.add_client_secret(OLD)
    with pytest.raises(LookupError):
        here.local.pool.add_client_secret("nobody's")


@pytest.mark.parametrize("flow", [None, Password()])
async def test_a_sign_in_tries_the_next_secret_once_and_remembers_it(flow: Any) -> None:
    # threat 44
    here = world()
    rotate(here)
    options = {} if flow is None else {"flow": flow}
    await here.pool.sign_in("ana", PASSWORD, **options)
    assert here.wire.counts["InitiateAuth"] == 2
    await here.pool.sign_in("ana", PASSWORD, **options)
    assert here.wire.counts["InitiateAuth"] == 3


Work = Callable[[World, Session], Awaitable[Any]]


async def refreshing(here: World, session: Session) -> None:
    await session.refresh()


async def revoking(here: World, session: Session) -> None:
    await session.sign_out()


async def signing_up(here: World, session: Session) -> None:
    await here.pool.sign_up("eva", PASSWORD, attributes={"email": "eva@example.com"})


async def recovering(here: World, session: Session) -> None:
    await here.pool.forgot_password("ana")


async def administering(here: World, session: Session) -> None:
    await here.pool.admin.sign_in("ana", PASSWORD)


@pytest.mark.parametrize("refresh_with", ["GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"])
@pytest.mark.parametrize("work", [refreshing, revoking, signing_up, recovering, administering])
async def test_a_rotation_in_mid_run_is_survived(work: Work, refresh_with: str) -> None:
    # threat 44, F043
    here = world()
    pool = here.pool = here.another_pool(refresh_with=refresh_with)
    session = await pool.sign_in("ana", PASSWORD)
    rotate(here)
    here.wire.sent.clear()
    await work(here, session)
    assert len(here.wire.sent) == (3 if work is administering else 2)
    here.wire.sent.clear()
    await pool.sign_in("ana", PASSWORD)
    assert len(here.wire.sent) == 2


async def test_a_revocation_really_ends_the_token() -> None:
    # RevokeToken has an error code of its own for a wrong secret.
    here = world()
    session = await here.pool.sign_in("ana", PASSWORD)
    kept = session.export_state()
    rotate(here)
    await session.sign_out()
    with pytest.raises(SignInRequired):
        await here.pool.restore(kept).access_token()


async def test_each_challenge_survives_a_rotation_before_its_answer() -> None:
    # threat 44
    here = world()
    here.add_user("kim", temporary=True, totp=True)
    login = here.pool.login("kim", PASSWORD)
    step: Any = await login.start()
    rotate(here)
    step = await login.send(step.answer("An0ther-one!"))
    assert isinstance(step, SoftwareTokenMfa)
    again: Any = challenge_from_dict(step.to_dict())
    other = here.another_pool()
    await other.resume(again.answer(here.local.totp_code("kim")))


async def test_a_rotation_between_srp_and_its_proof_is_survived() -> None:
    here = world()

    async def meanwhile() -> None:
        if here.wire.sent[-1].operation == "RespondToAuthChallenge":
            rotate(here)

    here.wire.before = [meanwhile, meanwhile]
    await here.pool.sign_in("ana", PASSWORD)
    assert here.wire.counts == {"InitiateAuth": 1, "RespondToAuthChallenge": 2}


async def test_a_rotation_that_is_rolled_back_is_survived_too() -> None:
    here = world()
    rotate(here)
    await here.pool.sign_in("ana", PASSWORD)
    here.local.add_client_secret(OLD)
    here.local.remove_client_secret(NEW)
    await here.pool.sign_in("ana", PASSWORD)


async def test_when_none_fits_it_is_said_after_two_tries() -> None:
    here = world(secret=("wrong_one_0123456789abcdef", "wrong_two_0123456789abcdef", OLD))
    with pytest.raises(SecretHashMismatch):
        await here.pool.sign_in("ana", PASSWORD)
    assert len(here.wire.sent) == 2


async def test_the_next_call_goes_on_where_two_did_not_fit() -> None:
    # threat 44
    here = world(secret=("wrong_one_0123456789abcdef", "wrong_two_0123456789abcdef", OLD))
    with pytest.raises(SecretHashMismatch):
        await here.pool.sign_in("ana", PASSWORD)
    await here.pool.sign_in("ana", PASSWORD)


async def test_a_secret_that_was_found_meanwhile_is_kept_when_two_do_not_fit() -> None:
    here = world(secret=("wrong_one_0123456789abcdef", "wrong_two_0123456789abcdef"))
    secrets = here.pool._services.transport

    async def nothing() -> None: ...

    async def meanwhile() -> None:
        secrets._used = Secret(OLD)

    here.wire.before = [nothing, meanwhile]
    with pytest.raises(SecretHashMismatch):
        await here.pool.sign_in("ana", PASSWORD)
    await here.pool.sign_in("ana", PASSWORD)


@pytest.mark.parametrize("secret", [OLD, (OLD,), [OLD.encode()]])
async def test_one_secret_costs_no_second_call(secret: Any) -> None:
    here = world(secret=secret)
    rotate(here)
    with pytest.raises(SecretHashMismatch):
        await here.pool.sign_in("ana", PASSWORD)
    assert len(here.wire.sent) == 1


async def test_other_refusals_are_not_repeated() -> None:
    here = world()
    with pytest.raises(IncorrectUsernameOrPassword):
        await here.pool.sign_in("ana", "Wr0ng-password!")
    assert len(here.wire.sent) == 2


async def test_a_second_try_that_fails_otherwise_changes_nothing() -> None:
    here = world()
    rotate(here)
    here.local.faults.add(Throttle(), operation="ForgotPassword", after=1)
    with pytest.raises(Throttled):
        await here.pool.forgot_password("ana")
    await here.pool.forgot_password("ana")
    assert here.wire.counts["ForgotPassword"] == 4


# --- a callable --------------------------------------------------------------------------


@pytest.mark.parametrize("several", [False, True])
async def test_an_async_callable_is_asked_first_and_after_a_refusal(several: bool) -> None:
    # threat 44
    present = [OLD]
    asked = []

    async def vault() -> Any:
        asked.append(1)
        return [present[0]] if several else present[0]

    here = world(secret=vault)
    session = await here.pool.sign_in("ana", PASSWORD)
    await session.refresh()
    assert len(asked) == 1
    rotate(here)
    present[0] = NEW
    await session.refresh()
    await here.pool.sign_in("ana", PASSWORD)
    assert len(asked) == 2


async def test_a_vault_that_knows_no_other_secret_is_asked_once_a_refusal() -> None:
    async def vault() -> str:
        return OLD

    here = world(secret=vault)
    rotate(here)
    with pytest.raises(SecretHashMismatch):
        await here.pool.sign_in("ana", PASSWORD)
    assert len(here.wire.sent) == 1


async def test_a_call_that_found_the_new_one_meanwhile_spares_the_vault() -> None:
    here = world()
    rotate(here)
    carrier: Any = here.pool._services.transport
    carrier._used = Secret(NEW)
    assert await carrier._other_than(Secret(OLD)) == Secret(NEW)


async def test_calls_without_a_secret_do_not_ask() -> None:
    async def vault() -> str:
        raise AssertionError("asked")

    here = world(secret=vault)
    await here.pool.admin.get_user("ana")


@pytest.mark.parametrize(
    ("secret", "error"),
    [
        (lambda: OLD, InvalidArgument),
        ((), InvalidArgument),
        ((OLD, None), InvalidArgument),
        ((OLD, 7), InvalidType),
        ({OLD}, InvalidType),
        ([OLD] * 9, InvalidArgument),
        (("a b",), InvalidArgument),
    ],
)
def test_what_is_no_secret_is_refused_when_the_pool_is_made(secret: Any, error: Any) -> None:
    here = World(client_secret=OLD)
    with pytest.raises(error, match="client_secret"):
        here.another_pool(client_secret=secret)


async def test_what_a_vault_brings_is_checked() -> None:
    async def vault() -> Any:
        return None

    here = world(secret=vault)
    with pytest.raises(InvalidType, match="client_secret"):
        await here.pool.sign_in("ana", PASSWORD)


async def test_no_secret_shows(caplog: pytest.LogCaptureFixture) -> None:
    # threat 34, threat 44
    caplog.set_level(logging.DEBUG)
    here = world(secret=("wrong_one_0123456789abcdef", "wrong_two_0123456789abcdef"))
    try:
        await here.pool.sign_in("ana", PASSWORD)
    except SecretHashMismatch as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = "".join(report.format())
    assert "wrong_one" not in shown
    assert "wrong_two" not in shown
    assert "wrong_" not in caplog.text
    assert all("wrong_" not in repr(call) for call in here.wire.sent)


async def test_the_refusal_of_a_plain_secret_ends_no_session() -> None:
    here = world(secret=OLD)
    session = await here.pool.sign_in("ana", PASSWORD)
    refusal = Refuse("NotAuthorizedException", "Invalid client secret")
    here.local.faults.add(refusal, operation="GetTokensFromRefreshToken")
    with pytest.raises(SecretHashMismatch):
        await session.refresh()
    here.clock.advance(61)
    await session.refresh()
    assert revealed(here.wire.sent[-1].parameters)["ClientSecret"] == OLD
