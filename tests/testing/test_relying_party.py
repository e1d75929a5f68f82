"""The local pool's check of passkeys: the standard's own vectors, and every kind of forgery."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.testing.authenticator_data import Attestation, AuthenticatorData, PublicKey
from aiocognito.testing.relying_party import (
    LocalPasskey,
    PasskeyRefused,
    RelyingParty,
    transports_of,
)
from tests.authenticator import BE, BS, ED, ORIGIN, RP_ID, UP, UV, Authenticator

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "webauthn.json").read_text())
CASES: dict[str, Any] = {case["name"]: case for case in VECTORS["cases"]}
UNSUPPORTED = "WebAuthnCredentialNotSupportedException"
MALFORMED = "InvalidParameterException"
CHALLENGE_GONE = "WebAuthnChallengeNotFoundException"
ORIGIN_REFUSED = "WebAuthnOriginNotAllowedException"
PARTY_MISMATCH = "WebAuthnRelyingPartyMismatchException"
# The registrations the pool does not take, and why. All the others it must take.
NOT_TAKEN = {
    "none-es256-crossOrigin": ORIGIN_REFUSED,
    "none-es256-topOrigin": ORIGIN_REFUSED,
    **dict.fromkeys(
        (
            *("packed-es256", "packed-es384", "packed-es512", "packed-rs256", "packed-eddsa"),
            *("packed-ed448", "tpm-es256", "android-key-es256", "apple-es256", "fido-u2f-es256"),
        ),
        UNSUPPORTED,
    ),
}
TAKEN = ["none-es256", "packed-self-es256", "none-es256-long-credential-id"]
# Of these the key is one the pool can weigh, so their sign-ins must be right.
WEIGHED = [
    *TAKEN,
    *("packed-es256", "packed-rs256", "tpm-es256", "android-key-es256", "apple-es256"),
    "fido-u2f-es256",
]
STANDARD = RelyingParty("example.org")


def from_hex(ceremony: Mapping[str, str], credential_id: str, *names: str) -> dict[str, Any]:
    raw = websafe_encode(bytes.fromhex(credential_id))
    response = {name: websafe_encode(bytes.fromhex(ceremony[name])) for name in names}
    return {"id": raw, "rawId": raw, "type": "public-key", "response": response}


def kept(attestation_or_data: Any, **changes: Any) -> LocalPasskey:
    new, data = attestation_or_data
    passkey = LocalPasskey(
        id=websafe_encode(new.id),
        name="Passkey",
        rp_id="example.org",
        attachment=None,
        transports=(),
        created_at=0.0,
        key=new.key,
        sign_count=data.sign_count,
        backup_eligible=data.backup_eligible,
    )
    return evolve(passkey, **changes)


def refusal(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(PasskeyRefused) as refused:
        call(*args, **more)
    return refused.value.code


# --- the standard's vectors -------------------------------------------------------------


def test_every_vector_is_accounted_for() -> None:
    assert set(CASES) == set(TAKEN) | set(NOT_TAKEN)
    assert VECTORS["origin"] == "https://example.org"


def registration(name: str) -> tuple[dict[str, Any], bytes]:
    case = CASES[name]["registration"]
    names = ("clientDataJSON", "attestationObject")
    return from_hex(case, case["credential_id"], *names), bytes.fromhex(case["challenge"])


@pytest.mark.parametrize("name", TAKEN)
def test_registrations_of_the_standard_are_taken(name: str) -> None:
    credential, challenge = registration(name)
    new, _ = STANDARD.register(credential, challenge)
    assert websafe_encode(new.id) == credential["id"]


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_registrations_of_other_kinds_are_refused_by_their_code(name: str) -> None:
    assert refusal(STANDARD.register, *registration(name)) == NOT_TAKEN[name]


@pytest.mark.parametrize("name", WEIGHED)
def test_signatures_of_the_standard_are_right_and_wrong_when_altered(name: str) -> None:
    case = CASES[name]
    encoded = bytes.fromhex(case["registration"]["attestationObject"])
    attestation = Attestation.read(encoded)
    passkey = kept((attestation.new, attestation.data))
    ceremony, challenge = case["authentication"], bytes.fromhex(case["authentication"]["challenge"])
    names = ("clientDataJSON", "authenticatorData", "signature")
    credential = from_hex(ceremony, case["registration"]["credential_id"], *names)
    assert STANDARD.authenticate(credential, challenge, passkey, user_handle=b"") == 0
    signature = bytearray(bytes.fromhex(ceremony["signature"]))
    signature[-1] ^= 1
    credential["response"]["signature"] = websafe_encode(bytes(signature))
    refusal(STANDARD.authenticate, credential, challenge, passkey, user_handle=b"")


# --- our own authenticator, which is another library's ----------------------------------

PARTY = RelyingParty(RP_ID)
STRICT = RelyingParty(RP_ID, "required")
CREATION = {
    "challenge": websafe_encode(bytes(range(32))),
    "rp": {"id": RP_ID},
    "user": {"id": websafe_encode(b"sub")},
}
REQUEST = {"challenge": websafe_encode(bytes(range(32))), "rpId": RP_ID}
CHALLENGE = bytes(range(32))


@pytest.mark.parametrize("algorithm", [-7, -257])
@pytest.mark.parametrize("fmt", ["none", "packed"])
def test_both_algorithms_register_and_sign_in(algorithm: int, fmt: str) -> None:
    device = Authenticator(algorithm=algorithm)
    wrong = {} if fmt == "none" else {"fmt": "packed", "statement": "self"}
    found = STRICT.register(device.register(CREATION, **wrong), CHALLENGE)
    assert found[0].key.algorithm == algorithm
    passkey = kept(found)
    for expected in (1, 2):
        credential = device.authenticate(REQUEST)
        count = STRICT.authenticate(credential, CHALLENGE, passkey, user_handle=b"sub")
        assert count == expected
        passkey = evolve(passkey, sign_count=count)


def cose(device: Authenticator, **changes: Any) -> bytes:
    """Authenticator data with another key than the device has."""
    names = {"kty": 1, "alg": 3, "m1": -1, "m2": -2, "m3": -3, "more": 7}
    members = {**device.cose, **{names[name]: value for name, value in changes.items()}}
    members = {number: value for number, value in members.items() if value is not None}
    length = len(device.id).to_bytes(2, "big")
    head = device.data(flags=UP | UV)
    flags = bytes([head[32] | 0x40])
    return head[:32] + flags + head[33:] + bytes(16) + length + device.id + cbor.encode(members)


def attestation(device: Authenticator, **changes: Any) -> bytes:
    members = {"fmt": "none", "attStmt": {}, "authData": device.data(attested=True), **changes}
    return cbor.encode({name: value for name, value in members.items() if value is not None})


WRONG_REGISTRATIONS: dict[str, tuple[Any, str]] = {
    "another type": (lambda _: {"type": "webauthn.get"}, MALFORMED),
    "another challenge": (lambda _: {"challenge": websafe_encode(bytes(32))}, CHALLENGE_GONE),
    "no challenge": (lambda _: {"challenge": ""}, MALFORMED),
    "another origin": (lambda _: {"origin": "https://example.com"}, ORIGIN_REFUSED),
    "an origin without TLS": (lambda _: {"origin": f"http://{RP_ID}"}, ORIGIN_REFUSED),
    "an origin that only ends alike": (lambda _: {"origin": f"https://x{RP_ID}"}, ORIGIN_REFUSED),
    "another site's frame": (lambda _: {"cross_origin": True}, ORIGIN_REFUSED),
    "client data that are no JSON": (lambda _: {"client_data": b"{"}, MALFORMED),
    "client data that are a list": (lambda _: {"client_data": b"[]"}, MALFORMED),
    "client data with a member twice": (
        lambda _: {"client_data": b'{"type":"webauthn.get","type":"webauthn.create"}'},
        MALFORMED,
    ),
    "client data without end": (lambda _: {"client_data": b" " * 20_000}, MALFORMED),
    "another relying party": (lambda _: {"rp_id": "example.com"}, PARTY_MISMATCH),
    "nobody there": (lambda _: {"flags": UV}, UNSUPPORTED),
    "backed up though it cannot be": (lambda _: {"flags": UP | UV | BS}, MALFORMED),
    "no new credential": (lambda d: {"data": d.data()}, MALFORMED),
    "something behind": (lambda d: {"data": d.data(attested=True) + b"\0"}, MALFORMED),
    "cut off": (lambda d: {"data": d.data(attested=True)[:-1]}, MALFORMED),
    "no authenticator data": (lambda _: {"data": b""}, MALFORMED),
    "an id that is cut off": (lambda d: {"data": d.data(attested=True)[:60]}, MALFORMED),
    "an id without a byte": (
        lambda d: {"data": d.data(attested=True)[:53] + b"\0\0" + cbor.encode(d.cose)},
        MALFORMED,
    ),
    "an endless id": (lambda d: {"data": d.data(attested=True)[:53] + b"\xff" * 65537}, MALFORMED),
    "a key of another algorithm": (lambda d: {"data": cose(d, alg=-8)}, UNSUPPORTED),
    "a key without an algorithm": (lambda d: {"data": cose(d, alg=None)}, UNSUPPORTED),
    "a key of another kind": (lambda d: {"data": cose(d, kty=1)}, MALFORMED),
    "another curve": (lambda d: {"data": cose(d, m1=2)}, MALFORMED),
    "a point that is not on the curve": (lambda d: {"data": cose(d, m2=bytes(32))}, MALFORMED),
    "a short coordinate": (lambda d: {"data": cose(d, m2=bytes(31))}, MALFORMED),
    "a coordinate with a zero in front": (
        lambda d: {"data": cose(d, m2=b"\0" + d.cose[-2])},
        MALFORMED,
    ),
    "a coordinate that is a number": (lambda d: {"data": cose(d, m2=5)}, MALFORMED),
    "a private member": (lambda d: {"data": cose(d, more=b"x")}, MALFORMED),
    "no attestation object": (lambda _: {"attestation": cbor.encode([])}, MALFORMED),
    "CBOR that is cut off": (lambda d: {"attestation": attestation(d)[:-1]}, MALFORMED),
    "CBOR with something behind": (lambda d: {"attestation": attestation(d) + b"\0"}, MALFORMED),
    "a member missing": (lambda d: {"attestation": attestation(d, fmt=None)}, MALFORMED),
    "a member more": (lambda d: {"attestation": attestation(d, more=1)}, MALFORMED),
    "a format that is a number": (lambda d: {"attestation": attestation(d, fmt=1)}, MALFORMED),
    "a statement that is a list": (
        lambda d: {"attestation": attestation(d, attStmt=[])},
        MALFORMED,
    ),
    "a statement where none should be": (lambda _: {"statement": {"sig": b"x"}}, MALFORMED),
    "a format nobody asked for": (lambda _: {"fmt": "fido-u2f"}, UNSUPPORTED),
    "certificates": (lambda _: {"fmt": "packed", "statement": {"x5c": []}}, UNSUPPORTED),
    "a self attestation without a signature": (
        lambda _: {"fmt": "packed", "statement": {"alg": -7}},
        MALFORMED,
    ),
    "a self attestation with a wrong signature": (
        lambda d: {"fmt": "packed", "statement": {"alg": -7, "sig": d.sign(b"x")}},
        MALFORMED,
    ),
    "a self attestation of another algorithm": (
        lambda _: {"fmt": "packed", "statement": "self", "alg": -257},
        MALFORMED,
    ),
}


@pytest.mark.parametrize("name", WRONG_REGISTRATIONS)
def test_a_registration_with_one_thing_wrong(name: str) -> None:
    device = Authenticator()
    make, code = WRONG_REGISTRATIONS[name]
    assert refusal(PARTY.register, device.register(CREATION, **make(device)), CHALLENGE) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kty": 2}, MALFORMED),
        ({"m1": bytes(256)}, MALFORMED),
        ({"m1": b""}, MALFORMED),
        ({"m1": 5}, MALFORMED),
        ({"m2": b"\0\1\0\1"}, MALFORMED),
        ({"more": b"private"}, MALFORMED),
        ({"m2": b"\3"}, UNSUPPORTED),
        ({"m1": b"\xff" * 128}, UNSUPPORTED),
        ({"m1": b"\xff" * 2048}, UNSUPPORTED),
    ],
    ids=str,
)
def test_an_rsa_key_with_one_thing_wrong(changes: dict[str, Any], code: str) -> None:
    device = Authenticator(algorithm=-257)
    credential = device.register(CREATION, data=cose(device, **changes))
    assert refusal(PARTY.register, credential, CHALLENGE) == code


def test_a_key_is_a_map() -> None:
    with pytest.raises(ValueError, match="COSE"):
        PublicKey.read([])


@pytest.mark.parametrize(
    "change",
    [
        {"type": "password"},
        {"id": "AAAA", "rawId": "AAAA"},
        {"id": 5, "rawId": 5},
        {"rawId": "AAAA"},
        {"response": None},
        {"response": {}},
        {"response": {"clientDataJSON": 5}},
    ],
    ids=str,
)
def test_a_credential_of_another_shape(change: dict[str, Any]) -> None:
    credential = {**Authenticator().register(CREATION), **change}
    assert refusal(PARTY.register, credential, CHALLENGE) == MALFORMED


def test_user_verification_is_demanded_where_the_pool_says_so() -> None:
    device = Authenticator(flags=UP)
    assert refusal(STRICT.register, device.register(CREATION), CHALLENGE) == UNSUPPORTED
    passkey = kept(PARTY.register(device.register(CREATION), CHALLENGE))
    credential = device.authenticate(REQUEST)
    PARTY.authenticate(credential, CHALLENGE, passkey, user_handle=b"sub")
    for party, must in ((STRICT, False), (PARTY, True)):
        assert (
            refusal(
                party.authenticate,
                credential,
                CHALLENGE,
                passkey,
                user_handle=b"sub",
                must_verify=must,
            )
            == UNSUPPORTED
        )


def test_extensions_are_read_over() -> None:
    device = Authenticator()
    data = bytearray(device.data(attested=True) + cbor.encode({"credProtect": 2}))
    data[32] |= ED
    PARTY.register(device.register(CREATION, data=bytes(data)), CHALLENGE)
    data[-len(cbor.encode({"credProtect": 2})) :] = cbor.encode([1])
    credential = device.register(CREATION, data=bytes(data))
    assert refusal(PARTY.register, credential, CHALLENGE) == MALFORMED


WRONG_ASSERTIONS: dict[str, Any] = {
    "another type": lambda _: {"type": "webauthn.create"},
    "another challenge": lambda _: {"challenge": websafe_encode(bytes(32))},
    "another origin": lambda _: {"origin": "https://example.com"},
    "another site's frame": lambda _: {"cross_origin": True},
    "client data that are no JSON": lambda _: {"client_data": b"x"},
    "another relying party": lambda _: {"rp_id": "example.com"},
    "nobody there": lambda _: {"flags": UV},
    "now eligible for backups": lambda _: {"flags": UP | UV | BE},
    "a signature over something else": lambda _: {"signed": b"x"},
    "a signature over the data alone": lambda d: {"signed": d.data()},
    "another user's handle": lambda _: {"handle": b"somebody"},
    "data that are cut off": lambda d: {"data": d.data()[:-1]},
    "data with something behind": lambda d: {"data": d.data() + b"\0"},
    "a counter that stands still": lambda _: {"count": 5},
    "a counter that went back": lambda _: {"count": 4},
    "a counter that went to zero": lambda _: {"count": 0},
}


@pytest.mark.parametrize("name", WRONG_ASSERTIONS)
def test_an_assertion_with_one_thing_wrong(name: str) -> None:
    device = Authenticator()
    passkey = kept(PARTY.register(device.register(CREATION), CHALLENGE), sign_count=5)
    device.count = 5
    right = device.authenticate(REQUEST)
    assert PARTY.authenticate(right, CHALLENGE, passkey, user_handle=b"sub") == 6
    device.count = 5
    wrong = device.authenticate(REQUEST, **WRONG_ASSERTIONS[name](device))
    refusal(PARTY.authenticate, wrong, CHALLENGE, passkey, user_handle=b"sub")


def test_who_does_not_count_stays_at_zero() -> None:
    device = Authenticator()
    passkey = kept(PARTY.register(device.register(CREATION), CHALLENGE))
    for _ in range(2):
        credential = device.authenticate(REQUEST, count=0)
        assert PARTY.authenticate(credential, CHALLENGE, passkey, user_handle=b"sub") == 0


def test_another_devices_signature_is_not_this_passkeys() -> None:
    device, other = Authenticator(), Authenticator()
    passkey = kept(PARTY.register(device.register(CREATION), CHALLENGE))
    refusal(
        PARTY.authenticate,
        {**other.authenticate(REQUEST, handle=b"sub"), "id": passkey.id, "rawId": passkey.id},
        CHALLENGE,
        passkey,
        user_handle=b"sub",
    )


@cache
def one_of_each() -> tuple[LocalPasskey, dict[str, Any]]:
    device = Authenticator()
    passkey = kept(PARTY.register(device.register(CREATION), CHALLENGE))
    return passkey, device.authenticate(REQUEST)


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    passkey, credential = one_of_each()
    part = data.draw(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]))
    raw = bytearray(websafe_decode(credential["response"][part]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = copy.deepcopy(credential)
    changed["response"][part] = websafe_encode(bytes(raw))
    refusal(PARTY.authenticate, changed, CHALLENGE, passkey, user_handle=b"sub")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for read in (Attestation.read, AuthenticatorData.read):
        try:
            read(raw)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (["usb", "nfc"], ("usb", "nfc")),
        (["usb", 5, "x" * 65], ("usb",)),
        (["usb"] * 99, ("usb",) * 16),
        (None, ()),
        ("usb", ()),
    ],
    ids=str,
)
def test_transports_are_hints(given_: Any, found: tuple[str, ...]) -> None:
    credential = Authenticator().register(CREATION)
    credential["response"]["transports"] = given_
    assert transports_of(credential) == found


def test_a_page_below_the_relying_party_may_use_it() -> None:
    device = Authenticator()
    PARTY.register(device.register(CREATION, origin=ORIGIN.replace("auth", "shop.auth")), CHALLENGE)
