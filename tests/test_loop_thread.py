"""From a cold start to AWS credentials, the event loop's thread opens no file.

A process of its own for each loop: files are read once, and what an earlier test has
imported would hide what a program sees at its first sign-in.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

COLD = """
import sys
import anyio
from aiocognito import UserPool, responders
from aiocognito.testing import LocalCognito
from tests.transport.loop_guard import loop_guard

heavy = {"aiobotocore", "botocore"} & set(sys.modules)
assert not heavy, heavy
PASSWORD = "Correct-Horse-9!"

async def main():
    await anyio.sleep(0)
    with LocalCognito(client_secret=True) as local:
        user = local.add_user("ana", PASSWORD, totp=True)
        ben = local.add_user("ben", PASSWORD)
        with loop_guard():
            async with UserPool(
                local.user_pool_id,
                local.client_id,
                client_secret=local.client_secret,
                identity_pool_id=local.identity_pool_id,
                endpoint_url=local.url,
            ) as pool:
                answer = responders.totp(user.totp_secret)
                session = await pool.sign_in("ana", PASSWORD, respond=answer)
                assert session.claims.username == "ana"
                await session.refresh()
                assert (await session.aws_identity.credentials()).access_key_id
                async with anyio.create_task_group() as group:
                    for _ in range(5):
                        group.start_soon(pool.sign_in, "ben", PASSWORD)
                await session.sign_out(everywhere=True)

backend, uvloop = sys.argv[1], sys.argv[2] == "uvloop"
anyio.run(main, backend=backend, backend_options={"use_uvloop": True} if uvloop else {})
print("quiet")
"""

FIRST_OF_ALL = """
import sys
import anyio
from aiocognito import IdentityPool, UserPool
from tests.transport.loop_guard import loop_guard

heavy = {"aiobotocore", "botocore"} & set(sys.modules)
assert not heavy, heavy
POOL = "eu-west-1:00000000-0000-4000-8000-000000000001"

async def main():
    await anyio.sleep(0)
    with loop_guard():
        if sys.argv[3] == "guest":
            async with IdentityPool(POOL) as identities:
                identities.guest().aws_session()
        else:
            async with UserPool("eu-west-1_Ab12Cd34E", "abc", identity_pool_id=POOL) as pool:
                pool.session("ana", password="Secret-9").aws_session()

backend, uvloop = sys.argv[1], sys.argv[2] == "uvloop"
anyio.run(main, backend=backend, backend_options={"use_uvloop": True} if uvloop else {})
print("quiet")
"""


@pytest.mark.timeout(90)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_a_cold_sign_in_leaves_the_loops_thread_alone(loop: str) -> None:
    assert_quiet(COLD, loop)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("who", ["guest", "session"])
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_session_for_aws_before_any_call_leaves_it_alone(loop: str, who: str) -> None:
    assert_quiet(FIRST_OF_ALL, loop, who)


def assert_quiet(script: str, loop: str, *more: str) -> None:
    pytest.importorskip(loop)
    if loop == "trio":
        pytest.importorskip("httpx2")
    done = subprocess.run(
        [sys.executable, "-c", script, "trio" if loop == "trio" else "asyncio", loop, *more],
        capture_output=True,
        text=True,
        timeout=80,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == "quiet\n", done.stderr
