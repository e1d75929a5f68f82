from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.otpauth import otpauth_uri


def test_the_uri_is_what_authenticators_read() -> None:
    uri = otpauth_uri("JBSWY3DPEHPK3PXP", account="ana", issuer="Example")
    assert uri == "otpauth://totp/Example:ana?secret=JBSWY3DPEHPK3PXP&issuer=Example"


def test_odd_characters_survive() -> None:
    uri = otpauth_uri("ABC", account="ana+1@example.com", issuer="Tic & Tac/Ltd")
    parts = urlsplit(uri)
    assert parts.path == "/Tic%20%26%20Tac%2FLtd:ana%2B1%40example.com"
    assert parse_qs(parts.query)["issuer"] == ["Tic & Tac/Ltd"]
    assert "+" not in parts.query


@pytest.mark.parametrize("issuer", ["", "a:b"])
def test_an_issuer_that_breaks_the_label_is_refused(issuer: str) -> None:
    with pytest.raises(InvalidArgument, match="issuer"):
        otpauth_uri("ABC", account="ana", issuer=issuer)


def test_an_issuer_is_text() -> None:
    odd: Any = 7
    with pytest.raises(InvalidType, match="issuer"):
        otpauth_uri("ABC", account="ana", issuer=odd)
