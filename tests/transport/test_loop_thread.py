"""The event loop's thread opens no file, lists no folder and loads no certificate.

Each case is a process of its own, because files are read once: what an earlier test
has imported would hide what a program sees at its first sign-in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transport.conftest import Loopback
from tests.transport.loop_guard import loop_guard, watching

ROOT = Path(__file__).resolve().parents[2]

COLD = """
import sys
import anyio
from aiocognito.flow.calls import Call
from aiocognito.transport.botocore import BotocoreTransport
from aiocognito.transport.http import BoundedHttp
from tests.transport.fake_server import FakeServer
from tests.transport.loop_guard import loop_guard

heavy = {"aiobotocore", "aiohttp", "botocore", "httpx2"} & set(sys.modules)
assert not heavy, heavy
backend, uvloop, tls = sys.argv[1], sys.argv[2] == "uvloop", None
if len(sys.argv) > 3:
    import ssl
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*sys.argv[3:])

async def main():
    await anyio.sleep(0)
    with FakeServer(tls=tls) as server, loop_guard():
        http = BoundedHttp()
        # By name where the certificate allows it, so that a name is looked up too.
        url = server.url if tls else server.url.replace("127.0.0.1", "localhost")
        await http.get(url + "/pool/.well-known/jwks.json")
        transports = [
            (BotocoreTransport("eu-west-1", endpoint_url=url),
             Call(operation="InitiateAuth", parameters={"ClientId": "a", "AuthFlow": "X"})),
            (BotocoreTransport("eu-west-1", service="cognito-identity", endpoint_url=url),
             Call(service="cognito-identity", operation="GetId",
                  parameters={"IdentityPoolId": "eu-west-1:a"})),
        ]
        for transport, call in transports:
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(transport.send, call)
            await transport.aclose()
        await http.aclose()
    assert len(server.requests) == 11

options = {"use_uvloop": True} if uvloop else {}
anyio.run(main, backend=backend, backend_options=options)
print("quiet")
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_a_cold_start_leaves_the_loops_thread_alone(
    loop: str, scheme: str, loopback_tls: Loopback
) -> None:
    pytest.importorskip(loop)
    if loop == "trio":
        pytest.importorskip("httpx2")
    backend = "trio" if loop == "trio" else "asyncio"
    files = [str(loopback_tls.authority), str(loopback_tls.authority.with_name("key.pem"))]
    done = subprocess.run(
        [sys.executable, "-c", COLD, backend, loop, *(files if scheme == "https" else [])],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "AWS_CA_BUNDLE": files[0], "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "quiet", done.stderr


# --- the guard itself -----------------------------------------------------------------


def test_the_guard_notices_files_folders_and_certificates(loopback_tls: Loopback) -> None:
    import ssl

    with watching() as seen:
        with open(loopback_tls.authority) as file:
            file.read()
        os.listdir(ROOT)
        list(os.scandir(ROOT))
        ssl.create_default_context(cafile=str(loopback_tls.authority))
    kinds = [entry.split()[0] for entry in seen]
    assert kinds[:3] == ["open", "os.listdir", "os.scandir"]
    assert "ssl load_verify_locations" in " ".join(seen)


def test_the_guard_fails_with_the_place() -> None:
    with pytest.raises(AssertionError, match="test_loop_thread"), loop_guard():
        os.listdir(ROOT)


def test_the_guard_lets_other_threads_read() -> None:
    import threading

    with loop_guard():
        thread = threading.Thread(target=os.listdir, args=(ROOT,))
        thread.start()
        thread.join()
