"""Sign requests of your own, for what aiobotocore has no client for.

An API behind API Gateway may ask for IAM: each request is then signed with AWS
credentials. Here a small server on this machine stands for it. It checks signatures as
AWS does, with the keys of a local identity pool, and tells who called. At the end stands
the address for MQTT over WebSocket with AWS IoT.

    python examples/sign_request.py
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import anyio

from aiocognito import AwsIdentity, IdentityPool
from aiocognito.signing import iot_websocket_url, presign_url, sign_request
from aiocognito.testing import LocalCognito, SignedRequest
from aiocognito.testing.service_errors import PoolError

REGION, SERVICE = "eu-west-1", "execute-api"


class Api(BaseHTTPRequestHandler):
    """Stands for an API behind API Gateway."""

    local: LocalCognito

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = f"http://{self.headers['Host']}{self.path}"
        request = SignedRequest(method="POST", url=url, headers=headers, body=body)
        try:
            caller = self.local.identity_pool.signer_of(request)
            self.answer(200, {"caller": caller.identity_id, "ordered": json.loads(body)["item"]})
        except PoolError as refusal:
            self.answer(403, {"refused": refusal.code})

    def answer(self, status: int, what: dict[str, str]) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


async def order(http: aiohttp.ClientSession, identity: AwsIdentity, url: str) -> None:
    body = json.dumps({"item": "tea"}).encode()
    headers = await sign_request(
        identity,
        "POST",
        url,
        service=SERVICE,
        region=REGION,
        headers={"Content-Type": "application/json"},
        body=body,
    )
    async with http.post(url, data=body, headers=headers) as answer:
        found = await answer.json(content_type=None)
        print(answer.status, found["ordered"], "ordered by", found["caller"])

    # The signature is over the body, too.
    async with http.post(url, data=body.replace(b"tea", b"gin"), headers=headers) as answer:
        print(answer.status, "another body:", await answer.text())


async def main(local: LocalCognito, url: str) -> None:
    async with (
        IdentityPool(local.identity_pool_id, endpoint_url=local.url) as identities,
        aiohttp.ClientSession() as http,
    ):
        guest = identities.guest()
        await order(http, guest, url)
        link = await presign_url(guest, "GET", url, service=SERVICE, region=REGION)
        print("a link for somebody without credentials:", link.partition("?")[0], "+ signature")
        mqtt = await iot_websocket_url(guest, "a1b2c3-ats.iot.eu-west-1.amazonaws.com")
        print("MQTT over WebSocket:", mqtt.partition("?")[0], "+ signature")


if __name__ == "__main__":
    with LocalCognito() as local, ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Api.local = local
        threading.Thread(target=server.serve_forever, daemon=True).start()
        anyio.run(main, local, f"http://127.0.0.1:{server.server_port}/orders")
        server.shutdown()
