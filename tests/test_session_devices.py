"""Devices of a session: offered, remembered, proven at the next sign-in, forgotten."""

from __future__ import annotations

import json
from typing import Any

import anyio
import attrs
import pytest

from aiocognito import (
    Custom,
    DeviceChanged,
    DeviceNotFound,
    DeviceRefused,
    DeviceSrpAuth,
    InvalidArgument,
    InvalidType,
    KeysUnavailable,
    LocalProtocolError,
    NewDevice,
    OperationNotEnabled,
    Password,
    RefreshFailed,
    RememberedDevice,
    RemoteProtocolError,
    ResponseLost,
    Session,
    SignedIn,
    SoftwareTokenMfa,
    TokenVerificationError,
    challenge_from_dict,
    responders,
)
from aiocognito.testing import Alter, Drop, Refuse
from aiocognito.tokens.saved import SavedState
from tests.flaky_store import FlakyStore
from tests.test_flows import solving, sums
from tests.world import PASSWORD, World

TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FLOWS = [
    *("ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"),
    *("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
]


def tracking(how: str = "ALWAYS", *, policy: str = "ask", **options: Any) -> World:
    world = World(
        pool_options={"devices": policy},
        device_tracking=how,
        explicit_auth_flows=FLOWS,
        **options,
    )
    world.add_user(totp=TOTP)
    return world


def codes(world: World) -> Any:
    return responders.totp(TOTP, clock=world.clock)


async def with_code(world: World) -> Session:
    return await world.pool.sign_in("ana", PASSWORD, respond=codes(world))


async def remembered(world: World) -> RememberedDevice:
    session = await with_code(world)
    device = session.device
    if isinstance(device, NewDevice):
        device = await session.remember_device("laptop")
    assert isinstance(device, RememberedDevice)
    world.wire.sent.clear()
    world.events.clear()
    return device


def changes(world: World) -> list[str]:
    return [event.change for event in world.heard(DeviceChanged)]


def operations(world: World) -> list[str]:
    return [call.operation for call in world.wire.sent]


# --- remembering ------------------------------------------------------------------


async def test_an_offered_device_is_remembered_when_the_caller_says_so() -> None:
    world = tracking()
    session = await with_code(world)
    assert isinstance(session.device, NewDevice)
    assert changes(world) == ["offered"]
    device = await session.remember_device("laptop")
    assert session.device is device
    assert device.key == session.claims.get("device_key", device.key)
    assert changes(world) == ["offered", "remembered"]
    (kept,) = world.local.pool.user("ana").devices.values()
    assert (kept.key, kept.name, kept.remembered) == (device.key, "laptop", True)
    assert await session.remember_device() is device  # a second time changes nothing
    assert world.wire.counts["ConfirmDevice"] == 1


async def test_the_service_never_gets_the_devices_password() -> None:
    world = tracking()
    device = await remembered(world)
    secret = device.password.reveal()
    assert len(secret) == 56
    await world.pool.sign_in("ana", PASSWORD, device=device)
    session = await with_code(world)
    await session.remember_device()
    assert all(secret not in str(call.parameters) for call in world.wire.sent)


async def test_opting_in_takes_another_call() -> None:
    world = tracking("OPT_IN")
    session = await with_code(world)
    device = await session.remember_device()
    assert operations(world)[-2:] == ["ConfirmDevice", "UpdateDeviceStatus"]
    assert world.local.pool.user("ana").devices[device.key].remembered


@pytest.mark.parametrize(
    ("policy", "what", "kind"),
    [
        ("ask", ["offered"], NewDevice),
        ("remember", ["remembered"], RememberedDevice),
        ("ignore", [], NewDevice),
    ],
)
async def test_the_pool_is_told_what_to_do_with_offers(
    policy: str, what: list[str], kind: type[Any]
) -> None:
    world = tracking("OPT_IN", policy=policy)
    session = await with_code(world)
    assert changes(world) == what
    assert isinstance(session.device, kind)
    await session.refresh()
    assert session.device is not None
    assert world.wire.sent[-1].parameters["DeviceKey"] == session.device.key


async def test_a_sign_in_is_good_even_if_its_device_is_not_remembered() -> None:
    # threat 45: a replica region does not confirm devices
    world = tracking(policy="remember")
    world.local.faults.add(
        Refuse("OperationNotEnabledException", "Not here."), operation="ConfirmDevice"
    )
    session = await with_code(world)
    (event,) = world.heard(DeviceChanged)
    assert (event.change, type(event.error)) == ("not-remembered", OperationNotEnabled)
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 1
    await session.remember_device()  # later, by hand
    assert changes(world)[-1] == "remembered"


async def test_a_lost_answer_does_not_lose_the_device() -> None:
    # threat 25, for ConfirmDevice: the first call was carried out
    world = tracking("OPT_IN")
    session = await with_code(world)
    world.local.faults.add(Drop(), operation="ConfirmDevice")
    with pytest.raises(ResponseLost):
        await session.remember_device("laptop")
    device = await session.remember_device("laptop")
    assert world.local.pool.user("ana").devices[device.key].remembered
    await world.pool.sign_in("ana", PASSWORD, device=device)


async def test_consent_that_failed_is_given_again_without_confirming_again() -> None:
    world = tracking("OPT_IN")
    session = await with_code(world)
    world.local.faults.add(
        Refuse("TooManyRequestsException", "Rate exceeded"), operation="UpdateDeviceStatus"
    )
    with pytest.raises(Exception, match=r"TooManyRequests"):
        await session.remember_device()
    assert isinstance(session.device, NewDevice)
    await session.remember_device()
    assert world.wire.counts["ConfirmDevice"] == 1
    assert world.wire.counts["UpdateDeviceStatus"] == 2


async def test_a_device_that_others_confirmed_is_an_error() -> None:
    world = tracking()
    session = await with_code(world)
    twin = world.pool.restore(session.export_state())
    await twin.remember_device()
    with pytest.raises(Exception, match="DeviceKeyExists"):
        await session.remember_device()


async def test_without_tracking_there_is_nothing_to_remember() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    assert session.device is None
    with pytest.raises(LocalProtocolError, match="No device was offered"):
        await session.remember_device()
    for ask in (session.get_device, session.forget_device):
        with pytest.raises(LocalProtocolError, match="has no device"):
            await ask()


# --- signing in with it -----------------------------------------------------------


@pytest.mark.parametrize("how", ["ALWAYS", "OPT_IN"])
async def test_a_remembered_device_stands_in_for_the_code(how: str) -> None:
    world = tracking(how)
    device = await remembered(world)
    session = await world.pool.sign_in("ana", PASSWORD, device=device)
    assert session.device is device
    assert changes(world) == []
    await session.refresh()
    assert world.wire.sent[-1].parameters["DeviceKey"] == device.key
    assert [call.parameters.get("ChallengeName") for call in world.wire.sent[1:4]] == [
        "PASSWORD_VERIFIER",
        "DEVICE_SRP_AUTH",
        "DEVICE_PASSWORD_VERIFIER",
    ]


async def test_it_proves_itself_in_the_plaintext_flow_too() -> None:
    world = tracking()
    device = await remembered(world)
    await world.pool.sign_in("ana", PASSWORD, flow=Password(), device=device)


async def test_it_proves_itself_by_administrators_calls_too() -> None:
    world = tracking()
    device = await remembered(world)
    session = await world.pool.admin.sign_in("ana", PASSWORD, device=device)
    assert session.device is device


@pytest.mark.parametrize("srp", [False, True])
async def test_it_proves_itself_after_custom_challenges(*, srp: bool) -> None:
    world = tracking(triggers=sums(1))
    device = await remembered(world)
    session = await world.pool.sign_in(
        "ana",
        PASSWORD if srp else None,
        flow=Custom(srp=srp),
        respond=responders.custom(solving),
        device=device,
    )
    assert session.device is device


async def test_it_proves_itself_after_the_code_where_it_does_not_stand_in_for_it() -> None:
    world = tracking(device_replaces_mfa=False)
    device = await remembered(world)
    world.clock.advance(60)
    session = await world.pool.sign_in("ana", PASSWORD, respond=codes(world), device=device)
    assert session.device is device
    names = [call.parameters.get("ChallengeName") for call in world.wire.sent]
    assert names[2:5] == ["SOFTWARE_TOKEN_MFA", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"]


async def test_a_new_password_comes_before_the_device() -> None:
    world = tracking()
    device = await remembered(world)
    world.local.pool.set_password("ana", PASSWORD, temporary=True)
    login = world.pool.login("ana", PASSWORD, device=device)
    step: Any = await login.start()
    assert isinstance(await login.send(step.answer("An0ther-Horse!")), SignedIn)


async def test_a_sign_in_in_two_processes_gets_the_device_in_the_second() -> None:
    world = tracking(device_replaces_mfa=False)
    device = await remembered(world)
    world.clock.advance(60)
    step: Any = await world.pool.login("ana", PASSWORD, device=device).start()
    assert isinstance(step, SoftwareTokenMfa)
    stored: Any = challenge_from_dict(json.loads(json.dumps(step.to_dict())))
    answer = stored.answer(world.local.totp_code("ana", unused=True))
    done = await world.another_pool().resume(answer, device=device)
    assert isinstance(done, SignedIn)
    assert done.session.device is device


async def test_a_second_process_without_the_device_is_asked_for_it() -> None:
    world = tracking(device_replaces_mfa=False)
    device = await remembered(world)
    world.clock.advance(60)
    step: Any = await world.pool.login("ana", PASSWORD, device=device).start()
    asked: Any = await world.another_pool().resume(
        step.answer(world.local.totp_code("ana", unused=True))
    )
    assert isinstance(asked, DeviceSrpAuth)
    done: Any = await world.another_pool().resume(asked.answer(device))
    assert done.session.device is device


# --- a device that is gone, or wrong ----------------------------------------------


@pytest.mark.parametrize("flow", [None, Password()], ids=str)
async def test_a_deleted_device_is_left_out_and_the_caller_told(flow: Any) -> None:
    world = tracking()
    device = await remembered(world)
    world.local.pool.user("ana").devices.clear()
    given = {} if flow is None else {"flow": flow}
    session = await world.pool.sign_in(
        "ana", PASSWORD, respond=codes(world), device=device, **given
    )
    first, second = world.heard(DeviceChanged)
    assert (first.change, first.key) == ("unknown", device.key)
    assert isinstance(first.error, DeviceNotFound)
    assert second.change == "offered"
    assert isinstance(session.device, NewDevice)
    assert session.device.key != device.key
    named = [call for call in world.wire.sent if device.key in str(call.parameters)]
    assert len(named) == 1


async def test_a_device_deleted_on_the_way_is_left_out_of_the_same_proof() -> None:
    # As the official clients do: the claim is sent once more, not made anew.
    world = tracking()
    device = await remembered(world)

    async def delete() -> None:
        world.local.pool.user("ana").devices.clear()

    async def nothing() -> None:
        return None

    world.wire.before += [nothing, delete]
    await world.pool.sign_in("ana", PASSWORD, respond=codes(world), device=device)
    sent = [call.parameters["ChallengeResponses"] for call in world.wire.sent[1:3]]
    assert {**sent[1], "DEVICE_KEY": device.key} == sent[0]
    assert world.wire.counts["InitiateAuth"] == 1


async def test_a_device_deleted_while_it_proves_itself_ends_the_sign_in() -> None:
    world = tracking()
    device = await remembered(world)

    async def delete() -> None:
        world.local.pool.user("ana").devices.clear()

    async def nothing() -> None:
        return None

    world.wire.before += [nothing, nothing, delete]
    with pytest.raises(DeviceNotFound):
        await world.pool.sign_in("ana", PASSWORD, device=device)
    assert changes(world) == ["unknown"]


async def test_a_wrong_device_is_no_wrong_password() -> None:
    world = tracking()
    device = await remembered(world)
    wrong = RememberedDevice(key=device.key, group_key=device.group_key, password="another")
    with pytest.raises(DeviceRefused, match="without this remembered device"):
        await world.pool.sign_in("ana", PASSWORD, device=wrong)
    (event,) = world.heard(DeviceChanged)
    assert (event.change, event.key, event.username) == ("refused", device.key, "ana")


async def test_a_device_of_another_pool_is_refused_before_anything_is_sent() -> None:
    world = tracking()
    foreign = RememberedDevice(
        key="eu-west-1_0a", group_key="-a", password="p", user_pool_id="eu-west-1_Other0001"
    )
    with pytest.raises(InvalidArgument, match="one of this pool"):
        world.pool.login("ana", PASSWORD, device=foreign)
    with pytest.raises(InvalidType, match="RememberedDevice"):
        world.pool.session("ana", password=PASSWORD, device="eu-west-1_0a")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="devices"):
        world.another_pool(devices="always")
    assert world.wire.sent == []


# --- service identities and saved state -------------------------------------------


async def test_a_service_identity_signs_in_again_with_its_device() -> None:
    world = tracking(policy="remember")
    worker = world.pool.session("ana", password=PASSWORD, respond=codes(world))
    await worker.access_token()
    device = worker.device
    assert isinstance(device, RememberedDevice)
    world.local.pool._state.tokens.refresh_tokens.revoke_all(world.local.pool.user("ana").sub)
    world.clock.advance(3700)
    world.wire.sent.clear()
    await worker.access_token()
    names = [call.parameters.get("ChallengeName") for call in world.wire.sent]
    assert "DEVICE_PASSWORD_VERIFIER" in names
    assert "SOFTWARE_TOKEN_MFA" not in names
    assert worker.device is device


async def test_a_service_identity_begins_with_the_device_it_is_given() -> None:
    world = tracking()
    device = await remembered(world)
    worker = world.pool.session("ana", password=PASSWORD, device=device)
    await worker.access_token()
    assert worker.device is device


async def test_a_service_identity_does_not_stumble_over_the_same_device_twice() -> None:
    world = tracking()
    device = await remembered(world)
    wrong = RememberedDevice(key=device.key, group_key=device.group_key, password="another")
    worker = world.pool.session("ana", password=PASSWORD, device=wrong, respond=codes(world))
    with pytest.raises(DeviceRefused):
        await worker.access_token()
    world.clock.advance(3600)
    await worker.access_token()
    assert isinstance(worker.device, NewDevice)


async def test_saved_state_keeps_the_device_and_its_secret() -> None:
    world = tracking(policy="remember")
    session = await with_code(world)
    again = world.another_pool().restore(
        session.export_state(), password=PASSWORD, respond=codes(world)
    )
    assert again.device == session.device
    await again.refresh()
    assert session.device is not None
    assert world.wire.sent[-1].parameters["DeviceKey"] == session.device.key
    world.local.pool._state.tokens.refresh_tokens.revoke_all(world.local.pool.user("ana").sub)
    world.clock.advance(3700)
    await again.access_token()
    assert again.device == session.device


async def test_saved_state_keeps_an_offer_open() -> None:
    world = tracking()
    session = await with_code(world)
    again = world.another_pool().restore(session.export_state())
    assert again.device == session.device
    await again.remember_device()
    assert isinstance(again.device, RememberedDevice)


async def test_a_restored_session_refreshes_with_its_tokens_device_whatever_it_is_given() -> None:
    world = tracking()
    device = await remembered(world)
    session = await with_code(world)  # on another, offered one
    assert session.device is not None
    again = world.pool.restore(session.export_state(), device=device)
    await again.refresh()
    assert world.wire.sent[-1].parameters["DeviceKey"] == session.device.key


async def test_state_of_a_version_without_devices_is_still_read() -> None:
    world = tracking()
    session = await with_code(world)
    members = json.loads(session.export_state())
    assert members.pop("remembered") is None
    state = SavedState.from_bytes(json.dumps(members).encode())
    assert state.remembered is None
    assert state.device == session.device


# --- looking and forgetting -------------------------------------------------------


async def test_devices_are_listed_page_by_page() -> None:
    world = tracking()
    keys = {(await remembered(world)).key for _ in range(3)}
    session = await with_code(world)
    listed = await session.list_devices(page_size=1).collect()
    assert {device.key for device in listed} == keys
    assert world.wire.counts["ListDevices"] == 3
    assert {device.name for device in listed} == {"laptop"}


async def test_a_device_is_looked_at_switched_off_and_forgotten() -> None:
    world = tracking()
    device = await remembered(world)
    session = await world.pool.sign_in("ana", PASSWORD, device=device)
    shown = await session.get_device()
    assert (shown.key, shown.name, shown.is_remembered) == (device.key, "laptop", True)
    await session.set_device_remembered(False)
    assert not (await session.get_device(device.key)).is_remembered
    await session.set_device_remembered(True, key=device.key)
    await session.forget_device()
    assert session.device is None
    with pytest.raises(DeviceNotFound):
        await session.get_device(device.key)


async def test_forgetting_another_device_keeps_this_one() -> None:
    world = tracking()
    other, device = await remembered(world), await remembered(world)
    session = await world.pool.sign_in("ana", PASSWORD, device=device)
    await session.forget_device(other.key)
    assert session.device is device


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda it: it.get_device("laptop"), InvalidArgument),
        (lambda it: it.forget_device(7), InvalidType),
        (lambda it: it.set_device_remembered("yes"), InvalidType),
        (lambda it: it.remember_device(""), InvalidArgument),
        (lambda it: it.remember_device("x" * 1025), InvalidArgument),
        (lambda it: it.remember_device(7), InvalidType),
        (lambda it: it.list_devices(page_size=61).collect(), InvalidArgument),
    ],
    ids=[
        *("a key that is none", "a number as key", "text for a boolean", "an empty name"),
        *("a long name", "a number as name", "a large page"),
    ],
)
async def test_impossible_arguments_are_refused_before_anything_is_sent(
    ask: Any, kind: type[Any]
) -> None:
    world = tracking()
    session = await with_code(world)
    world.wire.sent.clear()
    with pytest.raises(kind):
        await ask(session)
    assert world.wire.sent == []


