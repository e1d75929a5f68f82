"""Remember this device at the first sign-in, and sign in with it the next time.

Without settings it uses a local Cognito and an authenticator of its own. With
COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID (COGNITO_CLIENT_SECRET) of a pool that tracks
devices it asks for name and password, and for a code where one is wanted; the device is
kept in the file given as argument, readable by you alone.

    python examples/remembered_device.py [FILE]
"""

from __future__ import annotations

import os
import sys
from getpass import getpass

import anyio
from attrs import field, frozen

from aiocognito import (
    Challenge,
    CognitoError,
    DeviceChanged,
    NewDevice,
    RememberedDevice,
    Session,
    SoftwareTokenMfa,
    UserPool,
    responders,
)
from aiocognito.events import Event
from aiocognito.flow.challenges import Answer
from aiocognito.login import Responder
from aiocognito.testing import LocalCognito


@frozen
class Person:
    """Who signs in, and where that person's device is kept."""

    name: str
    password: str = field(repr=False)
    path: anyio.Path


def person() -> Person | None:
    """Ask who signs in, before the event loop starts: there Ctrl-C and echo just work."""
    if "COGNITO_USER_POOL_ID" not in os.environ:
        return None
    if not sys.argv[1:]:
        sys.exit("Say in which file the device is kept.")
    return Person(input("User name: "), getpass("Password: "), anyio.Path(sys.argv[1]))


def tell(event: Event) -> None:
    """Print what becomes of devices."""
    if isinstance(event, DeviceChanged):
        print(f"device of {event.username}: {event.change}")


async def read(path: anyio.Path) -> RememberedDevice | None:
    """Return the device that was kept, if there is one."""
    return RememberedDevice.from_bytes(await path.read_bytes()) if await path.exists() else None


async def keep(path: anyio.Path, device: RememberedDevice) -> None:
    """Write the device, secret included, to a file for its owner alone."""
    await path.touch(mode=0o600)
    await path.write_bytes(device.to_bytes())


async def sign_in(
    pool: UserPool, name: str, password: str, respond: Responder, path: anyio.Path
) -> Session:
    """Sign in with the kept device; keep the one that is offered where there is none."""
    session = await pool.sign_in(name, password, respond=respond, device=await read(path))
    if isinstance(session.device, NewDevice):
        await keep(path, await session.remember_device("example"))
    else:
        print("the device was enough, no code was asked for")
    async for device in session.list_devices():
        print(f"known: {device.name}, remembered: {device.is_remembered}")
    return session


async def with_a_person(who: Person) -> None:
    async with UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET") or None,
        endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
        observer=tell,
    ) as pool:
        session = await sign_in(pool, who.name, who.password, responders.prompt(), who.path)
        await session.sign_out()


async def by_itself(path: anyio.Path) -> None:
    async with LocalCognito(device_tracking="OPT_IN") as local:
        local.add_user("ana", "Correct-Horse-9!", totp=True)

        async def with_authenticator(challenge: Challenge) -> Answer | None:
            if not isinstance(challenge, SoftwareTokenMfa):
                return None
            print("a code is asked for")
            return challenge.answer(local.totp_code("ana", unused=True))

        async with UserPool(
            local.user_pool_id, local.client_id, endpoint_url=local.url, observer=tell
        ) as pool:
            for _ in range(2):
                session = await sign_in(pool, "ana", "Correct-Horse-9!", with_authenticator, path)
                await session.sign_out()
            # Somebody forgets the device elsewhere: the sign-in goes on without it.
            local.pool.user("ana").devices.clear()
            await sign_in(pool, "ana", "Correct-Horse-9!", with_authenticator, path)


async def main(who: Person | None) -> None:
    if who is not None:
        await with_a_person(who)
        return
    async with anyio.TemporaryDirectory() as folder:
        await by_itself(anyio.Path(folder) / "device")


if __name__ == "__main__":
    try:
        anyio.run(main, person())
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nInterrupted.")
