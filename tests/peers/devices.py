"""What clients somebody else wrote must find at our local pool about devices.

And the other way round: a device that one client has confirmed proves itself in another,
ours among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from aiocognito import RememberedDevice, UserPool
from aiocognito.testing import LocalCognito
from tests.peers.expectations import NAME, PASSWORD, claims_of, signed_in
from tests.peers.peer import Driver, Peer


def code(local: LocalCognito) -> str:
    return local.totp_code(NAME, unused=True)


async def our_device(local: LocalCognito) -> RememberedDevice:
    """Sign in with a code, and have our own client confirm the device."""
    async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
        login = pool.login(NAME, PASSWORD)
        step: Any = await login.start()
        done: Any = await login.send(step.answer(code(local)))
        device: RememberedDevice = await done.session.remember_device("ours")
        return device


async def prove(local: LocalCognito, device: RememberedDevice) -> None:
    """Sign in with our own client on a device, without a code."""
    async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
        session = await pool.sign_in(NAME, PASSWORD, device=device)
        assert session.device is device
        await session.refresh()


class EveryClientWithDevices:
    """ALWAYS: a device is remembered as soon as it is confirmed, which these do at once."""

    @pytest.fixture
    def local(self) -> Iterator[LocalCognito]:
        with LocalCognito(device_tracking="ALWAYS") as local:
            local.add_user(NAME, PASSWORD, totp=True)
            yield local

    @pytest.fixture
    def peer(self, driver: Driver, local: LocalCognito) -> Iterator[Peer]:
        with driver.at_work(local) as peer:
            yield peer

    def again(self, peer: Peer) -> dict[str, Any]:
        return peer.sign_in(NAME, PASSWORD)

    def first(self, peer: Peer, local: LocalCognito) -> dict[str, Any]:
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "SOFTWARE_TOKEN_MFA"
        return peer.do("code", code=code(local))

    def test_a_confirmed_device_stands_in_for_the_code(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        key = claims_of(signed_in(self.first(peer, local))["access"])["device_key"]
        (device,) = local.pool.user(NAME).devices.values()
        assert (device.key, device.remembered) == (key, True)
        assert device.name
        kept = peer.do("device", username=NAME)
        theirs = RememberedDevice(
            key=kept["key"], group_key=kept["group"], password=kept["password"]
        )
        anyio.run(prove, local, theirs)
        tokens = signed_in(self.again(peer))
        assert claims_of(tokens["access"])["device_key"] == key
        signed_in(peer.do("refresh"))
        assert peer.do("devices") == {"keys": [key]}
        assert peer.do("forget_device")["status"] == "SUCCESS"
        assert local.pool.user(NAME).devices == {}

    @pytest.mark.slow  # JavaScript takes its time with three exchanges of SRP
    def test_a_device_that_must_be_agreed_to_counts_once_it_is(self, driver: Driver) -> None:
        with LocalCognito(device_tracking="OPT_IN") as local:
            local.add_user(NAME, PASSWORD, totp=True)
            with driver.at_work(local) as peer:
                outcome = self.first(peer, local)
                assert outcome.pop("agree", True) is True
                signed_in(outcome)
                (device,) = local.pool.user(NAME).devices.values()
                assert not device.remembered
                assert peer.do("remember_device")["status"] == "SUCCESS"
                assert device.remembered
                signed_in(self.again(peer))

    @pytest.mark.slow
    def test_a_device_proves_itself_after_the_code_and_is_done_without_once_deleted(
        self, driver: Driver
    ) -> None:
        with LocalCognito(device_tracking="ALWAYS", device_replaces_mfa=False) as local:
            local.add_user(NAME, PASSWORD, totp=True)
            with driver.at_work(local) as peer:
                key = claims_of(signed_in(self.first(peer, local))["access"])["device_key"]
                assert self.again(peer)["challenge"] == "SOFTWARE_TOKEN_MFA"
                self.ends_well(peer.do("code", code=code(local)), key)
                local.pool.user(NAME).devices.clear()
                assert self.again(peer)["challenge"] == "SOFTWARE_TOKEN_MFA"

    def ends_well(self, outcome: dict[str, Any], key: str) -> None:
        assert claims_of(signed_in(outcome)["access"])["device_key"] == key

    def test_our_device_proves_itself_in_it(self, peer: Peer, local: LocalCognito) -> None:
        device = anyio.run(our_device, local)
        peer.do(
            "device",
            username=NAME,
            key=device.key,
            group=device.group_key,
            password=device.password.reveal(),
        )
        tokens = signed_in(peer.sign_in(NAME, PASSWORD))
        assert claims_of(tokens["access"])["device_key"] == device.key
