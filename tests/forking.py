"""What a child does with a session of its parent: `python -m tests.forking <case>`.

Prints one JSON object. The service runs in a thread of the parent, which outlives the fork.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from aiocognito import Session, UserPool
from aiocognito.errors import CognitoError
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito

PASSWORD = "Correct-Horse-9!"
REFRESH = "GetTokensFromRefreshToken"


def in_child(session: Session, work: Callable[[Session], Awaitable[Any]]) -> Any:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads; that is the point
        child = os.fork()
    if not child:
        try:
            said: Any = anyio.run(work, session)
        except BaseException as error:  # noqa: BLE001  the parent reads it
            said = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return json.load(pipe)


async def use(session: Session) -> Any:
    """Serve what is held, then need another."""
    held = await session.access_token()
    session.invalidate(held)
    try:
        newer = await session.access_token()
    except CognitoError as error:
        cause = error.__cause__ or error
        return {"held": held, "error": type(cause).__name__, "text": str(cause)}
    return {"held": held, "newer": newer}


def main(case: str) -> None:
    with LocalCognito(rotation=True, rotation_grace=0) as local:
        local.add_user("svc", PASSWORD)
        options: dict[str, Any] = {}
        if case == "store":
            options["store"] = FileTokenStore(tempfile.mkdtemp() + "/tokens")
        pool = UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url, **options)
        password = PASSWORD if case == "password" else None

        async def sign_in() -> Session:
            if password is not None:
                session = pool.session("svc", password=password)
                await session.access_token()
                return session
            return await pool.sign_in("svc", PASSWORD)

        async def parent(session: Session) -> dict[str, Any]:
            session.invalidate(await session.access_token())
            return {"newer": await session.access_token()}

        # One event loop for the parent throughout, as a server has.
        async def everything() -> dict[str, Any]:
            session = await sign_in()
            token = await session.access_token()
            said = await anyio.to_thread.run_sync(in_child, session, use)
            ours = await parent(session)
            return {"token": token, "child": said, "parent": ours}

        result = anyio.run(everything)
        counts = {name: local.requests.count(name) for name in (REFRESH, "InitiateAuth")}
    json.dump({**result, "counts": counts}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
