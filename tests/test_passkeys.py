"""Passkeys from a client's side: a browser's, and a program's own, against the local pool."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from aiocognito import (
    Choice,
    Passkey,
    SelectChallenge,
    Session,
    SignedIn,
    SoftwarePasskey,
    UserPool,
    WebAuthn,
    challenge_from_dict,
    responders,
)
from aiocognito.errors import (
    ChallengeRequired,
    InvalidArgument,
    InvalidParameter,
    InvalidSession,
    LimitExceeded,
    NotAuthorized,
    RemoteProtocolError,
    ResourceNotFound,
    ResponseLost,
    WebAuthnChallengeNotFound,
    WebAuthnClientMismatch,
    WebAuthnConfigurationMissing,
    WebAuthnCredentialNotSupported,
    WebAuthnNotEnabled,
    WebAuthnOriginNotAllowed,
    WebAuthnRelyingPartyMismatch,
)
from aiocognito.testing import Alter, Answer, Drop, LocalCognito
from aiocognito.transport.base import revealed
from tests.authenticator import RP_ID, UP, Authenticator
from tests.world import PASSWORD, World

FLOWS = ("ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
PREFERRED = Choice(preferred="WEB_AUTHN")


def world(**options: Any) -> World:
    given = {
        "first_factors": ("PASSWORD", "WEB_AUTHN"),
        "relying_party": RP_ID,
        "explicit_auth_flows": FLOWS,
        "client_secret": True,
        **options,
    }
    made = World(**given)
    made.add_user()
    return made


async def signed_in(there: World) -> Session:
    return await there.pool.sign_in("ana", PASSWORD)


async def with_browser(there: World, **device: Any) -> tuple[Session, Authenticator]:
    session, browser = await signed_in(there), Authenticator(**device)
    options = await session.start_passkey_registration()
    await session.complete_passkey_registration(browser.register(json.loads(options.to_json())))
    return session, browser


async def with_software(there: World, **given: Any) -> tuple[Session, SoftwarePasskey]:
    session = await signed_in(there)
    options = await session.start_passkey_registration()
    key = SoftwarePasskey.create(options, **given)
    await session.complete_passkey_registration(key.registration(options))
    return session, key


async def asked(there: World) -> WebAuthn:
    step = await there.pool.login("ana", flow=PREFERRED).start()
    assert isinstance(step, WebAuthn)
    return step


def answer_of(browser: Authenticator, challenge: WebAuthn, **wrong: Any) -> dict[str, Any]:
    return browser.authenticate(json.loads(challenge.options.to_json()), **wrong)


# --- registering ------------------------------------------------------------------------


async def test_a_browsers_passkey_is_registered_listed_and_deleted() -> None:
    there = world()
    session, _ = await with_browser(there)
    assert "WEB_AUTHN" in (await session.auth_factors()).configured
    (passkey,) = await session.list_passkeys()
    assert (passkey.name, passkey.rp_id) == ("Passkey", RP_ID)
    assert (passkey.attachment, passkey.transports) == ("platform", ("internal", "hybrid"))
    assert passkey.created_at is not None
    assert passkey.created_at.timestamp() == pytest.approx(there.clock.wall())
    await session.delete_passkey(passkey)
    assert await session.list_passkeys() == ()
    with pytest.raises(ResourceNotFound):
        await session.delete_passkey(passkey.id)


async def test_a_credential_may_be_json_text() -> None:
    there = world()
    session, browser = await signed_in(there), Authenticator()
    options = await session.start_passkey_registration()
    credential = browser.register(json.loads(options.to_json()))
    await session.complete_passkey_registration(json.dumps(credential))
    login = there.pool.login("ana", flow=PREFERRED)
    step = await login.start()
    assert isinstance(step, WebAuthn)
    assert isinstance(await login.send(step.answer(json.dumps(answer_of(browser, step)))), SignedIn)


async def test_every_page_of_the_list_is_fetched() -> None:
    there = world()
    session = await signed_in(there)
    entry = {
        "FriendlyCredentialName": "x",
        "RelyingPartyId": RP_ID,
        "AuthenticatorTransports": [],
        "CreatedAt": 1.0,
    }
    for name, more in (("a", {"NextToken": "2"}), ("b", {"NextToken": "3"}), ("c", {})):
        found = {"Credentials": [{**entry, "CredentialId": name}], **more}
        there.local.faults.add(Answer(found), operation="ListWebAuthnCredentials")
    assert [passkey.id for passkey in await session.list_passkeys()] == ["a", "b", "c"]
    cursors = [
        call.parameters.get("NextToken")
        for call in there.wire.sent
        if call.operation == "ListWebAuthnCredentials"
    ]
    assert cursors == [None, "2", "3"]


@pytest.mark.parametrize(
    "found",
    [
        {"Credentials": [], "NextToken": "again"},
        {"Credentials": [], "NextToken": ""},
        {"Credentials": [], "NextToken": 5},
        {"Credentials": {}},
        {"Credentials": [5]},
        {"Credentials": [{"CredentialId": ""}]},
    ],
    ids=str,
)
async def test_a_list_without_end_or_form_is_refused(found: dict[str, Any]) -> None:
    # threat 12
    there = world()
    session = await signed_in(there)
    there.local.faults.add(Answer(found), operation="ListWebAuthnCredentials", times=None)
    with pytest.raises(RemoteProtocolError):
        await session.list_passkeys()
    assert there.wire.counts["ListWebAuthnCredentials"] <= 50


@pytest.mark.parametrize("passkey", ["", "ü", "x" * 140_000])
async def test_an_id_that_cannot_be_one_is_not_sent(passkey: str) -> None:
    there = world()
    session = await signed_in(there)
    with pytest.raises(InvalidArgument, match="passkey"):
        await session.delete_passkey(passkey)
    with pytest.raises(TypeError, match="passkey"):
        await session.delete_passkey(5)  # type: ignore[arg-type]
    assert there.wire.counts["DeleteWebAuthnCredential"] == 0


async def test_each_refusal_of_a_registration_has_its_class() -> None:
    # F098
    there = world(user_verification="required")
    session = await signed_in(there)

    async def refused(kind: type[Exception], **wrong: Any) -> None:
        options = json.loads((await session.start_passkey_registration()).to_json())
        with pytest.raises(kind):
            await session.complete_passkey_registration(Authenticator().register(options, **wrong))

    await refused(WebAuthnOriginNotAllowed, origin="https://evil.example")
    await refused(WebAuthnRelyingPartyMismatch, rp_id="example.com")
    await refused(WebAuthnCredentialNotSupported, flags=UP)
    await refused(WebAuthnChallengeNotFound, challenge="A" * 43)
    await refused(InvalidParameter, type="webauthn.get")
    with pytest.raises(WebAuthnChallengeNotFound):
        await session.complete_passkey_registration(
            Authenticator().register({"user": {"id": "AA"}, "challenge": "AA", "rp": {"id": "x"}})
        )
    await session.start_passkey_registration()
    other = there.local.add_client(explicit_auth_flows=FLOWS)
    pool = UserPool(
        there.local.user_pool_id,
        other.client_id,
        transport=there.wire,
        http=there.keys,
        clock=there.clock,
    )
    elsewhere = await pool.sign_in("ana", PASSWORD)
    with pytest.raises(WebAuthnClientMismatch):
        await elsewhere.complete_passkey_registration(
            Authenticator().register({"user": {"id": "AA"}, "challenge": "AA", "rp": {"id": "x"}})
        )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"first_factors": ("PASSWORD",)}, WebAuthnNotEnabled),
        ({"relying_party": None}, WebAuthnConfigurationMissing),
    ],
)
async def test_pools_without_passkeys_say_what_is_missing(
    options: dict[str, Any], error: type[Exception]
) -> None:
    session = await signed_in(world(**options))
    with pytest.raises(error):
        await session.start_passkey_registration()


async def test_twenty_passkeys_are_the_most() -> None:
    there = world()
    session = await signed_in(there)
    for _ in range(20):
        options = await session.start_passkey_registration()
        key = SoftwarePasskey.create(options)
        await session.complete_passkey_registration(key.registration(options))
    assert len(await session.list_passkeys()) == 20
    with pytest.raises(LimitExceeded):
        await session.start_passkey_registration()


async def test_a_credential_of_another_kind_is_not_sent() -> None:
    there = world()
    session, browser = await with_browser(there)
    challenge = await asked(there)
    with pytest.raises(InvalidArgument):
        await session.complete_passkey_registration(answer_of(browser, challenge))
    assert there.wire.counts["CompleteWebAuthnRegistration"] == 1


async def test_a_completion_whose_answer_was_lost_is_not_repeated() -> None:
    there = world()
    session, browser = await signed_in(there), Authenticator()
    options = await session.start_passkey_registration()
    there.local.faults.add(Drop(), operation="CompleteWebAuthnRegistration")
    with pytest.raises(ResponseLost):
        await session.complete_passkey_registration(browser.register(json.loads(options.to_json())))
    assert there.wire.counts["CompleteWebAuthnRegistration"] == 1


@pytest.mark.parametrize("options", [None, [], {}, {"challenge": "x"}, "text"], ids=str)
async def test_options_that_are_none_are_refused(options: Any) -> None:
    # threat 12
    there = world()
    session = await signed_in(there)
    there.local.faults.add(
        Answer({"CredentialCreationOptions": options}), operation="StartWebAuthnRegistration"
    )
    with pytest.raises(RemoteProtocolError):
        await session.start_passkey_registration()


# --- signing in with a browser's --------------------------------------------------------


async def test_a_browsers_passkey_signs_in() -> None:
    there = world()
    _, browser = await with_browser(there)
    login = there.pool.login("ana", flow=PREFERRED)
    step = await login.start()
    assert isinstance(step, WebAuthn)
    assert step.options.rp_id == RP_ID
    end = await login.send(step.answer(answer_of(browser, step)))
    assert isinstance(end, SignedIn)
    assert end.session.username == "ana"
    sent = revealed(there.wire.sent[-1].parameters)["ChallengeResponses"]
    assert json.loads(sent["CREDENTIAL"])["type"] == "public-key"


async def test_it_is_answered_in_another_process() -> None:
    there = world()
    _, browser = await with_browser(there)
    kept = json.dumps((await asked(there)).to_dict())
    challenge = challenge_from_dict(json.loads(kept))
    assert isinstance(challenge, WebAuthn)
    answer = challenge.answer(answer_of(browser, challenge))
    end = await there.another_pool().resume(answer)
    assert isinstance(end, SignedIn)
    with pytest.raises(InvalidSession):
        await there.pool.resume(answer)


@pytest.mark.parametrize("at_once", [False, True])
async def test_it_is_chosen_among_the_first_factors(at_once: bool) -> None:
    there = world()
    _, browser = await with_browser(there)
    step = await there.pool.login("ana", flow=Choice()).start()
    assert isinstance(step, SelectChallenge)
    step = challenge_from_dict(json.loads(json.dumps(step.to_dict())))
    assert isinstance(step, SelectChallenge)
    assert step.options == ("PASSWORD_SRP", "WEB_AUTHN")
    if at_once:
        assert step.passkey_options is not None
        credential = browser.authenticate(json.loads(step.passkey_options.to_json()))
        end = await there.pool.resume(step.answer("WEB_AUTHN", credential=credential))
    else:
        then = await there.pool.resume(step.answer(WebAuthn))
        assert isinstance(then, WebAuthn)
        end = await there.pool.resume(then.answer(answer_of(browser, then)))
    assert isinstance(end, SignedIn)


async def test_a_wrong_answer_ends_the_conversation() -> None:
    there = world()
    _, browser = await with_browser(there)
    login = there.pool.login("ana", flow=PREFERRED)
    step = await login.start()
    assert isinstance(step, WebAuthn)
    with pytest.raises(NotAuthorized):
        await login.send(step.answer(answer_of(browser, step, origin="https://evil.example")))
    assert login.waiting is None


async def test_nobody_looks_like_somebody() -> None:
    # F031
    there = world()
    await with_browser(there)
    login = there.pool.login("nobody", flow=PREFERRED)
    step = await login.start()
    assert isinstance(step, WebAuthn)
    stranger = Authenticator()
    stranger.user_handle = b"x"
    with pytest.raises(NotAuthorized):
        await login.send(step.answer(answer_of(stranger, step)))


@pytest.mark.parametrize("found", [None, "", "{", "[]", '{"rpId":"a/b"}'], ids=str)
async def test_a_challenge_without_options_is_refused(found: str | None) -> None:
    # threat 12
    there = world()
    await with_browser(there)

    def garble(answer: dict[str, Any]) -> dict[str, Any]:
        parameters = {**answer["ChallengeParameters"], "CREDENTIAL_REQUEST_OPTIONS": found}
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return {**answer, "ChallengeParameters": parameters}

    there.local.faults.add(Alter(garble), operation="InitiateAuth")
    with pytest.raises(RemoteProtocolError, match="CREDENTIAL_REQUEST_OPTIONS"):
        await asked(there)


async def test_a_passkey_stands_for_two_factors_where_it_may() -> None:
    # F090
    there = world(passkey_mfa=True)
    there.local.add_user("ben", PASSWORD, totp=True)
    secret = there.local.pool.user("ben").totp_secret or ""
    codes = responders.totp(secret, clock=there.clock)
    session = await there.pool.sign_in("ben", PASSWORD, respond=codes)
    options = await session.start_passkey_registration()
    key = SoftwarePasskey.create(options)
    await session.complete_passkey_registration(key.registration(options))
    with pytest.raises(ChallengeRequired):
        await there.pool.sign_in("ben", flow=PREFERRED, respond=responders.passkey(key))
    await session.set_mfa(passkey="on")
    await there.pool.sign_in("ben", flow=PREFERRED, respond=responders.passkey(key))
    await session.set_mfa(passkey="off")
    with pytest.raises(ChallengeRequired):
        await there.pool.sign_in("ben", flow=PREFERRED, respond=responders.passkey(key))
    with pytest.raises(InvalidArgument, match="passkey"):
        await session.set_mfa(passkey="preferred")  # type: ignore[arg-type]


# --- signing in with a program's own ----------------------------------------------------


@pytest.mark.parametrize("flow", [PREFERRED, Choice()], ids=str)
async def test_a_software_passkey_signs_in_by_itself(flow: Choice) -> None:
    there = world()
    _, key = await with_software(there)
    for expected in (1, 2):
        session = await there.pool.sign_in("ana", flow=flow, respond=responders.passkey(key))
        assert (session.username, key.sign_count) == ("ana", expected)


async def test_a_service_identity_signs_in_again_with_its_passkey() -> None:
    there = world(refresh_token_validity=3600)
    _, key = await with_software(there)
    worker = there.pool.session("ana", flow=PREFERRED, respond=responders.passkey(key))
    first = await worker.access_token()
    there.clock.advance(3 * 3600)
    assert await worker.access_token() != first
    assert key.sign_count == 2


async def test_the_count_is_kept_before_the_answer_leaves() -> None:
    there = world()
    _, key = await with_software(there)
    kept: list[bytes] = []

    async def save(data: bytes) -> None:
        assert there.wire.counts["RespondToAuthChallenge"] == before + len(kept)
        kept.append(data)

    before = there.wire.counts["RespondToAuthChallenge"]
    for _ in range(2):
        key = SoftwarePasskey.from_bytes(kept[-1]) if kept else key
        respond = responders.passkey(key, save=save)
        await there.pool.sign_in("ana", flow=PREFERRED, respond=respond)
    assert [json.loads(data)["sign_count"] for data in kept] == [1, 2]


async def test_of_two_sign_ins_at_once_the_newer_count_is_kept_last() -> None:
    there = world()
    _, key = await with_software(there)
    kept: list[int] = []
    first_is_there, go_on = anyio.Event(), anyio.Event()

    async def save(data: bytes) -> None:
        if not first_is_there.is_set():
            first_is_there.set()
            await go_on.wait()
        kept.append(json.loads(data)["sign_count"])

    respond = responders.passkey(key, save=save)
    challenges = [await asked(there) for _ in range(2)]
    async with anyio.create_task_group() as group:
        group.start_soon(respond, challenges[0])
        await first_is_there.wait()
        group.start_soon(respond, challenges[1])
        await anyio.wait_all_tasks_blocked()
        assert key.sign_count == 2
        go_on.set()
    assert kept[-1] == 2
    assert kept == sorted(kept)


async def test_a_passkey_goes_with_remembered_devices() -> None:
    there = world(device_tracking="ALWAYS")
    _, key = await with_software(there)
    session = await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))
    assert session.device is not None
    await session.refresh()


async def test_an_older_count_is_refused_and_none_at_all_is_not() -> None:
    there = world()
    _, key = await with_software(there)
    old = SoftwarePasskey.from_bytes(key.to_bytes())
    await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))
    with pytest.raises(NotAuthorized):
        await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(old))
    _, uncounted = await with_software(there, counts=False)
    for _ in range(2):
        again = SoftwarePasskey.from_bytes(uncounted.to_bytes())
        await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(again))


async def test_a_challenge_for_another_passkey_is_refused_here() -> None:
    there = world()
    session, key = await with_software(there)
    await with_browser(there)
    await session.delete_passkey(key.credential_id)
    with pytest.raises(InvalidArgument, match="register it again"):
        await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))
    assert key.sign_count == 0


async def test_a_server_that_asks_for_another_relying_party_gets_nothing() -> None:
    # threat 51
    there = world()
    _, key = await with_software(there)

    def move(answer: dict[str, Any]) -> dict[str, Any]:
        parameters = dict(answer["ChallengeParameters"])
        options = json.loads(parameters["CREDENTIAL_REQUEST_OPTIONS"])
        parameters["CREDENTIAL_REQUEST_OPTIONS"] = json.dumps({**options, "rpId": "bank.example"})
        return {**answer, "ChallengeParameters": parameters}

    there.local.faults.add(Alter(move), operation="InitiateAuth")
    before = there.wire.counts["RespondToAuthChallenge"]
    with pytest.raises(InvalidArgument, match=RP_ID):
        await there.pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))
    assert there.wire.counts["RespondToAuthChallenge"] == before
    assert key.sign_count == 0


async def test_the_responder_leaves_other_challenges_alone() -> None:
    there = world(first_factors=("PASSWORD",))
    session = await signed_in(world())
    key = SoftwarePasskey.create(await session.start_passkey_registration())
    with pytest.raises(ChallengeRequired) as waiting:
        await there.pool.sign_in("ana", flow=Choice(), respond=responders.passkey(key))
    assert isinstance(waiting.value.challenge, SelectChallenge)
    there.local.add_user("ben", PASSWORD, totp=True)
    with pytest.raises(ChallengeRequired):
        await there.pool.sign_in("ben", PASSWORD, respond=responders.passkey(key))


# --- over HTTP, as programs do ----------------------------------------------------------


async def test_the_whole_way_over_http() -> None:
    async with LocalCognito(
        first_factors=("PASSWORD", "WEB_AUTHN"),
        relying_party=RP_ID,
        explicit_auth_flows=FLOWS,
        client_secret=True,
    ) as local:
        local.add_user("ana", PASSWORD)
        async with UserPool(
            local.user_pool_id,
            local.client_id,
            client_secret=local.client_secret,
            endpoint_url=local.url,
        ) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            options = await session.start_passkey_registration()
            key = SoftwarePasskey.create(options)
            await session.complete_passkey_registration(key.registration(options))
            again = await pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))
            (passkey,) = await again.list_passkeys()
            assert isinstance(passkey, Passkey)
            assert passkey.id == key.credential_id
            await again.delete_passkey(passkey)
            assert await again.list_passkeys() == ()
            with pytest.raises(ChallengeRequired):
                await pool.sign_in("ana", flow=PREFERRED, respond=responders.passkey(key))


async def test_an_administrators_sign_in_takes_a_passkey_too() -> None:
    there = world()
    _, key = await with_software(there)
    respond = responders.passkey(key)
    session = await there.pool.admin.sign_in("ana", flow=PREFERRED, respond=respond)
    assert session.username == "ana"
    assert there.wire.counts["AdminRespondToAuthChallenge"] == 1
