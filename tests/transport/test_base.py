"""Opening secrets for the wire, and knowing what no message may repeat."""

from __future__ import annotations

from aiocognito._redact import Secret
from aiocognito.transport.base import revealed, texts_to_hide

PARAMETERS = {
    "ClientId": "4abc",
    "AuthFlow": "USER_PASSWORD_AUTH",
    "AuthParameters": {"USERNAME": "ana", "PASSWORD": Secret("Passw0rd!")},
    "UserAttributes": [{"Name": "email", "Value": Secret("ana@example.com")}],
    "Scopes": ("a", Secret("b")),
    "Limit": 5,
}


def test_secrets_are_opened_at_every_depth() -> None:
    # threat 34
    assert revealed(PARAMETERS) == {
        "ClientId": "4abc",
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ana", "PASSWORD": "Passw0rd!"},
        "UserAttributes": [{"Name": "email", "Value": "ana@example.com"}],
        "Scopes": ["a", "b"],
        "Limit": 5,
    }
    assert isinstance(PARAMETERS["AuthParameters"]["PASSWORD"], Secret)  # type: ignore[index]


def test_everything_that_was_sent_is_hidden_except_the_services_own_words() -> None:
    # threat 34
    assert set(texts_to_hide(PARAMETERS)) == {
        "4abc",
        "ana",
        "Passw0rd!",
        "ana@example.com",
        "a",
        "b",
    }