# --- in a store -------------------------------------------------------------------


class Stored(World):
    """A tracking pool's clients that share a store, as processes of one machine would."""

    def __init__(self, policy: str, how: str = "OPT_IN") -> None:
        self.store: Any = None
        super().__init__(device_tracking=how)
        self.store = FlakyStore(self.clock)
        self.policy = policy
        self.pool = self.another_pool()
        self.local.add_user("ana", PASSWORD, totp=TOTP)

    def another_pool(self, **changes: Any) -> Any:
        mine = {"store": self.store, "devices": getattr(self, "policy", "ask")}
        return super().another_pool(**mine, **changes)

    def worker(self) -> Session:
        session: Session = self.another_pool().session(
            "ana", password=PASSWORD, respond=codes(self)
        )
        return session


async def test_the_next_process_signs_in_with_the_device_of_the_store() -> None:
    world = Stored("remember")
    first = world.worker()
    await first.access_token()
    assert isinstance(first.device, RememberedDevice)
    world.local.pool._state.tokens.refresh_tokens.revoke_all(world.local.pool.user("ana").sub)
    world.clock.advance(3700)
    world.wire.sent.clear()
    second = world.worker()
    await second.access_token()
    assert second.device == first.device
    names = [call.parameters.get("ChallengeName") for call in world.wire.sent]
    assert "DEVICE_PASSWORD_VERIFIER" in names
    assert "SOFTWARE_TOKEN_MFA" not in names


