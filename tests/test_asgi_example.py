"""The example's ASGI application, request by request, without a server."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.fernet import Fernet

from .world import PASSWORD, World

KEY = Fernet.generate_key()


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "examples" / "asgi_two_requests.py"
    spec = importlib.util.spec_from_file_location("asgi_two_requests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Site:
    """The application, each request answered by another process."""

    def __init__(self, example: ModuleType, world: World) -> None:
        self.example, self.world = example, world

    async def post(self, path: str, **asked: Any) -> tuple[int, dict[str, Any]]:
        return await self.send(path, json.dumps(asked).encode())

    async def send(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        app = self.example.SignInApp(self.world.another_pool(), KEY)
        status, reply = await self.example.post(app, path, body)
        return status, reply


@pytest.fixture
def site(example: ModuleType) -> Site:
    world = World(client_secret=True)
    world.add_user(totp=True)
    return Site(example, world)


async def test_two_requests_sign_in(site: Site) -> None:
    status, asked = await site.post("/sign-in", username="ana", password=PASSWORD)
    assert (status, asked["asks"]) == (200, "SOFTWARE_TOKEN_MFA")
    assert "SOFTWARE" not in asked["state"]  # it is sealed
    wrong = await site.post("/answer", state=asked["state"], answer="000000")
    assert wrong == (401, {"error": "That is not the code; try again."})
    code = site.world.local.totp_code("ana")
    assert await site.post("/answer", state=asked["state"], answer=code) == (200, {"user": "ana"})
    again = await site.post("/answer", state=asked["state"], answer=code)
    assert again[1] == {"error": "That took too long; please start again."}


async def test_a_wrong_password_and_a_wrong_name_look_alike(site: Site) -> None:
    # F031
    replies = [
        await site.post("/sign-in", username=name, password="Wrong-Horse-9!")
        for name in ("ana", "nobody")
    ]
    assert replies == [(401, {"error": "Wrong user name or password."})] * 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/elsewhere", b"{}", 404),
        ("/sign-in", b"{}", 400),
        ("/sign-in", b"not JSON", 400),
        ("/sign-in", b'{"username": 7, "password": "x"}', 400),
        ("/sign-in", b'{"username": "", "password": "x"}', 400),
        ("/sign-in", b'{"username": "' + b"a" * 20_000 + b'"}', 413),
        ("/answer", b'{"state": "forged", "answer": "123456"}', 400),
    ],
    ids=str,
)
async def test_nonsense_is_refused(site: Site, path: str, body: bytes, status: int) -> None:
    assert (await site.send(path, body))[0] == status
    assert site.world.wire.sent == []


async def test_another_deployments_state_is_refused(site: Site) -> None:
    forged = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    status, _ = await site.post("/answer", state=forged, answer="123456")
    assert status == 400


async def test_the_pool_is_closed_with_the_server(example: ModuleType) -> None:
    world = World()
    app = example.SignInApp(world.pool, KEY)
    messages = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    said: list[str] = []

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
