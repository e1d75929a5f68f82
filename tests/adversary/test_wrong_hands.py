"""Arguments and answers of the wrong kind: one clear error of ours, nothing sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from aiocognito import UnknownChallenge, challenge_from_dict, responders
from aiocognito.errors import (
    CodeMismatch,
    CognitoError,
    InvalidArgument,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
)
from aiocognito.flow.calls import Call, Reply
from tests.world import PASSWORD, World

SURROGATE = "\ud800"
OTHER_TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize("respond", ["123456", 5])
async def test_a_responder_that_cannot_be_called_is_refused_at_once(respond: Any) -> None:
    world = World()
    with pytest.raises(InvalidType, match="respond"):
        world.pool.session("ana", password=PASSWORD, respond=respond)
    with pytest.raises(InvalidType, match="respond"):
        await world.pool.sign_in("ana", PASSWORD, respond=respond)
    assert not world.wire.sent


async def a_code(challenge: object) -> Any:
    return "123456"


@pytest.mark.parametrize("respond", [lambda challenge: None, a_code], ids=["plain", "a str"])
async def test_a_responder_that_answers_with_something_else_is_told_so(respond: Any) -> None:
    world = World()
    world.local.add_user("ana", PASSWORD, totp=True)
    with pytest.raises(InvalidType):
        await world.pool.sign_in("ana", PASSWORD, respond=respond)


async def test_a_code_in_place_of_an_answer_is_refused_and_the_challenge_still_waits() -> None:
    world = World()
    world.local.add_user("ana", PASSWORD, totp=True)
    login = world.pool.login("ana", PASSWORD)
    step: Any = await login.start()
    with pytest.raises(InvalidType, match="answer"):
        await login.send("123456")  # type: ignore[arg-type]
    assert login.waiting is step
    await login.send(step.answer(world.local.totp_code("ana")))


async def test_an_answer_to_another_challenge_is_refused_and_not_sent() -> None:
    # threat 42
    world = World()
    for name in ("ana", "ben"):
        world.local.add_user(name, PASSWORD, totp=True)
    bens: Any = await world.pool.login("ben", PASSWORD).start()

    async def mixed_up(challenge: object) -> Any:
        return bens.answer(world.local.totp_code("ben"))

    sent = world.wire.counts["RespondToAuthChallenge"]
    with pytest.raises(LocalProtocolError, match="not another one"):
        await world.pool.sign_in("ana", PASSWORD, respond=mixed_up)
    assert world.wire.counts["RespondToAuthChallenge"] == sent + 1  # the SRP proof alone


def test_an_observer_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidType, match="observer"):
        World(pool_options={"observer": 5})


@pytest.mark.parametrize("secret", [f"abc{SURROGATE}", "schlüssel", "a\x00b"])
def test_a_client_secret_that_cannot_be_one_is_refused_before_it_is_hashed(secret: str) -> None:
    """Python's own error would carry the secret along."""
    # threat 34
    with pytest.raises(InvalidArgument, match="client_secret") as caught:
        World(client_secret=True).another_pool(client_secret=secret)
    assert secret not in str(caught.value)


async def test_a_password_without_utf_8_is_refused_before_anything_is_sent() -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="password"):
        await world.pool.sign_in("ana", f"Abc{SURROGATE}\U0001f600")  # not the largest one
    assert not world.wire.sent


@pytest.mark.parametrize("brought", [None, b"bytes", 5, "", "x" * 257], ids=repr)
async def test_what_a_vault_brings_is_checked_before_it_is_sent(brought: Any) -> None:
    world = World()

    async def vault() -> Any:
        return brought

    session = world.pool.session("ana", password=vault)
    with pytest.raises((InvalidType, InvalidArgument), match="password"):
        await session.access_token()
    assert not world.wire.sent


