"""Which signatures count."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from aiocognito.errors import (
    TokenAlgorithmRejected,
    TokenMalformed,
    TokenSignatureInvalid,
)
from aiocognito.verify.compact import split_token
from aiocognito.verify.signature import MAX_KEY_ID, key_id, verified_payload
from tests.verify.forge import (
    access_claims,
    encode,
    encode_integer,
    header,
    jwk,
    private_key,
    sign,
    unsigned,
)


def read(token: str) -> dict[str, Any]:
    """Everything the module does with a token, as the verifier does it."""
    parts = split_token(token)
    assert key_id(parts.header) == "pool-key"
    return verified_payload(parts, private_key().public_key())


def test_a_good_token_yields_its_payload() -> None:
    assert read(sign(access_claims())) == access_claims()


# --- the algorithm ----------------------------------------------------------------


def signed_with(algorithm: str) -> str:
    """A token that is correctly signed by other rules than ours."""
    text = unsigned(access_claims(), header(alg=algorithm))
    data = text.encode()
    key = private_key()
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    match algorithm:
        case "HS256":  # the public key, which everybody has, as the secret
            signature = hmac.digest(public_pem, data, hashlib.sha256)
        case "RS512":
            signature = key.sign(data, padding.PKCS1v15(), hashes.SHA512())
        case "RS384":
            signature = key.sign(data, padding.PKCS1v15(), hashes.SHA384())
        case "PS256":
            signature = key.sign(data, pss, hashes.SHA256())
        case "ES256":
            curve = ec.generate_private_key(ec.SECP256R1())
            signature = curve.sign(data, ec.ECDSA(hashes.SHA256()))
        case _:  # RS256 under another name
            signature = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{encode(signature)}"


# threat 15
@pytest.mark.parametrize(
    "algorithm",
    ["none", "None", "NONE", "", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "RS256 "],
)
def test_no_algorithm_but_rs256_is_accepted(algorithm: str) -> None:
    with pytest.raises(TokenAlgorithmRejected) as caught:
        read(signed_with(algorithm))
    assert (caught.value.claim, caught.value.expected) == ("alg", "RS256")
    assert caught.value.actual == algorithm


# threat 15
@pytest.mark.parametrize("algorithm", [None, 256, ["RS256"], {"alg": "RS256"}, True])
def test_an_algorithm_that_is_no_text_is_not_accepted(algorithm: Any) -> None:
    with pytest.raises(TokenAlgorithmRejected):
        read(sign(access_claims(), {"kid": "pool-key", "alg": algorithm}))


# threat 15
@pytest.mark.parametrize("algorithm", ["HS256", "RS384", "RS512", "PS256", "ES256"])
def test_a_signature_of_another_algorithm_is_wrong_under_the_name_of_ours(algorithm: str) -> None:
    """The header is rewritten to RS256, the signature is genuine by the other rules."""
    _, _, signature = signed_with(algorithm).split(".")
    with pytest.raises(TokenSignatureInvalid):
        read(f"{unsigned(access_claims())}.{signature}")


# threat 15
def test_an_unsigned_token_is_malformed() -> None:
    with pytest.raises(TokenMalformed):
        read(unsigned(access_claims(), header(alg="none")) + ".")


# threat 15
@pytest.mark.parametrize("critical", [[], ["b64"], ["exp"], "exp", None, {}])
def test_a_demand_for_extensions_is_refused(critical: Any) -> None:
    with pytest.raises(TokenAlgorithmRejected) as caught:
        read(sign(access_claims(), header() | {"crit": critical}))
    assert caught.value.claim == "crit"


# --- the key -----------------------------------------------------------------------


# threat 15
@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c"])
def test_a_key_that_the_token_brings_along_is_not_used(member: str) -> None:
    attacker = private_key("attacker").public_key().public_numbers()
    offers = {
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/chain.pem",
        "jwk": jwk("pool-key", n=encode_integer(attacker.n)),
        "x5c": ["MIIB"],
    }
    head = header(**{member: offers[member]})
    with pytest.raises(TokenSignatureInvalid):
        read(sign(access_claims(), head, key="attacker"))
    # And such a member does no harm to a token that the pool did sign.
    assert read(sign(access_claims(), head)) == access_claims()


# threat 16
@pytest.mark.parametrize(
    "kid",
    [None, "", 7, 1.5, True, ["pool-key"], {"kid": "pool-key"}, "k" * (MAX_KEY_ID + 1)],
)
def test_a_key_id_that_is_no_short_text_is_malformed(kid: Any) -> None:
    with pytest.raises(TokenMalformed) as caught:
        read(sign(access_claims(), {"alg": "RS256", "kid": kid}))
    assert caught.value.claim == "kid"
    assert len(str(caught.value.actual)) <= 81


# threat 16
@pytest.mark.parametrize(
    "kid",
    ["../../../../dev/null", "' OR 1=1 --", "pool-key\x00", " pool-key", "POOL-KEY", "k" * 256],
)
def test_a_key_id_is_taken_letter_by_letter(kid: str) -> None:
    assert key_id(split_token(sign({}, header(kid=kid))).header) == kid


# threat 16
def test_an_absent_key_id_is_malformed() -> None:
    with pytest.raises(TokenMalformed):
        read(sign(access_claims(), {"alg": "RS256"}))


# --- the signature -----------------------------------------------------------------


def tampered() -> list[Any]:
    head, payload, signature = sign(access_claims()).split(".")
    other = sign(access_claims(username="eve")).split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return [
        pytest.param(f"{head}.{other[1]}.{signature}", id="another payload"),
        pytest.param(f"{head}.{payload}.{other[2]}", id="another signature"),
        pytest.param(f"{head}.{payload}.{flipped}", id="one letter"),
        pytest.param(f"{head}.{payload}.{encode(bytes(255))}", id="short"),
        pytest.param(f"{head}.{payload}.{encode(bytes(257))}", id="long"),
        pytest.param(f"{head}.{payload}.{encode(b'0')}", id="one byte"),
        pytest.param(f"{head}.{payload}.{encode(bytes(256))}", id="zero"),
        pytest.param(f"{head}.{payload}.{encode(bytes([255]) * 256)}", id="above the modulus"),
        pytest.param(sign(access_claims(), key="attacker"), id="another key"),
        pytest.param(f"{unsigned({}, header(typ='JWT'))}.{signature}", id="another header"),
    ]


@pytest.mark.parametrize("token", tampered())
def test_a_wrong_signature_is_wrong(token: str) -> None:
    with pytest.raises(TokenSignatureInvalid) as caught:
        read(token)
    assert token not in str(caught.value)


def test_a_payload_is_not_parsed_before_its_signature_is_right() -> None:
    with pytest.raises(TokenSignatureInvalid):
        read(sign(b"{" * 5000, key="attacker"))


# threat 21
def test_a_signed_payload_must_still_be_strict_json() -> None:
    with pytest.raises(TokenMalformed, match="payload"):
        read(sign(b'{"sub":"a","sub":"b"}'))


def test_known_headers_are_read_once() -> None:
    key_id.cache_clear()
    parts = split_token(sign(access_claims()))
    assert {key_id(parts.header) for _ in range(3)} == {"pool-key"}
    assert (key_id.cache_info().hits, key_id.cache_info().misses) == (2, 1)


def test_other_sizes_and_exponents_check_as_well() -> None:
    key = rsa.generate_private_key(public_exponent=3, key_size=3072)
    text = unsigned(access_claims())
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    parts = split_token(f"{text}.{encode(signature)}")
    assert verified_payload(parts, key.public_key()) == access_claims()
