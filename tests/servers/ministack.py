"""ministack as a child process, and what the tests set up on it.

ministack (PyPI, MIT) is a server we did not write that really verifies: SRP, secret
hashes, tokens, signatures of AWS requests and the policies of roles. What it gets
wrong is said next to the test that would otherwise ask for it. It is started so that
nobody but this machine can reach it, and so that it writes nothing outside a folder
of ours.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
from attrs import field, frozen

from aiocognito import UserPool

VERSION = "1.5.33"
REGION = "eu-west-1"
PASSWORD = "Passw0rd!"

_START_SECONDS = 15.0
_ATTEMPTS = 3  # somebody may take the free port before the server does
_FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


class Keys(NamedTuple):
    """What a request to AWS is signed with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


OWNER = Keys("test", "test")  # ministack lets this pair do everything


@frozen
class Ministack:
    """A running server.

    Attributes:
        url: Where it listens.
    """

    url: str
    _owned: dict[str, Any] = field(factory=dict, repr=False)

    def owner(self, service: str) -> Any:
        """Return a blocking client that may do everything."""
        if service not in self._owned:
            self._owned[service] = self._client(service, OWNER)
        return self._owned[service]

    @contextmanager
    def signed_by(self, keys: Keys, service: str) -> Iterator[Any]:
        """Lend a blocking client that signs with these keys."""
        client = self._client(service, keys)
        try:
            yield client
        finally:
            client.close()

    def close(self) -> None:
        for client in self._owned.values():
            client.close()

    def _client(self, service: str, keys: Keys) -> Any:
        session = botocore.session.Session()
        session.set_credentials(*keys)
        return session.create_client(service, region_name=REGION, endpoint_url=self.url)

    def add_user_pool(self, **settings: Any) -> PoolThere:
        made = self.owner("cognito-idp").create_user_pool(PoolName="pool", **settings)
        return PoolThere(self, made["UserPool"]["Id"])


@frozen(kw_only=True)
class UserThere:
    """A user of a pool on the server."""

    name: str
    email: str
    sub: str
    password: str = field(repr=False)


@frozen(kw_only=True)
class AppThere:
    """An app client of a pool on the server."""

    pool: PoolThere
    client_id: str
    client_secret: str | None = field(repr=False)

    def open(self, **options: Any) -> UserPool:
        """Return our client for it."""
        options = {"client_secret": self.client_secret} | options
        return UserPool(self.pool.id, self.client_id, endpoint_url=self.pool.server.url, **options)


@frozen
class PoolThere:
    """A user pool on the server."""

    server: Ministack
    id: str

    @property
    def owner(self) -> Any:
        return self.server.owner("cognito-idp")

    @property
    def login_key(self) -> str:
        return f"cognito-idp.{REGION}.amazonaws.com/{self.id}"

    def add_app(self, *, secret: bool = False, **settings: Any) -> AppThere:
        settings = {"ExplicitAuthFlows": _FLOWS, "PreventUserExistenceErrors": "ENABLED"} | settings
        made = self.owner.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", GenerateSecret=secret, **settings
        )["UserPoolClient"]
        return AppThere(
            pool=self, client_id=made["ClientId"], client_secret=made.get("ClientSecret")
        )

    def add_user(
        self, name: str | None = None, *, password: str = PASSWORD, temporary: bool = False
    ) -> UserThere:
        """Add a user with a verified e-mail address. The name is new unless one is given."""
        local = f"user-{uuid.uuid4().hex[:12]}"
        name = name or local
        email = name if "@" in name else f"{local}@example.com"
        given: dict[str, Any] = {"TemporaryPassword": password} if temporary else {}
        made = self.owner.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=_pairs({"email": email, "email_verified": "true"}),
            **given,
        )["User"]
        if not temporary:
            self.owner.admin_set_user_password(
                UserPoolId=self.id, Username=name, Password=password, Permanent=True
            )
        attributes = {pair["Name"]: pair["Value"] for pair in made["Attributes"]}
        return UserThere(
            name=made["Username"], email=email, sub=attributes["sub"], password=password
        )


def _pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


# --- the process --------------------------------------------------------------------


def installed_version(python: Path) -> str | None:
    """Return which ministack this interpreter has."""
    ask = "from importlib.metadata import version; print(version('ministack'))"
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


@contextmanager
def running(python: Path, folder: Path) -> Iterator[Ministack]:
    """Start ministack on a free loopback port, lend it, and stop it.

    Args:
        python: An interpreter that has ministack and cryptography; without the latter
            its tokens would not be signed.
        folder: Empty; all that the server writes goes there.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        port = _free_port()
        with _process(python, folder, port) as process:
            server = Ministack(f"http://127.0.0.1:{port}")
            if not _is_up(server.url, process):
                if attempt < _ATTEMPTS:
                    continue
                raise RuntimeError(f"ministack did not start:\n{_log(folder)}")
            try:
                yield server
            finally:
                server.close()
            return


@contextmanager
def _process(python: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "ministack"],
            cwd=folder,
            env=_environment(folder, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Return all that the server gets to see of ours, and how it is to behave."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        # Both would open ports of their own, the first to the outside.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_up(url: str, process: subprocess.Popen[bytes]) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            suppress(OSError, urllib.error.URLError),
            direct.open(f"{url}/_ministack/health", timeout=2) as answer,
        ):
            return bool(json.load(answer)["services"])
        time.sleep(0.05)
    return False


def _log(folder: Path) -> str:
    return (folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
