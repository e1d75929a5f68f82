"""The password policy's order and texts."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.service_errors import PoolError


@pytest.mark.parametrize(
    ("password", "lack"),
    [
        ("Aa1!aaa", "Password not long enough"),
        ("", "Password not long enough"),
        ("aaaa111!", "Password must have uppercase characters"),
        ("AAAA111!", "Password must have lowercase characters"),
        ("AAAAaaa!", "Password must have numeric characters"),
        ("AAAAaaa1", "Password must have symbol characters"),
        ("Aa1!" + "a" * 253, "Password too long"),
        ("Aa1! aaaa", "Password must not contain white space"),
    ],
)
def test_the_first_lack_is_named(password: str, lack: str) -> None:
    # F009
    with pytest.raises(PoolError) as error:
        PasswordPolicy().check(password)
    assert error.value.code == "InvalidPasswordException"
    assert error.value.message == f"Password did not conform with policy: {lack}"


@pytest.mark.parametrize("password", ["Passw0rd!", "Aa1!" + "a" * 252, "Пароль-д0лгий", "Aa1=aaaa"])
def test_what_conforms(password: str) -> None:
    PasswordPolicy().check(password)


def test_rules_can_be_dropped() -> None:
    # F020
    PasswordPolicy(
        minimum_length=6,
        require_uppercase=False,
        require_lowercase=False,
        require_numbers=False,
        require_symbols=False,
    ).check("aaaaaa")


@pytest.mark.parametrize(
    "settings", [{"minimum_length": 5}, {"minimum_length": 100}, {"history_size": 25}], ids=str
)
def test_a_policy_no_pool_can_have(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PasswordPolicy(**settings)
