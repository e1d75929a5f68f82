"""A web back end that signs people in over two HTTP requests. Plain ASGI, no framework.

    POST /sign-in  {"username": …, "password": …}   -> {"user": …} or {"asks": …, "state": …}
    POST /answer   {"state": …, "answer": …}        -> the same

Between the two requests nothing is kept on the server: the challenge travels to the
browser and back as `state`, encrypted, so any process of the deployment can take the
second request. Run by itself it drives the application in memory, against a local Cognito;
under an ASGI server it takes its pool from COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID
(COGNITO_CLIENT_SECRET), and STATE_KEY, made once with `Fernet.generate_key()`:

    python examples/asgi_two_requests.py
    uvicorn --app-dir examples --factory asgi_two_requests:deployed
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
from cryptography.fernet import Fernet, InvalidToken

from aiocognito import (
    Challenge,
    CodeMismatch,
    CognitoError,
    EmailOtp,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidSession,
    SignedIn,
    SmsMfa,
    SoftwareTokenMfa,
    Step,
    UserPool,
    challenge_from_dict,
)
from aiocognito.testing import LocalCognito

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 16_384
STATE_SECONDS = 15 * 60  # no challenge lives longer


class Refusal(Exception):
    """What goes back to the browser instead of an answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class SignInApp:
    """The application; `pool` serves all requests."""

    def __init__(self, pool: UserPool, key: bytes) -> None:
        self.pool = pool
        self.box = Fernet(key)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            status, reply = 200, await self._route(scope, await read_json(receive))
        except Refusal as refusal:
            status, reply = refusal.status, {"error": str(refusal)}
        body = json.dumps(reply).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.pool.aclose()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _route(self, scope: Message, asked: dict[str, str]) -> dict[str, Any]:
        try:
            match scope["method"], scope["path"]:
                case "POST", "/sign-in":
                    login = self.pool.login(asked["username"], asked["password"])
                    return self._reply(await login.start())
                case "POST", "/answer":
                    return await self._answer(self._opened(asked["state"]), asked["answer"])
                case _:
                    raise Refusal(404, "There is no such page.")
        except (KeyError, InvalidArgument):
            raise Refusal(400, "The request is not complete.") from None
        except IncorrectUsernameOrPassword:
            raise Refusal(401, "Wrong user name or password.") from None
        except InvalidSession:
            raise Refusal(401, "That took too long; please start again.") from None
        except CognitoError as error:
            raise Refusal(
                502, f"Signing in is not possible now ({type(error).__name__})."
            ) from None

    async def _answer(self, challenge: Challenge, text: str) -> dict[str, Any]:
        if not isinstance(challenge, SoftwareTokenMfa | SmsMfa | EmailOtp):
            raise Refusal(501, f"This page cannot answer {challenge.name}.")
        try:
            return self._reply(await self.pool.resume(challenge.answer(text)))
        except (CodeMismatch, ExpiredCode):
            raise Refusal(401, "That is not the code; try again.") from None  # with the same state

    def _reply(self, step: Step) -> dict[str, Any]:
        if isinstance(step, SignedIn):
            # Here a real application would begin a session of its own.
            return {"user": step.session.username}
        state = self.box.encrypt(json.dumps(step.to_dict()).encode())
        return {"asks": step.name, "state": state.decode()}

    def _opened(self, state: str) -> Challenge:
        try:
            return challenge_from_dict(json.loads(self.box.decrypt(state.encode(), STATE_SECONDS)))
        except InvalidToken:
            raise Refusal(400, "Please start again.") from None


async def read_json(receive: Receive) -> dict[str, str]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Refusal(413, "Too long.")
        if not message.get("more_body"):
            break
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not all(isinstance(text, str) for text in asked.values()):
        raise Refusal(400, "A JSON object of texts, please.")
    return asked


def deployed() -> SignInApp:
    """Make the application for an ASGI server."""
    pool = UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET"),
    )
    return SignInApp(pool, os.environ["STATE_KEY"].encode())


# --- driving it without a server --------------------------------------------------


async def post(app: SignInApp, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Send one request to the application in memory."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": path}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def main() -> None:
    key = Fernet.generate_key()
    async with LocalCognito() as local:
        local.add_user("ana", "Passw0rd!", totp=True)

        async def request(path: str, **asked: str) -> dict[str, Any]:
            """Send a request to a process of its own, as a load balancer would."""
            async with UserPool(
                local.user_pool_id, local.client_id, endpoint_url=local.url
            ) as pool:
                status, reply = await post(SignInApp(pool, key), path, json.dumps(asked).encode())
            shown = {name: text for name, text in reply.items() if name != "state"}
            print(f"POST {path} -> {status} {shown}")
            return reply

        await request("/sign-in", username="ana", password="wrong")
        first = await request("/sign-in", username="ana", password="Passw0rd!")
        await request("/answer", state=first["state"], answer="000000")
        await request("/answer", state=first["state"], answer=local.totp_code("ana"))


if __name__ == "__main__":
    anyio.run(main)
