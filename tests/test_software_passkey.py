"""A software passkey, held against `fido2`, which is a relying party of its own."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestationObject,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
)

from aiocognito import (
    PasskeyCreationOptions,
    PasskeyRequestOptions,
    SoftwarePasskey,
    responders,
)
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.webauthn.options import read_creation_options, read_request_options

RP_ID = "auth.example.com"


class RelyingParty:
    """The other library's; what it asks travels as JSON, as the service's options do."""

    def __init__(self, rp_id: str = RP_ID) -> None:
        entity = PublicKeyCredentialRpEntity(id=rp_id, name="The shop")
        self.server = Fido2Server(entity, attestation=AttestationConveyancePreference.NONE)
        self.credentials: list[Any] = []

    def begin(self, user_id: bytes = b"sub") -> tuple[PasskeyCreationOptions, Any]:
        user = PublicKeyCredentialUserEntity(id=user_id, name="ana", display_name="Ana")
        options, state = self.server.register_begin(
            user, self.credentials, user_verification="required"
        )
        return read_creation_options(_json(options)), state

    def complete(self, state: Any, credential: dict[str, Any]) -> Any:
        data = self.server.register_complete(state, json.loads(json.dumps(credential)))
        self.credentials.append(data.credential_data)
        return data

    def ask(self) -> tuple[PasskeyRequestOptions, Any]:
        options, state = self.server.authenticate_begin(
            self.credentials, user_verification="required"
        )
        return read_request_options(json.dumps(_json(options))), state

    def weigh(self, state: Any, credential: dict[str, Any]) -> Any:
        return self.server.authenticate_complete(
            state, self.credentials, json.loads(json.dumps(credential))
        )


def _json(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(options.public_key)))
    return found


def registered(**given: Any) -> tuple[RelyingParty, SoftwarePasskey]:
    party = RelyingParty()
    options, state = party.begin()
    key = SoftwarePasskey.create(options, **given)
    party.complete(state, key.registration(options))
    return party, key


def count_in(credential: dict[str, Any]) -> int:
    return int.from_bytes(websafe_decode(credential["response"]["authenticatorData"])[33:37], "big")


# --- another relying party accepts it ---------------------------------------------------


def test_its_registration_is_parsed_and_accepted() -> None:
    party = RelyingParty()
    options, state = party.begin()
    key = SoftwarePasskey.create(options)
    credential = key.registration(options)
    data = party.complete(state, credential)
    assert data.is_user_present()
    assert data.is_user_verified()
    assert not data.is_backup_eligible()
    assert data.counter == 0
    assert data.credential_data.credential_id == websafe_decode(key.credential_id)

    response = credential["response"]
    attestation = AttestationObject(websafe_decode(response["attestationObject"]))
    assert (attestation.fmt, attestation.att_stmt) == ("none", {})
    assert attestation.auth_data == data
    assert websafe_decode(response["authenticatorData"]) == bytes(data)
    # What browsers repeat for those who read no CBOR.
    spki = load_der_public_key(websafe_decode(response["publicKey"]))
    cose = data.credential_data.public_key
    assert type(cose).from_cryptography_key(spki) == cose
    assert response["publicKeyAlgorithm"] == cose[3] == -7
    client_data = CollectedClientData(websafe_decode(response["clientDataJSON"]))
    assert (client_data.type, client_data.origin) == ("webauthn.create", f"https://{RP_ID}")
    assert client_data.cross_origin is False


def test_its_signatures_are_accepted_and_counted() -> None:
    party, key = registered()
    for expected in (1, 2, 3):
        options, state = party.ask()
        credential = key.assertion(options)
        assert party.weigh(state, credential).credential_id == websafe_decode(key.credential_id)
        assert count_in(credential) == key.sign_count == expected
    assert websafe_decode(credential["response"]["userHandle"]) == b"sub"


def test_the_other_party_notices_another_challenge_and_another_key() -> None:
    """The check is real: what must fail fails."""
    party, key = registered()
    options, _ = party.ask()
    _, later = party.ask()
    with pytest.raises(ValueError, match="challenge"):
        party.weigh(later, key.assertion(options))
    saved = json.loads(key.to_bytes())
    saved["private_key"] = json.loads(registered()[1].to_bytes())["private_key"]
    forged = SoftwarePasskey.from_bytes(json.dumps(saved).encode())
    options, state = party.ask()
    with pytest.raises(ValueError, match="Invalid signature"):
        party.weigh(state, forged.assertion(options))


def test_it_need_not_count() -> None:
    party, key = registered(counts=False)
    for _ in range(2):
        options, state = party.ask()
        credential = key.assertion(options)
        party.weigh(state, credential)
        assert count_in(credential) == key.sign_count == 0


def test_its_count_stops_at_the_end() -> None:
    _, key = registered()
    saved = json.loads(key.to_bytes())
    key = SoftwarePasskey.from_bytes(json.dumps({**saved, "sign_count": 2**32 - 2}).encode())
    options, _ = RelyingParty().ask()
    assert [count_in(key.assertion(options)) for _ in range(3)] == [2**32 - 1] * 3


def test_it_may_claim_a_page_below_the_relying_party() -> None:
    party, key = registered(origin=f"https://shop.{RP_ID}:8443")
    assert key.origin == f"https://shop.{RP_ID}:8443"
    options, state = party.ask()
    party.weigh(state, key.assertion(options))


# --- it answers for its own relying party alone -----------------------------------------


def test_another_relying_party_gets_no_signature() -> None:
    # threat 51
    party, key = registered()
    foreign = RelyingParty("evil.example.org")
    foreign.credentials = party.credentials
    with pytest.raises(InvalidArgument, match=RP_ID):
        key.assertion(foreign.ask()[0])
    with pytest.raises(InvalidArgument, match=RP_ID):
        key.registration(foreign.begin()[0])
    assert key.sign_count == 0


def test_options_for_other_passkeys_get_no_signature() -> None:
    _, key = registered()
    other, _ = registered()
    with pytest.raises(InvalidArgument, match="register it again"):
        key.assertion(other.ask()[0])
    assert key.sign_count == 0


def test_options_that_name_no_passkey_are_for_any() -> None:
    party, key = registered()
    options, state = party.server.authenticate_begin(user_verification="required")
    credential = key.assertion(read_request_options(json.dumps(_json(options))))
    assert party.weigh(state, credential)


def test_it_is_registered_once_and_for_one_user() -> None:
    party, key = registered()
    with pytest.raises(InvalidArgument, match="not registered this passkey yet"):
        key.registration(party.begin()[0])
    with pytest.raises(InvalidArgument, match="the user"):
        key.registration(RelyingParty().begin(b"somebody else")[0])


def test_who_takes_no_es256_gets_none() -> None:
    options, _ = RelyingParty().begin()
    members = {**options.members, "pubKeyCredParams": [{"type": "public-key", "alg": -257}]}
    with pytest.raises(InvalidArgument, match="ES256"):
        SoftwarePasskey.create(read_creation_options(members))


@pytest.mark.parametrize(
    "origin", ["http://auth.example.com", "https://example.com", "https://auth.example.com/", ""]
)
def test_a_page_elsewhere_cannot_be_claimed(origin: str) -> None:
    options, _ = RelyingParty().begin()
    with pytest.raises(InvalidArgument, match="origin"):
        SoftwarePasskey.create(options, origin=origin)


def test_wrong_types_are_named() -> None:
    party, key = registered()
    request, creation = party.ask()[0], RelyingParty().begin()[0]
    for call in (
        lambda: SoftwarePasskey.create(creation.members),  # type: ignore[arg-type]
        lambda: key.registration(request),  # type: ignore[arg-type]
        lambda: key.assertion(creation),  # type: ignore[arg-type]
        lambda: SoftwarePasskey.from_bytes("text"),  # type: ignore[arg-type]
        lambda: responders.passkey(key.to_bytes()),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidType):
            call()


# --- keeping it -------------------------------------------------------------------------


def test_it_goes_on_from_its_bytes() -> None:
    party, key = registered(origin=f"https://shop.{RP_ID}")
    options, state = party.ask()
    party.weigh(state, key.assertion(options))
    again = SoftwarePasskey.from_bytes(key.to_bytes())
    assert again.to_bytes() == key.to_bytes()
    assert (again.credential_id, again.rp_id) == (key.credential_id, RP_ID)
    assert (again.origin, again.sign_count) == (f"https://shop.{RP_ID}", 1)
    options, state = party.ask()
    party.weigh(state, again.assertion(options))


SAVED = json.loads(registered()[1].to_bytes())
WRONG: list[bytes] = [
    *(b"", b"{}", b"[]", b"\xff", b"x" * 10_000, json.dumps(SAVED).encode()[:-1]),
    *(
        json.dumps({**SAVED, **change}).encode()
        for change in (
            {"version": 2},
            {"rp_id": "a/b"},
            {"rp_id": "example.org"},
            {"origin": "https://evil.example"},
            {"origin": 5},
            {"user_id": ""},
            {"credential_id": "A="},
            {"private_key": "AAAA"},
            {"private_key": "A" * 43},  # zero
            {"private_key": "_" * 42 + "8"},  # above the curve's order
            {"private_key": 5},
            {"sign_count": -1},
            {"sign_count": 2**32},
            {"sign_count": True},
            {"sign_count": 1.5},
            {"counts": 1},
        )
    ),
    *(
        json.dumps({name: value for name, value in SAVED.items() if name != gone}).encode()
        for gone in SAVED
    ),
]


@pytest.mark.parametrize("data", WRONG, ids=map(str, range(len(WRONG))))
def test_damaged_bytes_are_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="to_bytes") as refused:
        SoftwarePasskey.from_bytes(data)
    assert refused.value.__cause__ is None


def test_it_is_neither_shown_nor_copied_nor_pickled() -> None:
    # threat 34, threat 48
    _, key = registered()
    secret = json.loads(key.to_bytes())["private_key"]
    shown = f"{key!r} {key!s} {[key]} {json.dumps(str(vars(key)))}"
    assert secret not in shown
    assert str(key._key.private_numbers().private_value) not in shown
    assert "0 signatures" in repr(key)
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="passkey"):
            make(key)
