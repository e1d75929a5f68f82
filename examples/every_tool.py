"""Sign in once in Python, and every tool that reads AWS profiles has credentials.

What a notebook would do: sign in on a pool with a store, write a profile that names our
program, and use any AWS tool. Here the tool is botocore, which every such tool in Python
is built on, in a process of its own; the pool is a local one, and nothing outside a
temporary folder is touched. For yourself, use the printed lines in ~/.aws/config.

    python examples/every_tool.py
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from aiocognito import UserPool, responders
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito

TOOL = """
import botocore.session
credentials = botocore.session.Session(profile="cognito").get_credentials()
print("a tool uses", credentials.get_frozen_credentials().access_key, "by", credentials.method)
"""
CHILD = """
import os
print("a child uses", os.environ["AWS_ACCESS_KEY_ID"], "in", os.environ["AWS_REGION"])
"""


async def main(local: LocalCognito, folder: Path) -> None:
    user = local.add_user("ana", "Passw0rd!", totp=True)
    store = FileTokenStore(folder / "store")
    async with UserPool(
        local.user_pool_id,
        local.client_id,
        identity_pool_id=local.identity_pool_id,
        endpoint_url=local.url,
        store=store,
    ) as pool:
        session = await pool.sign_in(
            "ana", "Passw0rd!", respond=responders.totp(user.totp_secret or "")
        )
        print("signed in as", session.username)

        # A child that ends within the hour needs no profile.
        exported = await session.aws_identity.export_environment()
        child = await anyio.run_process([sys.executable, "-c", CHILD], env=os.environ | exported)
        print(child.stdout.decode().strip())

    # From here on it does not matter whether this program runs.
    command = [
        sys.executable, "-P", "-m", "aiocognito.credential_process",
        "--user-pool-id", local.user_pool_id, "--client-id", local.client_id,
        "--identity-pool-id", local.identity_pool_id, "--username", "ana",
        "--store", str(folder / "store"), "--endpoint-url", local.url,
    ]  # fmt: skip
    config = anyio.Path(folder / "config")
    await config.write_text(f"[profile cognito]\ncredential_process = {shlex.join(command)}\n")
    print("the profile says credential_process = … -P -m aiocognito.credential_process …")
    environment = os.environ | {"AWS_CONFIG_FILE": str(config)}
    for _ in range(2):
        tool = await anyio.run_process([sys.executable, "-c", TOOL], env=environment)
        print(tool.stdout.decode().strip())

    out = await anyio.run_process([*command[:4], "sign-out", *command[4:]])
    print(out.stdout.decode().strip())
    nobody = await anyio.run_process(command, check=False)
    print(f"exit code {nobody.returncode}:", nobody.stderr.decode().strip())


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        local = LocalCognito()
        await run_sync(local.start)
        try:
            await main(local, Path(folder))
        finally:
            await run_sync(local.stop)


if __name__ == "__main__":
    anyio.run(run)
