"""Every case of tests/vectors, on every backend; tests/vectors/README.md has the origins."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from aiocognito.errors import RemoteProtocolError
from aiocognito.srp import formulas
from aiocognito.srp.encoding import hex_to_int, pad, timestamp
from aiocognito.srp.group import N, g, k
from aiocognito.srp.handshake import Handshake
from aiocognito.srp.modexp import Backend, powmod
from aiocognito.srp.verifier import ServerHandshake, Verifier
from tests.srp.vectors import BOTH_SIDES, CLIENTS, PUBLISHED, integer

pytestmark = pytest.mark.usefixtures("backend")

# Client secret hashes are the business of tests/flow.
NOT_OURS = {"secret_hash"}


@pytest.fixture
def session_keys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, str]]:
    """Record S, u and the key whenever a side derives one; computing S twice takes its time."""
    made = []
    session_key = formulas.session_key

    def recording(S: int, u: int) -> bytes:
        key = session_key(S, u)
        made.append((S, u, key.hex()))
        return key

    monkeypatch.setattr(formulas, "session_key", recording)
    return made


def handshake_with(a: int, A: int) -> Handshake:
    """Return a handshake whose secret is given; ours draws 256 bits, others draw more."""
    handshake = Handshake(lambda size: b"\x01" * size)
    handshake._a, handshake._A = a, A
    return handshake


def check_client(
    case: dict[str, Any], A: int, group: str, identity: str, password: str, signature: str
) -> None:
    claim = handshake_with(integer(case["a_hex"]), A).claim(
        group=group,
        identity=identity,
        password=password,
        srp_b=case.get("srp_b_hex", case.get("SRP_B")),
        salt=case["salt_hex"],
        secret_block=case["secret_block_b64"],
        timestamp=case["timestamp"],
    )
    assert claim == signature


def check_server(
    case: dict[str, Any], A: int, group: str, identity: str, password: str, signature: str
) -> None:
    salt = integer(case["salt_hex"]).to_bytes(16, "big")
    verifier = Verifier.create(group, identity, password, salt)
    server = ServerHandshake(verifier, srp_a=f"{A:x}", b=integer(case["b_hex"]))
    assert integer(server.srp_b) == integer(case.get("srp_b_hex", case.get("SRP_B")))
    assert server.accepts(
        group=group,
        identity=identity,
        secret_block=b64decode(case["secret_block_b64"]),
        timestamp=case["timestamp"],
        signature=signature,
    )


# --- clients.json ------------------------------------------------------------------


@pytest.mark.parametrize("case", CLIENTS["password_claims"], ids=lambda case: case["id"])
def test_password_claims_of_the_official_clients(
    case: dict[str, Any], session_keys: list[tuple[int, int, str]], backend: Backend
) -> None:
    group, identity, password = case["pool_name"], case["user_id_for_srp"], case["password"]
    expected = case["expected"]
    A = powmod(g, integer(case["a_hex"]))
    assert f"{A:x}" == expected["srp_a"]
    digest = formulas.identity_hash(group, identity, password)
    x = formulas.compute_x(integer(case["salt_hex"]), digest)
    assert x == integer(expected["x_hex"])
    signature = expected["password_claim_signature"]
    check_client(case, A, group, identity, password, signature)
    if backend.name != "python":  # which takes long; it does both sides of the cases below
        check_server(case, A, group, identity, password, signature)
    S, u = integer(expected["S_hex"]), integer(expected["u_hex"])
    assert set(session_keys) == {(S, u, expected["hkdf_key_hex"])}


@pytest.mark.parametrize("case", CLIENTS["device_claims"], ids=lambda case: case["id"])
def test_device_claims_of_the_official_clients(
    case: dict[str, Any], session_keys: list[tuple[int, int, str]]
) -> None:
    group, key, password = (
        case[name] for name in ("device_group_key", "device_key", "device_password")
    )
    expected = case["expected"]
    A = powmod(g, integer(case["a_hex"]))
    assert f"{A:x}" == expected["srp_a"]
    check_client(case, A, group, key, password, expected["password_claim_signature"])
    check_server(case, A, group, key, password, expected["password_claim_signature"])
    assert [key for _, _, key in session_keys] == [expected["hkdf_key_hex"]] * 2


@pytest.mark.parametrize("case", CLIENTS["device_verifiers"], ids=lambda case: case["id"])
def test_device_verifiers_of_the_official_clients(case: dict[str, Any]) -> None:
    expected = case["expected"]
    password = b64encode(bytes.fromhex(case["password_bytes_hex"])).decode()
    assert password == expected["random_password"]
    verifier = Verifier.create(
        case["device_group_key"],
        case["device_key"],
        password,
        bytes.fromhex(case["salt_bytes_hex"]),
    )
    assert verifier.salt_base64 == expected["salt_b64"]
    assert verifier.verifier_base64 == expected["password_verifier_b64"]
    assert pad(verifier.salt).hex() == expected["salt_hex_padded"]
    assert pad(verifier.v).hex() == expected["verifier_hex_padded"]
    assert Verifier.from_base64(verifier.salt_base64, verifier.verifier_base64) == verifier


@pytest.mark.parametrize("case", CLIENTS["rejects"], ids=lambda case: case["id"])
def test_values_of_b_that_the_official_clients_refuse(case: dict[str, Any]) -> None:
    refuse_b(case["srp_b_hex"])


def refuse_b(srp_b: str) -> None:
    handshake = handshake_with(5, g**5)
    with pytest.raises(RemoteProtocolError):
        handshake.claim(
            group="group",
            identity="identity",
            password="password",
            srp_b=srp_b,
            salt="01",
            secret_block="AAAA",
            timestamp="Tue Sep 5 07:08:09 UTC 2023",
        )


# --- srp_both_sides.json -----------------------------------------------------------


@pytest.mark.parametrize("case", BOTH_SIDES, ids=lambda case: case["name"])
def test_both_sides_agree_with_the_reference(
    case: dict[str, Any], session_keys: list[tuple[int, int, str]]
) -> None:
    group, identity, password = case["group"], case["ident"], case["secret"]
    salt, A = integer(case["salt_hex"]), powmod(g, integer(case["a_hex"]))
    assert f"{A:x}" == case["SRP_A"]
    x = formulas.compute_x(salt, formulas.identity_hash(group, identity, password))
    assert x == integer(case["x_hex"])
    check_client(case, A, group, identity, password, case["signature"])
    check_server(case, A, group, identity, password, case["signature"])
    S, u = integer(case["S_hex"]), integer(case["u_hex"])
    assert session_keys == [(S, u, case["key_hex"])] * 2

    verifier = Verifier.create(group, identity, password, pad(salt))
    assert verifier.v == integer(case["verifier_hex"])
    assert verifier.salt_base64 == case["device_salt_b64"]
    assert verifier.verifier_base64 == case["device_verifier_b64"]
    padded = {"salt": salt, "A": A, "B": integer(case["SRP_B"]), "u": u, "S": S, "v": verifier.v}
    assert {name: len(pad(n)) for name, n in padded.items()} == case["pad_len"]


# --- published.json ----------------------------------------------------------------


def check_claim(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check as many steps of a claim as the case names."""
    group = inputs.get("pool_name", inputs.get("device_group_key", ""))
    identity = inputs.get("user_id_for_srp", inputs.get("device_key", ""))
    if "identity_pool_name_plus_user" in inputs:
        identity = inputs["identity_pool_name_plus_user"]
    password = inputs.get("password", inputs.get("device_password"))
    a, B = integer(inputs["a_hex"]), integer(inputs["srp_b_hex"])
    A = powmod(g, a)
    assert inputs.get("srp_a_hex", f"{A:x}") == f"{A:x}"
    u = formulas.compute_u(A, B)
    digest = formulas.identity_hash(group, identity, password)
    x = formulas.compute_x(integer(inputs["salt_hex"]), digest)
    S = formulas.client_secret(a=a, B=B, u=u, x=x)
    key = formulas.session_key(S, u)
    computed = {
        "srp_a_hex": f"{A:x}",
        "u_hex": f"{u:064x}",
        "x_hex": f"{x:064x}",
        "S_hex": f"{S:x}",
        "hkdf_key_hex": key.hex(),
        "hkdf_key_b64": b64encode(key).decode(),
    }
    if "secret_block_b64" in inputs:
        signature = formulas.claim_signature(
            key,
            group=group,
            identity=identity,
            secret_block=b64decode(inputs["secret_block_b64"]),
            timestamp=inputs["timestamp"],
        )
        computed["password_claim_signature"] = signature
        computed["password_claim_signature_correct_key"] = signature
    upstreams_own = {name for name in expected if name.startswith("m1_upstream_")}
    for name in expected.keys() - upstreams_own:
        assert computed[name].lstrip("0") == expected[name].lstrip("0"), name


