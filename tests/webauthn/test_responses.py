from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.webauthn.responses import checked_assertion, checked_registration
from aiocognito.webauthn.text import base64url

ID = base64url(b"a credential")
COMMON: dict[str, Any] = {
    "id": ID,
    "rawId": ID,
    "type": "public-key",
    "authenticatorAttachment": "platform",
    "clientExtensionResults": {},
}
CREATED: dict[str, Any] = {
    **COMMON,
    "response": {"clientDataJSON": "AAAA", "attestationObject": "AAAA", "transports": ["usb"]},
}
GOT: dict[str, Any] = {
    **COMMON,
    "response": {
        "clientDataJSON": "AAAA",
        "authenticatorData": "AAAA",
        "signature": "AAAA",
        "userHandle": None,
    },
}


def test_a_mapping_and_its_text_are_the_same() -> None:
    assert checked_registration(CREATED) == checked_registration(json.dumps(CREATED)) == CREATED
    assert json.loads(checked_assertion(GOT)) == GOT
    assert checked_assertion(MappingProxyType(GOT)) == checked_assertion(json.dumps(GOT))


def test_a_raw_id_may_be_missing_and_a_handle_there() -> None:
    without = {name: value for name, value in GOT.items() if name != "rawId"}
    handled = {**without, "response": {**GOT["response"], "userHandle": "AAAA"}}
    assert json.loads(checked_assertion(handled)) == handled


@pytest.mark.parametrize("credential", [None, 5, b"{}", [], object()])
def test_other_types_are_refused(credential: Any) -> None:
    with pytest.raises(InvalidType):
        checked_registration(credential)
    with pytest.raises(InvalidType):
        checked_assertion(credential)


WRONG: list[Any] = [
    *("", "{", "[]", "5"),
    {},
    {**GOT, "type": "password"},
    {**GOT, "id": 5, "rawId": 5},
    {**GOT, "id": "a+b="},
    {**GOT, "rawId": "AAAA"},
    {**GOT, "id": base64url(bytes(1024)), "rawId": base64url(bytes(1024))},
    {**GOT, "response": None},
    {**GOT, "response": []},
    {**GOT, "response": "x"},
    {**GOT, "response": {**GOT["response"], "signature": b"bytes"}},
    {**GOT, "response": {**GOT["response"], "signature": "AA=="}},
    {**GOT, "response": {**GOT["response"], "signature": ""}},
    {**GOT, "response": {**GOT["response"], "userHandle": 5}},
    {**GOT, "clientExtensionResults": {"x": "y" * 200_000}},
    CREATED,
]


@pytest.mark.parametrize("credential", WRONG, ids=map(str, range(len(WRONG))))
def test_what_is_no_assertion_is_refused(credential: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"navigator.credentials.get\(\)"):
        checked_assertion(credential)


def test_what_is_no_registration_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"navigator.credentials.create\(\)"):
        checked_registration(GOT)


def test_the_refusal_quotes_nothing() -> None:
    wrong = {**GOT, "response": {"signature": "canary-4711"}}
    with pytest.raises(InvalidArgument) as refused:
        checked_assertion(wrong)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