async def test_a_device_remembered_by_hand_is_stored_at_once() -> None:
    world = Stored("ask")
    first = world.worker()
    await first.access_token()
    device = await first.remember_device("worker")
    second = world.worker()
    await second.access_token()
    assert second.device == device


async def test_an_explicit_sign_in_stores_its_device() -> None:
    world = Stored("remember")
    session = await world.pool.sign_in("ana", PASSWORD, respond=codes(world))
    assert isinstance(session.device, RememberedDevice)
    later = world.worker()
    await later.access_token()
    assert later.device == session.device
    assert world.wire.counts["InitiateAuth"] == 1


# --- several at once, and what is taken back --------------------------------------


async def test_two_who_remember_at_once_get_the_same_device() -> None:
    world = tracking()
    session = await with_code(world)
    found: list[RememberedDevice] = []

    async def remember() -> None:
        found.append(await session.remember_device())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(remember)
        tasks.start_soon(remember)
    assert found[0] is found[1]
    assert world.wire.counts["ConfirmDevice"] == 1


async def test_a_cancelled_call_may_be_made_again() -> None:
    # threat 26
    world = tracking("OPT_IN")
    session = await with_code(world)
    inner = world.wire._inner.send

    async def carried_out_and_never_heard_of(call: Any) -> Any:
        reply = await inner(call)
        if call.operation == "ConfirmDevice":
            scope.cancel()
            await anyio.sleep_forever()
        return reply

    world.wire._inner.send = carried_out_and_never_heard_of  # type: ignore[method-assign]
    with anyio.CancelScope() as scope:
        await session.remember_device()
    assert scope.cancelled_caught
    device = await session.remember_device()
    assert world.local.pool.user("ana").devices[device.key].remembered


