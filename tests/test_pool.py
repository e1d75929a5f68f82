"""What the caller gets wrong is said before anything is sent; what is given is kept."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from aiocognito import IdentityPool, Srp, UserPool
from aiocognito.errors import InvalidArgument, InvalidType, SessionClosed
from aiocognito.pool import PoolOptions
from aiocognito.testing import LocalCognito

from .world import PASSWORD, World

POOL, CLIENT = "eu-west-1_Ab12Cd34E", "client"


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"user_pool_id": "nonsense"}, "user_pool_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"identity_pool_id": "eu-west-1_nope"}, "identity_pool_id"),
        ({"refresh_with": "MAGIC"}, "refresh_with"),
        ({"rotation_grace": 61}, "rotation_grace"),
        ({"rotation_grace": -1}, "rotation_grace"),
        ({"rotation_grace": float("nan")}, "rotation_grace"),
        # threat 37: an endpoint is explicit, and https unless it is this machine
        ({"endpoint_url": "http://cognito.example.com"}, "endpoint_url"),
        ({"endpoint_url": "cognito.example.com"}, "endpoint_url"),
        ({"endpoint_url": "ftp://127.0.0.1"}, "endpoint_url"),
    ],
    ids=str,
)
def test_an_impossible_argument_is_named(options: dict[str, Any], argument: str) -> None:
    given = {"user_pool_id": POOL, "client_id": CLIENT, **options}
    with pytest.raises(InvalidArgument, match=argument):
        UserPool(**given)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"user_pool_id": None}, "user_pool_id"),
        ({"client_id": 7}, "client_id"),
        ({"client_secret": 7}, "client_secret"),
        ({"rotation_grace": "60"}, "rotation_grace"),
        ({"rotation_grace": True}, "rotation_grace"),
    ],
    ids=str,
)
def test_a_wrong_type_is_named(options: dict[str, Any], argument: str) -> None:
    given = {"user_pool_id": POOL, "client_id": CLIENT, **options}
    with pytest.raises(InvalidType, match=argument):
        UserPool(**given)


@pytest.mark.parametrize("password", ["", "x" * 257], ids=["empty", "long"])
@pytest.mark.parametrize("way", ["login", "session", "sign_in"])
async def test_an_impossible_password_is_refused_before_anything_is_sent(
    way: str, password: str
) -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="password"):
        await try_to(world, way, "ana", password)
    assert not world.wire.sent


@pytest.mark.parametrize("username", ["", "a b", None], ids=str)
@pytest.mark.parametrize("way", ["login", "session", "sign_in"])
async def test_an_impossible_user_name_is_refused_before_anything_is_sent(
    way: str, username: Any
) -> None:
    world = World()
    with pytest.raises((InvalidArgument, InvalidType), match="username"):
        await try_to(world, way, username, PASSWORD)
    assert not world.wire.sent


async def try_to(world: World, way: str, username: Any, password: Any) -> Any:
    match way:
        case "login":
            return world.pool.login(username, password)
        case "session":
            return world.pool.session(username, password=password)
        case _:
            return await world.pool.sign_in(username, password)


@pytest.mark.parametrize("way", ["session", "sign_in"])
async def test_a_plain_callable_is_no_password_source(way: str) -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="async"):
        await try_to(world, way, "ana", lambda: PASSWORD)
    with pytest.raises(InvalidType, match="password"):
        await try_to(world, way, "ana", 7)


async def test_an_async_callable_brings_the_password() -> None:
    world = World()
    world.add_user()

    async def vault() -> str:
        return PASSWORD

    class Vault:
        async def __call__(self) -> str:
            return PASSWORD

    assert await world.pool.sign_in("ana", vault)
    assert await world.pool.sign_in("ana", Vault())


async def test_a_flow_is_a_value_of_ours() -> None:
    world = World()
    with pytest.raises(InvalidType, match="flow"):
        world.pool.login("ana", PASSWORD, flow="USER_SRP_AUTH")  # type: ignore[arg-type]
    assert world.pool.login("ana", PASSWORD, flow=Srp())


@pytest.mark.parametrize("state", [b"", b"{}", b"[7]", b"\xff", b"x" * 70_000], ids=len)
def test_damaged_state_is_refused(state: bytes) -> None:
    with pytest.raises(InvalidArgument, match="state"):
        World().pool.restore(state)


def test_state_is_bytes() -> None:
    with pytest.raises(InvalidType, match="state"):
        World().pool.restore("{}")  # type: ignore[arg-type]


async def test_state_of_another_pool_is_refused() -> None:
    world = World()
    world.add_user()
    state = (await world.pool.sign_in("ana", PASSWORD)).export_state()
    with pytest.raises(InvalidArgument, match="this pool"):
        World(user_pool_id="eu-west-1_Other1234").pool.restore(state)


async def test_only_an_answer_resumes() -> None:
    with pytest.raises(InvalidType, match="answer"):
        await World().pool.resume("123456")  # type: ignore[arg-type]


async def test_a_closed_pool_says_so() -> None:
    world = World()
    async with world.pool as pool:
        pass
    for way in ("login", "session", "sign_in"):
        with pytest.raises(SessionClosed):
            await try_to(world, way, "ana", PASSWORD)
    with pytest.raises(SessionClosed):
        async with pool:
            pass
    await pool.aclose()  # idempotent


async def test_a_given_transport_is_not_closed() -> None:
    world = World()
    await world.pool.aclose()
    assert world.wire.closed == 0


async def test_a_given_transport_carries_the_identity_pools_calls_too() -> None:
    world = World()
    world.add_user()
    pool = world.another_pool(identity_pool_id=world.local.identity_pool_id)
    session = await pool.sign_in("ana", PASSWORD)
    assert (await session.aws_identity.credentials()).access_key_id
    assert world.wire.counts["GetCredentialsForIdentity"] == 1


async def test_a_notebook_needs_no_block() -> None:
    world = World()
    world.add_user()
    pool = await UserPool.open(
        world.local.user_pool_id,
        world.local.client_id,
        transport=world.wire,
        http=world.keys,
        clock=world.clock,
    )
    assert await (await pool.sign_in("ana", PASSWORD)).access_token()
    await pool.aclose()


def test_open_takes_what_the_constructor_takes() -> None:
    constructor = inspect.signature(UserPool).parameters
    options = [name for name, given in constructor.items() if given.kind is given.KEYWORD_ONLY]
    assert list(PoolOptions.__annotations__) == options
    written = UserPool.__init__.__annotations__  # as text: some are imported for types only
    assert {name: hint.__forward_arg__ for name, hint in PoolOptions.__annotations__.items()} == {
        name: written[name] for name in options
    }


def test_what_a_pool_is_can_be_asked() -> None:
    # F001, F003
    pool = UserPool(
        POOL, CLIENT, client_secret="hush-hush-hush", identity_pool_id="eu-west-1:0a-1b"
    )
    assert (pool.user_pool_id, pool.client_id, pool.region) == (POOL, CLIENT, "eu-west-1")
    assert isinstance(pool.identity_pool, IdentityPool)
    assert "hush" not in repr(pool)


async def test_everything_over_a_real_wire() -> None:
    async with LocalCognito(client_secret=True) as local:
        local.add_user("ana", PASSWORD)
        async with UserPool(
            local.user_pool_id,
            local.client_id,
            client_secret=local.client_secret,
            endpoint_url=local.url,
            identity_pool_id=local.identity_pool_id,
        ) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            await session.refresh()
            credentials = await session.aws_identity.credentials()
            assert credentials.access_key_id
            restored = pool.restore(session.export_state())
            assert await restored.id_token()
            await session.sign_out(everywhere=True)