def check_device_verifier(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    salt = (
        inputs["salt_bytes_utf8"].encode()
        if "salt_bytes_utf8" in inputs
        else bytes.fromhex(inputs["salt_random_hex"])
    )
    group, key = inputs["device_group_key"], inputs["device_key"]
    password = inputs["device_password"]
    assert password == expected.get("device_random_password", password)
    verifier = Verifier.create(group, key, password, salt)
    digest = formulas.identity_hash(group, key, password)
    assert formulas.compute_x(verifier.salt, digest) == integer(expected["x_hex"])
    assert verifier.salt_base64 == expected["salt_b64"]
    assert verifier.verifier_base64 == expected["password_verifier_b64"]


def check_identity_hash(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    digest = formulas.identity_hash(
        inputs["group_or_pool"], inputs["key_or_user"], inputs["password"]
    )
    if "sha256_hex" in expected:
        assert digest.hex() == expected["sha256_hex"]
    else:
        assert b64encode(digest).decode() == expected["sha256_b64"]


def check_hkdf_rfc5869(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    ikm, salt, info = (bytes.fromhex(inputs[f"{name}_hex"]) for name in ("ikm", "salt", "info"))
    prk = formulas.hkdf_extract(salt=salt, ikm=ikm)
    assert prk.hex() == expected["prk_hex"]
    assert formulas.hkdf_expand(prk, info, inputs["length"]).hex() == expected["okm_hex"]


def check_hkdf(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    S, u = integer(inputs["ikm_hex"]), integer(inputs["salt_hex"])
    assert pad(S).hex() == inputs["ikm_hex"]
    assert formulas.session_key(S, u).hex() == expected["hkdf_key_hex"]


def check_k(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    # A case without inputs means the protocol's N and g.
    assert inputs.get("g", 2) == g
    assert int.from_bytes(hashlib.sha256(pad(N) + pad(g)).digest(), "big") == k
    assert k == (integer(expected["k_hex"]) if "k_hex" in expected else int(expected["k_dec"]))


def check_A(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    a = integer(inputs["a_hex"]) if "a_hex" in inputs else int(inputs["a_dec"])
    A = powmod(g, a)
    assert f"{A:x}" == expected["srp_a_hex"]
    assert str(A) == expected.get("srp_a_dec", str(A))


def check_u(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    u = formulas.compute_u(integer(inputs["srp_a_hex"]), integer(inputs["srp_b_hex"]))
    assert u == (integer(expected["u_hex"]) if "u_hex" in expected else int(expected["u_dec"]))


def check_pad_hex(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    for text, padded in inputs["cases"]:
        assert pad(hex_to_int(text, "text")).hex() == padded


def check_pad_hex_table(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    rows = inputs["cases"]
    assert len(rows) == expected["count"]
    ours = [(n, padded) for n, padded in rows if n >= 0]
    assert len(ours) == 257
    for n, padded in ours:
        assert pad(n).hex() == padded


def check_timestamp(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(inputs["epoch_ms"] / 1000, UTC)
    assert timestamp(moment) == expected["text"]


def check_reject(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    assert integer(inputs["srp_b_hex"]) == N * integer(expected["B_div_N_hex"])
    refuse_b(inputs["srp_b_hex"])


CHECKS = {
    "A": check_A,
    "device_claim_full": check_claim,
    "device_verifier": check_device_verifier,
    "hkdf": check_hkdf,
    "hkdf_key": check_claim,
    "hkdf_rfc5869": check_hkdf_rfc5869,
    "identity_hash": check_identity_hash,
    "k": check_k,
    "pad_hex": check_pad_hex,
    "pad_hex_table": check_pad_hex_table,
    "password_claim_full": check_claim,
    "reject_B_mod_N": check_reject,
    "shared_secret": check_claim,
    "srp_steps": check_claim,
    "timestamp": check_timestamp,
    "u": check_u,
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{number}-{case['kind']}")
        for number, case in enumerate(PUBLISHED)
        if case["kind"] not in NOT_OURS
    ],
)
def test_what_other_projects_assert(case: dict[str, Any]) -> None:
    CHECKS[case["kind"]](case["inputs"], case["expected"])


def test_no_case_is_lost(backend: Backend) -> None:
    counts = {name: len(CLIENTS[name]) for name in CLIENTS.keys() - {"about", "versions"}}
    assert counts == {
        "password_claims": 151,
        "device_claims": 19,
        "device_verifiers": 22,
        "secret_hashes": 19,
        "rejects": 5,
    }
    assert len(BOTH_SIDES) == 10
    assert len(PUBLISHED) == 37