async def test_a_device_of_tokens_that_are_not_believed_is_taken_back() -> None:
    world = tracking("OPT_IN")
    device = await remembered(world)
    worker = world.pool.session("ana", password=PASSWORD, device=device, respond=codes(world))
    genuine = world.wire._inner
    world.wire._inner = Forged(genuine)
    with pytest.raises(TokenVerificationError):
        await worker.access_token()
    world.wire._inner = genuine
    world.clock.advance(3600)
    await worker.access_token()
    assert worker.device is device


class Forged:
    """Tokens that nobody signed, and a device that goes with them."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def send(self, call: Any) -> Any:
        reply = await self._inner.send(call)
        if "AuthenticationResult" not in reply.body:
            return reply
        result = reply.body["AuthenticationResult"]
        result = {
            **result,
            "AccessToken": result["AccessToken"][:-8] + "AAAAAAAA",
            "NewDeviceMetadata": {"DeviceKey": "eu-west-1_0a", "DeviceGroupKey": "-forged"},
        }
        return attrs.evolve(reply, body={"AuthenticationResult": result})

    async def aclose(self) -> None:
        return None


async def test_an_offer_is_met_although_the_keys_came_late() -> None:
    world = tracking(policy="remember")
    worker = world.pool.session("ana", password=PASSWORD, respond=codes(world))
    world.keys.failing = RuntimeError("no network")
    with pytest.raises(RefreshFailed) as caught:
        await worker.access_token()
    assert isinstance(caught.value.__cause__, KeysUnavailable)
    assert isinstance(worker.device, NewDevice)
    world.keys.failing = None
    world.clock.advance(60)
    await worker.access_token()
    assert isinstance(worker.device, RememberedDevice)


# --- administrators ---------------------------------------------------------------


async def test_administrators_see_and_forget_the_devices_of_a_user() -> None:
    world = tracking()
    device = await remembered(world)
    (shown,) = await world.pool.admin.list_devices("ana").collect()
    assert (shown.key, shown.name, shown.is_remembered) == (device.key, "laptop", True)
    await world.pool.admin.remember_device("ana", device.key, remember=False)
    assert not (await world.pool.admin.get_device("ana", device.key)).is_remembered
    await world.pool.admin.forget_device("ana", device.key)
    with pytest.raises(DeviceNotFound):
        await world.pool.admin.get_device("ana", device.key)
    await world.pool.sign_in("ana", PASSWORD, respond=codes(world), device=device)
    assert changes(world) == ["unknown", "offered"]


async def test_a_server_that_asks_for_the_device_in_circles_gets_one_proof() -> None:
    # threat 10
    world = tracking()
    device = await remembered(world)
    inner = world.wire._inner.send

    async def circling(call: Any) -> Any:
        reply = await inner(call)
        if call.parameters.get("ChallengeName") == "DEVICE_PASSWORD_VERIFIER":
            again = {"ChallengeName": "DEVICE_SRP_AUTH", "ChallengeParameters": {}}
            return attrs.evolve(reply, body=again)
        return reply

    world.wire._inner.send = circling  # type: ignore[method-assign]
    with pytest.raises(RemoteProtocolError, match="again"):
        await world.pool.sign_in("ana", PASSWORD, device=device)
    assert world.wire.counts["RespondToAuthChallenge"] == 3


async def test_a_sign_in_that_comes_between_gets_a_confirmation_of_its_own() -> None:
    world = tracking()
    worker = world.pool.session("ana", password=PASSWORD, respond=codes(world))
    await worker.access_token()
    first = worker.device
    inner = world.wire._inner.send

    async def overtaken(call: Any) -> Any:
        reply = await inner(call)
        if call.operation == "ConfirmDevice":
            world.wire._inner.send = inner  # type: ignore[method-assign]
            world.local.pool._state.tokens.refresh_tokens.revoke_all(
                world.local.pool.user("ana").sub
            )
            world.clock.advance(3700)
            await worker.access_token()
        return reply

    world.wire._inner.send = overtaken  # type: ignore[method-assign]
    earlier = await worker.remember_device()
    assert first is not None
    assert earlier.key == first.key
    assert isinstance(worker.device, NewDevice)
    later = await worker.remember_device()
    assert later.key != earlier.key
    assert set(world.local.pool.user("ana").devices) == {earlier.key, later.key}


# --- while the tokens come anew ---------------------------------------------------


async def waiting_for_tokens(world: World) -> Session:
    """A session whose offer is still open, and which has to sign in for its next token."""
    world.local.faults.add(Refuse("InternalErrorException", "No."), operation="ConfirmDevice")
    session = world.pool.session("ana", password=PASSWORD, respond=codes(world))
    await session.access_token()
    assert changes(world) == ["not-remembered"]
    world.clock.advance(4000)
    dead = Refuse("NotAuthorizedException", "Refresh Token has been revoked")
    world.local.faults.add(dead, operation="GetTokensFromRefreshToken")
    return session


async def test_remembering_waits_for_no_sign_in_that_waits_for_it() -> None:
    # threat 26
    world = tracking(policy="remember")
    session = await waiting_for_tokens(world)
    with anyio.fail_after(10):
        device = await session.remember_device()
    assert session.device is device
    assert list(world.local.pool.user("ana").devices) == [device.key]
    assert device.key == (await session.get_device()).key


async def test_a_second_caller_gets_what_the_sign_in_brought_too() -> None:
    world = tracking(policy="remember")
    session = await waiting_for_tokens(world)
    found: list[RememberedDevice] = []

    async def remember() -> None:
        found.append(await session.remember_device())

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(remember)
    assert found == [session.device] * 3
    assert list(world.local.pool.user("ana").devices) == [found[0].key]


async def test_a_server_that_offers_the_same_device_again_stops_nobody() -> None:
    # threat 26
    world = tracking(policy="remember")
    session = await waiting_for_tokens(world)
    offered = session.device
    assert isinstance(offered, NewDevice)

    def the_same(body: dict[str, Any]) -> dict[str, Any]:
        if "NewDeviceMetadata" in body.get("AuthenticationResult", {}):
            members = {"DeviceKey": offered.key, "DeviceGroupKey": offered.group_key}
            body["AuthenticationResult"]["NewDeviceMetadata"] = members
        return body

    world.local.faults.add(Alter(the_same), operation="RespondToAuthChallenge", times=None)
    with anyio.fail_after(10), pytest.raises(DeviceNotFound):
        await session.remember_device()
    assert await session.access_token()
