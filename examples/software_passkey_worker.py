"""A worker that signs in with a passkey of its own: no password, no shared secret.

Experimental: a software passkey could not be tried on the live service. The program uses
a local Cognito, where an administrator signs the worker in once, registers a passkey for
it and keeps the passkey's bytes in a file. From then on the file is all the worker has.

    python examples/software_passkey_worker.py
"""

from __future__ import annotations

import tempfile

import anyio

from aiocognito import Choice, NotAuthorized, Session, SoftwarePasskey, UserPool, responders
from aiocognito.testing import LocalCognito

FLOWS = ("ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


class PasskeyFile:
    """Keeps the passkey where only its owner can read it."""

    def __init__(self, path: anyio.Path) -> None:
        self._path = path

    async def save(self, data: bytes) -> None:
        beside = self._path.with_suffix(".new")
        await beside.touch(mode=0o600)
        await beside.write_bytes(data)
        await beside.replace(self._path)  # there is always a whole one

    async def load(self) -> SoftwarePasskey:
        return SoftwarePasskey.from_bytes(await self._path.read_bytes())


async def provision(session: Session, file: PasskeyFile) -> None:
    """Once, in a session signed in some other way."""
    options = await session.start_passkey_registration()
    key = SoftwarePasskey.create(options)
    await session.complete_passkey_registration(key.registration(options))
    await file.save(key.to_bytes())


async def work(pool: UserPool, file: PasskeyFile) -> None:
    """What the worker does each time it starts."""
    key = await file.load()
    worker = pool.session(
        "svc-importer",
        flow=Choice(preferred="WEB_AUTHN"),
        respond=responders.passkey(key, save=file.save),
    )
    await worker.access_token()
    print(f"signed in as {worker.username}, signature number {key.sign_count}")


async def main() -> None:
    folder = tempfile.TemporaryDirectory()
    file = PasskeyFile(anyio.Path(folder.name) / "passkey")
    async with LocalCognito(
        first_factors=("PASSWORD", "WEB_AUTHN"),
        relying_party="auth.example.com",
        explicit_auth_flows=FLOWS,
    ) as local:
        local.add_user("svc-importer", "Only-for-t0day!")
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("svc-importer", "Only-for-t0day!")
            await provision(session, file)
            (passkey,) = await session.list_passkeys()
            print(f"registered a passkey for {passkey.rp_id}")
            stolen = (await file.load()).to_bytes()

            await work(pool, file)
            await work(pool, file)

            copy = SoftwarePasskey.from_bytes(stolen)
            try:
                await pool.sign_in(
                    "svc-importer",
                    flow=Choice(preferred="WEB_AUTHN"),
                    respond=responders.passkey(copy),
                )
            except NotAuthorized:
                print("a copy taken before that is noticed by its count, and refused")
    folder.cleanup()


if __name__ == "__main__":
    anyio.run(main)
