"""A secret shows itself only to `reveal`."""

from __future__ import annotations

import copy
import pickle

import pytest

from aiocognito._redact import Secret, scrub, secret_or_none
from aiocognito.errors import InvalidType

CANARY = "canary-5f3a"


def test_nothing_that_prints_shows_it() -> None:
    # threat 34
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{[secret]}",
    ]
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol: int) -> None:
    # threat 48
    with pytest.raises(TypeError, match="export_state"):
        pickle.dumps(Secret(CANARY), protocol)


def test_copies_are_the_same() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"a": secret})["a"] is secret


def test_secrets_compare_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("\ud800") == Secret("\ud800")


def test_an_empty_secret_is_false() -> None:
    assert Secret("x")
    assert not Secret("")


def test_only_text_is_wrapped() -> None:
    with pytest.raises(InvalidType, match="text"):
        Secret(b"bytes")  # type: ignore[arg-type]
    assert secret_or_none(None) is None
    assert secret_or_none("x") == Secret("x")


def test_what_we_sent_is_blanked_out_of_what_comes_back() -> None:
    text = "Value 'hunter2' at 'password' and hunter2222 failed"
    assert (
        scrub(text, ["hunter2", "hunter2222", "abc"]) == "Value '***' at 'password' and *** failed"
    )


def test_short_values_stay_readable() -> None:
    assert scrub("a cat sat", ["cat", "a"]) == "a cat sat"
