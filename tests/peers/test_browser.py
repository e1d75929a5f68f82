"""A real browser's passkeys, and the local pool: JSON as browsers write it, both ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from aiocognito import Choice, Session, SignedIn, UserPool, WebAuthn
from aiocognito.errors import NotAuthorized, WebAuthnCredentialNotSupported
from aiocognito.testing import LocalCognito
from tests.needs import needs
from tests.peers.browser import Browser, Page, find_browser

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.may_block, pytest.mark.timeout(120)]

PASSWORD = "Passw0rd!"
FLOWS = ("ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
CREATE = """(async () => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(%s);
  return JSON.stringify(await navigator.credentials.create({ publicKey }));
})()"""
GET = """(async () => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(%s);
  return JSON.stringify(await navigator.credentials.get({ publicKey }));
})()"""


@pytest.fixture(scope="module")
def anyio_backend() -> Any:
    """The browser is driven with aiohttp."""
    return "asyncio"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser()
    needs("a Chromium", program is not None, "install chromium-headless-shell")
    assert program is not None
    with Browser(program) as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A page of the relying party `localhost`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a page</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def local_cognito(**options: Any) -> LocalCognito:
    local = LocalCognito(
        first_factors=("PASSWORD", "WEB_AUTHN"),
        relying_party="localhost",
        explicit_auth_flows=FLOWS,
        **options,
    )
    local.add_user("ana", PASSWORD)
    return local


async def register(page: Page, session: Session) -> None:
    options = await session.start_passkey_registration()
    await session.complete_passkey_registration(await page.run(CREATE % options.to_json()))


async def signed(page: Page, pool: UserPool) -> tuple[WebAuthn, str]:
    step = await pool.login("ana", flow=Choice(preferred="WEB_AUTHN")).start()
    assert isinstance(step, WebAuthn)
    return step, await page.run(GET % step.options.to_json())


@pytest.mark.parametrize("transport", ["internal", "usb"])
async def test_a_browsers_passkey_from_registration_to_sign_in(
    browser: Browser, site: str, transport: str
) -> None:
    async with local_cognito(user_verification="required") as local, browser.page() as page:
        await page.open(site)
        await page.add_authenticator(transport=transport)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            await register(page, session)
            (passkey,) = await session.list_passkeys()
            assert passkey.rp_id == "localhost"
            assert transport in passkey.transports
            for _ in range(2):
                step, credential = await signed(page, pool)
                end = await pool.resume(step.answer(credential))
                assert isinstance(end, SignedIn)
            # What was signed for one challenge does not answer another.
            step, _ = await signed(page, pool)
            with pytest.raises(NotAuthorized):
                await pool.resume(step.answer(credential))


async def test_a_browser_refuses_a_second_passkey_on_one_device(
    browser: Browser, site: str
) -> None:
    async with local_cognito() as local, browser.page() as page:
        await page.open(site)
        await page.add_authenticator()
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            await register(page, session)
            options = await session.start_passkey_registration()
            assert len(options.excluded) == 1
            script = CREATE % options.to_json()
            assert await page.run(f"{script}.catch(error => error.name)") == "InvalidStateError"


async def test_a_user_who_was_not_verified_is_refused_where_it_matters(
    browser: Browser, site: str
) -> None:
    async with local_cognito(user_verification="required") as local, browser.page() as page:
        await page.open(site)
        await page.add_authenticator(hasUserVerification=False, isUserVerified=False)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            options = await session.start_passkey_registration()
            # The browser refuses first; a page that asks for less gets past it, and no further.
            lenient = options.to_json().replace('"required"}', '"discouraged"}')
            assert "discouraged" in lenient
            with pytest.raises(WebAuthnCredentialNotSupported):
                await session.complete_passkey_registration(await page.run(CREATE % lenient))
