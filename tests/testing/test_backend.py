"""Which core is asked, and what is remembered of the asking."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.testing import backend as module
from aiocognito.testing.backend import Backend, RequestLog
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.user_pool import LocalUserPool

IDS = ("eu-west-1_Local0001", "eu-west-1_Local0002")
FLOWS = ("ALLOW_USER_PASSWORD_AUTH",)


@pytest.fixture
def pools() -> list[LocalUserPool]:
    clock = ManualClock()
    pools = [LocalUserPool(pool_id, clock=clock, mfa="ON") for pool_id in IDS]
    for number, pool in enumerate(pools):
        pool.add_client(f"client{number}", explicit_auth_flows=FLOWS)
        pool.add_user("ana", f"Passw0rd!{number}")
    return pools


@pytest.fixture
def backend(pools: list[LocalUserPool]) -> Backend:
    backend = Backend(clock=ManualClock())
    for pool in pools:
        backend.add_user_pool(pool)
    return backend


def start(backend: Backend, number: int) -> dict[str, Any]:
    parameters = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": f"client{number}",
        "AuthParameters": {"USERNAME": "ana", "PASSWORD": f"Passw0rd!{number}"},
    }
    return dict(backend.handle("cognito-idp", "InitiateAuth", parameters))


def associate(backend: Backend, session: str) -> None:
    backend.handle("cognito-idp", "AssociateSoftwareToken", {"Session": session})


@pytest.mark.parametrize("number", [0, 1])
def test_a_client_and_then_its_session_lead_to_its_pool(backend: Backend, number: int) -> None:
    associate(backend, start(backend, number)["Session"])


def test_what_no_pool_knows_is_answered_by_the_first(backend: Backend) -> None:
    with pytest.raises(PoolError, match="User pool client nobody does not exist"):
        backend.handle(
            "cognito-idp", "InitiateAuth", {"ClientId": "nobody", "AuthFlow": "USER_SRP_AUTH"}
        )
    with pytest.raises(PoolError, match="Invalid Access Token"):
        backend.handle("cognito-idp", "GetUser", {"AccessToken": "a.b.c"})
    with pytest.raises(PoolError, match="Invalid session"):
        associate(backend, "x" * 20)


def test_sessions_are_not_remembered_without_bounds(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 35
    monkeypatch.setattr(module, "_SESSIONS_REMEMBERED", 2)
    sessions = [start(backend, 1)["Session"] for _ in range(3)]
    with pytest.raises(PoolError, match="Invalid session"):
        associate(backend, sessions[0])  # asked of the first pool, which never issued it
    associate(backend, sessions[2])


def test_without_an_identity_pool_its_operations_are_unknown(backend: Backend) -> None:
    with pytest.raises(PoolError, match="UnknownOperationException"):
        backend.handle("cognito-identity", "GetId", {})


def test_documents_are_each_pools_own(backend: Backend, pools: list[LocalUserPool]) -> None:
    assert backend.document(IDS[1], "jwks.json") == pools[1].jwks()
    assert backend.document(IDS[1], "openid-configuration") == pools[1].openid_configuration()
    assert backend.document("eu-west-1_Nobody", "jwks.json") is None


def test_the_log_keeps_names_in_order() -> None:
    log = RequestLog()
    for name in ("GetId", "InitiateAuth", "GetId"):
        log.record(name)
    assert log.operations == ("GetId", "InitiateAuth", "GetId")
    assert (log.count("GetId"), log.counts["RevokeToken"], len(log)) == (2, 0, 3)
    log.clear()
    assert not log.operations
