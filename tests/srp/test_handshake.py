from __future__ import annotations

import copy
import pickle
import secrets
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
)
from aiocognito.srp import formulas, handshake
from aiocognito.srp.group import N, g
from aiocognito.srp.handshake import Handshake
from aiocognito.srp.verifier import ServerHandshake, Verifier
from tests.srp.test_encoding import MALFORMED

PASSWORD = "canary-Passw0rd!"


def challenge(**changes: Any) -> dict[str, Any]:
    """What a claim is made of: a server's answer that nothing is wrong with, or one thing."""
    return {
        "group": "Pj8nlkpKR",
        "identity": "ana",
        "password": PASSWORD,
        "srp_b": f"{pow(g, 2**200, N):x}",
        "salt": "551d68b7653544cf0adf6aafbeea69d1",
        "secret_block": "c2VjcmV0LWJsb2Nr",
        "timestamp": "Tue Sep 5 07:08:09 UTC 2023",
    } | changes


def is_over(handshake: Handshake) -> bool:
    return repr(handshake) == "<Handshake over>" and handshake._a is None


@pytest.fixture
def no_powers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every modular power of a claim fail the test."""

    def fail(base: int, exponent: int) -> int:
        raise AssertionError("computed with a value that had to be refused")

    monkeypatch.setattr(formulas, "powmod", fail)


# --- the public value ----------------------------------------------------------------------


def test_the_public_value_is_g_to_the_secret_in_short_lower_case_hex() -> None:
    assert Handshake(lambda size: b"\xff" * size).srp_a == f"{pow(g, 2**256 - 1, N):x}"
    # Here the power has leading zeros, and the text has not.
    assert Handshake(lambda size: bytes(size - 1) + b"\x05").srp_a == "20"


def test_the_secret_has_256_random_bits_and_is_drawn_for_each_handshake() -> None:
    # threat 5
    asked = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return secrets.token_bytes(size)

    handshakes = [Handshake(entropy) for _ in range(64)]
    assert asked == [32] * 64
    drawn = [handshake._a or 0 for handshake in handshakes]
    assert len(set(drawn)) == 64
    assert len({handshake.srp_a for handshake in handshakes}) == 64
    # Every bit is set in some secret and clear in another (misses once in 2^54 runs).
    assert [bit for bit in range(256) if len({a >> bit & 1 for a in drawn}) != 2] == []


def test_zero_is_drawn_again() -> None:
    # threat 5
    draws = iter([bytes(32), bytes(31) + b"\x03"])
    assert Handshake(lambda size: next(draws)).srp_a == "8"


def test_a_public_value_of_zero_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 5
    powers = iter([0, 7])
    monkeypatch.setattr(handshake, "powmod", lambda base, exponent: next(powers))
    assert Handshake(lambda size: b"\x01" * size).srp_a == "7"


@pytest.mark.parametrize(
    ("entropy", "error"),
    [
        (lambda size: bytes(size), InvalidArgument),
        (lambda size: b"\x01" * (size - 1), InvalidArgument),
        (lambda size: b"\x01" * (size + 1), InvalidArgument),
        (lambda size: b"", InvalidArgument),
        (lambda size: "1" * size, InvalidType),
        (lambda size: None, InvalidType),
    ],
    ids=["zeros", "short", "long", "empty", "text", "nothing"],
)
def test_a_source_that_is_not_random_is_refused(
    entropy: Callable[[int], Any], error: type[Exception]
) -> None:
    # threat 5
    with pytest.raises(error, match="entropy"):
        Handshake(entropy)


# --- the claim -----------------------------------------------------------------------------


def test_the_server_accepts_the_claim_of_the_right_password_only() -> None:
    for password, accepted in [(PASSWORD, True), ("wrong", False)]:
        client = Handshake(secrets.token_bytes)
        verifier = Verifier.create("Pj8nlkpKR", "ana", PASSWORD, secrets.token_bytes(16))
        server = ServerHandshake(verifier, srp_a=client.srp_a, b=secrets.randbits(256))
        claim = client.claim(
            **challenge(password=password, srp_b=server.srp_b, salt=verifier.salt_hex)
        )
        assert accepted == server.accepts(
            group="Pj8nlkpKR",
            identity="ana",
            secret_block=b"secret-block",
            timestamp="Tue Sep 5 07:08:09 UTC 2023",
            signature=claim,
        )


def test_a_handshake_makes_one_claim() -> None:
    client = Handshake(secrets.token_bytes)
    assert repr(client) == "<Handshake open>"
    client.claim(**challenge())
    assert is_over(client)
    with pytest.raises(LocalProtocolError, match="start the sign-in again"):
        client.claim(**challenge())


# --- what a server may not say -------------------------------------------------------------


@pytest.mark.usefixtures("no_powers")
@pytest.mark.parametrize("multiple", [0, 1, 2, 3, 15, 2**3072])
def test_a_b_that_is_zero_modulo_n_is_refused(multiple: int) -> None:
    # threat 1
    client = Handshake(secrets.token_bytes)
    with pytest.raises(RemoteProtocolError, match="SRP_B"):
        client.claim(**challenge(srp_b=f"{multiple * N:x}"))
    assert is_over(client)


@pytest.mark.usefixtures("no_powers")
@pytest.mark.parametrize("srp_b", ["0000", "0" * 768, f"{N + 1:x}", "f" * 768])
def test_a_b_outside_of_the_group_is_refused(srp_b: str) -> None:
    # threat 1, threat 3
    client = Handshake(secrets.token_bytes)
    with pytest.raises(RemoteProtocolError, match="between 0 and N"):
        client.claim(**challenge(srp_b=srp_b))
    assert is_over(client)


@pytest.mark.usefixtures("no_powers")
def test_a_u_of_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 2
    monkeypatch.setattr(formulas, "compute_u", lambda A, B: 0)
    client = Handshake(secrets.token_bytes)
    with pytest.raises(RemoteProtocolError, match="u zero"):
        client.claim(**challenge())
    assert is_over(client)


@pytest.mark.usefixtures("no_powers")
@pytest.mark.parametrize("name", ["srp_b", "salt"])
@pytest.mark.parametrize("text", MALFORMED, ids=repr)
def test_malformed_numbers_are_refused(name: str, text: object) -> None:
    # threat 3
    client = Handshake(secrets.token_bytes)
    with pytest.raises(RemoteProtocolError):
        client.claim(**challenge(**{name: text}))
    assert is_over(client)


@pytest.mark.usefixtures("no_powers")
@pytest.mark.parametrize(
    "change",
    [
        {"secret_block": None},
        {"secret_block": ""},
        {"secret_block": "not base64"},
        {"secret_block": "A" * 5_000_000},
        {"identity": None},
        {"identity": "\ud800"},
        {"group": "\udc00"},
    ],
    ids=lambda change: repr(change)[:40],
)
def test_other_malformed_fields_are_refused(change: dict[str, object]) -> None:
    # threat 12
    client = Handshake(secrets.token_bytes)
    with pytest.raises(RemoteProtocolError):
        client.claim(**challenge(**change))
    assert is_over(client)


@pytest.mark.parametrize("name", ["srp_b", "salt"])
def test_ten_megabytes_are_refused_in_no_time(name: str) -> None:
    # threat 4
    client = Handshake(secrets.token_bytes)
    enormous = challenge(**{name: "f" * 10_000_000})
    started = time.perf_counter()
    with pytest.raises(RemoteProtocolError):
        client.claim(**enormous)
    assert time.perf_counter() - started < 0.1  # to parse and reduce it takes several times that


def test_odd_lengths_capitals_and_leading_zeros_are_the_same_number() -> None:
    B = pow(g, 2**200, N)
    claims = {
        Handshake(lambda size: b"\x07" * size).claim(**challenge(srp_b=srp_b, salt=salt))
        for srp_b, salt in [(f"{B:x}", "abc"), (f"{B:X}", "0ABC"), (f"{B:0768x}", "000abc")]
    }
    assert len(claims) == 1


# --- secrets stay inside -------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_handshake_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        pickle.dumps(Handshake(secrets.token_bytes), protocol)


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_a_handshake_is_not_copied(copying: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        copying(Handshake(secrets.token_bytes))


def test_a_handshake_shows_nothing() -> None:
    client = Handshake(lambda size: b"\xab" * size)
    for shown in (repr(client), str(client), f"{client}"):
        assert shown == "<Handshake open>"
    with pytest.raises(TypeError):
        vars(client)


@pytest.mark.parametrize(
    "change",
    [{"srp_b": "0"}, {"salt": "x"}, {"secret_block": ""}, {"identity": "\ud800"}],
    ids=lambda change: next(iter(change)),
)
def test_a_refusal_shows_neither_password_nor_secret_in_any_frame(
    change: dict[str, str],
) -> None:
    # threat 34
    client = Handshake(lambda size: b"\xab" * size)
    secret = int.from_bytes(b"\xab" * 32, "big")
    with pytest.raises(RemoteProtocolError) as caught:
        client.claim(**challenge(**change))
    ours = [
        frame
        for frame in traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        ).stack
        if "aiocognito" in frame.filename and "tests" not in frame.filename
    ]
    assert ours
    shown = str(caught.value) + "".join(str(frame.locals) for frame in ours)
    assert PASSWORD not in shown
    assert str(secret) not in shown


def test_a_password_that_utf8_cannot_carry_is_the_callers_mistake() -> None:
    # threat 34
    client = Handshake(secrets.token_bytes)
    with pytest.raises(InvalidArgument, match="password") as caught:
        client.claim(**challenge(password="canary\ud800"))
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    assert is_over(client)


def test_a_password_that_is_no_text_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidType):
        Handshake(secrets.token_bytes).claim(**challenge(password=None))