async def test_an_authenticator_that_is_never_right_is_named_as_the_reason() -> None:
    """Not as a mistake in the order of calls."""
    world = World()
    world.local.add_user("ana", PASSWORD, totp=True)
    answer = responders.totp(OTHER_TOTP, clock=world.clock)
    with pytest.raises(CodeMismatch):
        await world.pool.sign_in("ana", PASSWORD, respond=answer)
    assert world.wire.counts["RespondToAuthChallenge"] == 4  # the proof and three codes


@pytest.mark.parametrize("member", ["USERNAME", "USER_ID_FOR_SRP"])
async def test_a_name_without_utf_8_from_the_server_is_the_servers_fault(member: str) -> None:
    """Python's own error would come out of the frame that hashes the client's secret."""
    # threats 11, 34
    world = World(client_secret=True)
    world.add_user()
    real = world.wire._inner.send

    async def renaming(call: Call) -> Reply:
        reply = await real(call)
        parameters = {**reply.body["ChallengeParameters"], member: SURROGATE}
        return Reply(body={**reply.body, "ChallengeParameters": parameters})

    world.wire._inner.send = renaming  # type: ignore[method-assign]
    with pytest.raises(RemoteProtocolError):
        await world.pool.sign_in("ana", PASSWORD)


async def test_a_name_without_utf_8_in_a_stored_challenge_is_refused() -> None:
    # threats 11, 34
    world = World(client_secret=True)
    world.local.add_user("ana", PASSWORD, totp=True)
    step: Any = await world.pool.login("ana", PASSWORD).start()
    with pytest.raises(InvalidArgument, match="to_dict"):
        challenge_from_dict({**step.to_dict(), "username": SURROGATE})


async def test_a_name_without_utf_8_in_saved_state_is_refused() -> None:
    # threat 34
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    state = json.dumps({**json.loads(session.export_state()), "username": SURROGATE})
    with pytest.raises(InvalidArgument, match="export_state"):
        world.pool.restore(state.encode())


JUNK = (None, 5, "", "x", SURROGATE, "A" * 5000, [], {"a": 1}, True, 1e400, 10**400, "SMS_MFA")


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:12])
async def test_junk_in_a_stored_challenge_is_refused_or_answered_as_ours(junk: Any) -> None:
    # threats 11, 12
    world = World(client_secret=True)
    world.local.add_user("ana", PASSWORD, totp=True)
    step: Any = await world.pool.login("ana", PASSWORD).start()
    for member in (*step.to_dict(), "another"):
        with suppress(CognitoError):
            found: Any = challenge_from_dict({**step.to_dict(), member: junk})
            code = {"CODE": "0"} if isinstance(found, UnknownChallenge) else "000000"
            await world.pool.resume(found.answer(code))


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:12])
@pytest.mark.parametrize(
    ("operation", "above", "members"),
    [
        ("InitiateAuth", "ChallengeParameters", ("SRP_B", "SALT", "SECRET_BLOCK", "USERNAME")),
        ("RespondToAuthChallenge", "AuthenticationResult", ("IdToken", "ExpiresIn", "NewDevice")),
        ("GetTokensFromRefreshToken", "AuthenticationResult", ("AccessToken", "RefreshToken")),
        ("GetTokensFromRefreshToken", None, ("AuthenticationResult", "ChallengeName")),
    ],
)
async def test_junk_from_a_server_ends_in_an_error_of_ours(
    operation: str, above: str | None, members: tuple[str, ...], junk: Any
) -> None:
    # threats 3, 12, 13
    world = World(client_secret=True)
    world.add_user()
    real = world.wire._inner.send

    async def spoiling(call: Call) -> Reply:
        reply = await real(call)
        if call.operation != operation:
            return reply
        inner = reply.body if above is None else reply.body[above]
        spoiled = {**inner, member: junk}
        return Reply(body=spoiled if above is None else {**reply.body, above: spoiled})

    world.wire._inner.send = spoiling  # type: ignore[method-assign]
    for member in members:  # noqa: B007  `spoiling` reads it
        with suppress(CognitoError):
            await (await world.another_pool().sign_in("ana", PASSWORD)).refresh()
