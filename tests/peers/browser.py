"""A browser without a window, driven by its debugging protocol, with an authenticator.

The authenticator is Chromium's own virtual one: it does what a telephone or a security key
does, and nobody has to touch it.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PATIENCE = 30.0


def find_browser() -> str | None:
    """Return the browser's program, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of a running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the debugging protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = await self._socket.receive_json(timeout=_PATIENCE)
            if said.get("id") == number:
                assert "error" not in said, said["error"]
                result: dict[str, Any] = said["result"]
                return result

    async def open(self, url: str) -> None:
        """Go to a page and wait until it is there."""
        await self.ask("Page.enable")
        await self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + _PATIENCE
        while await self.run("`${location.href} ${document.readyState}`") != f"{url} complete":
            assert time.monotonic() < deadline, "the page does not come up"

    async def run(self, script: str) -> Any:
        """Run JavaScript in the page and return what its promise brings."""
        said = await self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def add_authenticator(self, **options: Any) -> str:
        """Plug in an authenticator that answers by itself; return its id."""
        await self.ask("WebAuthn.enable")
        found = await self.ask(
            "WebAuthn.addVirtualAuthenticator",
            options={
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
                **options,
            },
        )
        return str(found["authenticatorId"])


class Browser:
    """A browser's process; enter it with ``with``."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._folder = tempfile.TemporaryDirectory(prefix="browser", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        log = Path(self._folder.name) / "log"
        with log.open("wb") as writing:
            self._process = subprocess.Popen(
                [
                    self._program,
                    # CI is root in a container, where the sandbox cannot be set up.
                    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                    *("--no-first-run", "--disable-background-networking", "--no-proxy-server"),
                    f"--user-data-dir={self._folder.name}/profile",
                    *("--remote-debugging-port=0", "about:blank"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=writing,
            )
        deadline = time.monotonic() + _PATIENCE
        while not (found := re.search(r"DevTools listening on ws://(\S+?)/", log.read_text())):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.address = found[1]
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Open a page of its own."""
        async with aiohttp.ClientSession() as client:
            url = f"http://{self.address}/json/new?about:blank"
            async with client.put(url) as answer:
                target = json.loads(await answer.text())
            async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
