from __future__ import annotations

import base64
import copy
import pickle
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiocognito.errors import InvalidArgument
from aiocognito.srp import formulas
from aiocognito.srp.encoding import pad
from aiocognito.srp.group import N, g, k
from aiocognito.srp.handshake import Handshake
from aiocognito.srp.verifier import ServerHandshake, Verifier

VERIFIER = Verifier.create("-a1b2c3d4", "eu-west-1_device", "password", bytes(range(16)))
SIGNED = {
    "group": "-a1b2c3d4",
    "identity": "eu-west-1_device",
    "secret_block": b"block",
    "timestamp": "Tue Sep 5 07:08:09 UTC 2023",
}

# --- the verifier --------------------------------------------------------------------------


def test_the_salt_on_the_wire_has_no_padding_in_hex_and_padding_in_base64() -> None:
    verifier = Verifier(salt=0x0ABC, v=4)
    assert verifier.salt_hex == "abc"
    assert base64.b64decode(verifier.salt_base64) == b"\x0a\xbc"
    assert base64.b64decode(Verifier(salt=0x80, v=4).salt_base64) == b"\x00\x80"


def test_leading_zeros_of_the_salt_do_not_count() -> None:
    one, other = (Verifier.create("g", "i", "p", salt) for salt in (b"\x01", bytes(15) + b"\x01"))
    assert one == other


def test_the_verifier_shows_no_v() -> None:
    assert str(VERIFIER.v) not in repr(VERIFIER)
    assert "v=" not in repr(VERIFIER)


@given(st.integers(0, 2**128 - 1), st.integers(1, N - 1))
def test_what_a_device_sends_is_read_back(salt: int, v: int) -> None:
    verifier = Verifier(salt, v)
    assert Verifier.from_base64(verifier.salt_base64, verifier.verifier_base64) == verifier


def encoded(n: int) -> str:
    return base64.b64encode(pad(n)).decode()


@pytest.mark.parametrize(
    ("salt", "verifier", "argument"),
    [
        ("AQ==", encoded(0), "verifier"),
        ("AQ==", encoded(N), "verifier"),
        ("AQ==", encoded(2**3080), "verifier"),
        ("AQ==", "A" * 5_000_000, "verifier"),
        ("AQ==", "not base64", "verifier"),
        ("AQ==", "ÄÄÄÄ", "verifier"),
        ("A", encoded(4), "salt"),
    ],
    ids=range(7),
)
def test_malformed_verifiers_are_refused(salt: str, verifier: str, argument: str) -> None:
    with pytest.raises(InvalidArgument, match=argument):
        Verifier.from_base64(salt, verifier)


# --- the server's handshake ----------------------------------------------------------------


def claim(server: ServerHandshake, client: Handshake, **changes: Any) -> str:
    signed = SIGNED | changes
    block = base64.b64encode(signed.pop("secret_block")).decode()
    return client.claim(
        **{"password": "password"} | signed,
        srp_b=server.srp_b,
        salt=VERIFIER.salt_hex,
        secret_block=block,
    )


def exchange() -> tuple[Handshake, ServerHandshake]:
    client = Handshake(secrets.token_bytes)
    return client, ServerHandshake(VERIFIER, srp_a=client.srp_a, b=secrets.randbits(256) | 1)


@given(a=st.binary(min_size=32, max_size=32).filter(any), b=st.integers(1, 2**256 - 1))
@settings(max_examples=25)
def test_the_claim_of_the_right_password_is_accepted(a: bytes, b: int) -> None:
    client = Handshake(lambda size: a)
    server = ServerHandshake(VERIFIER, srp_a=client.srp_a, b=b)
    assert server.accepts(**SIGNED, signature=claim(server, client))


@pytest.mark.parametrize(
    "change",
    [
        {"password": "Password"},
        {"identity": "eu-west-1_other"},
        {"group": "-a1b2c3d5"},
        {"secret_block": b"another"},
        {"timestamp": "Tue Sep 5 07:08:10 UTC 2023"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_claim_that_differs_in_one_thing_is_not(change: dict[str, Any]) -> None:
    client, server = exchange()
    assert not server.accepts(**SIGNED, signature=claim(server, client, **change))


@pytest.mark.parametrize("signature", ["", "AAAA", "ä", "\ud800", "A" * 100_000])
def test_a_signature_that_is_none_is_not_accepted(signature: str) -> None:
    _, server = exchange()
    assert server.accepts(**SIGNED, signature=signature) is False


def test_a_handshake_made_again_from_the_same_values_accepts_the_same_claim() -> None:
    client = Handshake(secrets.token_bytes)
    values: dict[str, Any] = {"srp_a": client.srp_a, "b": secrets.randbits(256) | 1}
    first = ServerHandshake(VERIFIER, **values)
    again = ServerHandshake(Verifier(VERIFIER.salt, VERIFIER.v), **values)
    assert first.srp_b == again.srp_b
    assert again.accepts(**SIGNED, signature=claim(first, client))


def test_the_public_value_is_short_lower_case_hex() -> None:
    # B = k*v + g^b is small with these.
    assert ServerHandshake(Verifier(1, 1), srp_a="2", b=1).srp_b == f"{k + g:x}"


@pytest.mark.parametrize(
    "srp_a", [f"{A:x}" for A in (2, N - 1, N + 1)] + ["00FF", "0" * 1023 + "2"]
)
def test_public_values_of_clients_may_be_capital_and_padded(srp_a: str) -> None:
    assert ServerHandshake(VERIFIER, srp_a=srp_a, b=5).srp_b


@pytest.mark.parametrize(
    "srp_a",
    ["0", "0000", f"{N:x}", f"{3 * N:x}", "", "-2", "0x2", "2\n", " 2", "xyz", "1" * 1025, None, 2],
    ids=lambda srp_a: repr(srp_a)[:12],
)
def test_a_public_value_that_would_let_anybody_in_is_refused(srp_a: Any) -> None:
    with pytest.raises(InvalidArgument, match="srp_a"):
        ServerHandshake(VERIFIER, srp_a=srp_a, b=5)


@pytest.mark.parametrize("b", [0, -1])
def test_a_secret_that_is_not_positive_is_refused(b: int) -> None:
    with pytest.raises(InvalidArgument, match="b must be positive"):
        ServerHandshake(VERIFIER, srp_a="2", b=b)


def test_a_secret_that_makes_b_zero_is_refused() -> None:
    v = -pow(g, 5, N) * pow(k, -1, N) % N
    with pytest.raises(InvalidArgument, match="another number"):
        ServerHandshake(Verifier(1, v), srp_a="2", b=5)


def test_a_secret_that_makes_u_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formulas, "compute_u", lambda A, B: 0)
    with pytest.raises(InvalidArgument, match="another number"):
        ServerHandshake(VERIFIER, srp_a="2", b=5)


def test_a_server_handshake_shows_nothing_and_is_not_pickled() -> None:
    _, server = exchange()
    assert repr(server) == "<ServerHandshake>"
    for leaving in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            leaving(server)
