"""When keys are good, stale, too old, or not to be asked for again."""

from __future__ import annotations

import pytest

from aiocognito.tokens.claims import Claims
from aiocognito.verify.cache import (
    COOL_DOWN,
    HARD_TTL,
    MISSING_TTL,
    SOFT_TTL,
    KeyCache,
    TokenCache,
)
from aiocognito.verify.jwk import parse_key_set
from tests.verify.forge import jwk, key_set, private_key

KEYS = parse_key_set(key_set(jwk("a")))
KEY = private_key().public_key()
T = 1000.0


def filled() -> KeyCache:
    cache = KeyCache()
    cache.begin(T)
    cache.accept(KEYS, T)
    return cache


def test_a_new_cache_has_nothing_and_may_read() -> None:
    cache = KeyCache()
    assert cache.find("a", T) is None
    assert not cache.is_usable(T)
    assert cache.is_stale(T)
    assert cache.may_read(0.0)


# threat 19
@pytest.mark.parametrize(
    ("age", "usable", "stale"),
    [
        (0, True, False),
        (SOFT_TTL - 1, True, False),
        (SOFT_TTL, True, True),
        (HARD_TTL - 1, True, True),
        (HARD_TTL, False, True),
        (1e9, False, True),
    ],
)
def test_keys_grow_stale_and_then_too_old(age: float, usable: bool, stale: bool) -> None:
    cache = filled()
    assert cache.is_usable(T + age) is usable
    assert (cache.find("a", T + age) is KEYS.key("a")) is usable
    assert cache.is_stale(T + age) is stale


# threat 18
def test_a_set_just_read_is_not_read_again_before_the_cool_down() -> None:
    cache = filled()
    assert not cache.may_read(T + COOL_DOWN - 1)
    assert cache.may_read(T + COOL_DOWN)


# threat 18
def test_a_reading_that_has_begun_holds_off_the_next_one() -> None:
    cache = filled()
    cache.begin(T + 100)
    assert not cache.may_read(T + 100 + COOL_DOWN - 1)


# threat 19
def test_without_keys_the_pauses_grow_from_one_second_to_a_minute() -> None:
    cache, now, pauses = KeyCache(), T, []
    for _ in range(9):
        cache.begin(now)
        cache.fail()
        pause = next(p for p in range(1, 100) if cache.may_read(now + p))
        pauses.append(pause)
        now += pause
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


# threats 18 and 19
def test_with_keys_every_pause_is_at_least_the_cool_down() -> None:
    cache, now = filled(), T + SOFT_TTL
    for pause in (30, 30, 30, 30, 30, 32, 60):
        cache.begin(now)
        cache.fail()
        assert not cache.may_read(now + pause - 1)
        assert cache.may_read(now + pause)
        now += pause


def test_a_set_that_arrives_ends_the_back_off() -> None:
    cache = KeyCache()
    for _ in range(5):
        cache.begin(T)
        cache.fail()
    cache.begin(T)
    cache.accept(KEYS, T)
    cache.begin(T + HARD_TTL)
    cache.fail()
    assert cache.may_read(T + HARD_TTL + 1)


# threat 20
def test_a_failure_leaves_the_keys_alone() -> None:
    cache = filled()
    cache.begin(T + SOFT_TTL)
    cache.fail()
    assert cache.find("a", T + SOFT_TTL) is KEYS.key("a")


def test_an_abandoned_reading_holds_off_only_those_who_have_keys() -> None:
    cache = KeyCache()
    cache.begin(T)
    cache.abandon(T)
    assert cache.may_read(T)
    cache.accept(KEYS, T)
    cache.begin(T + 100)
    cache.abandon(T + 100)
    assert not cache.may_read(T + 101)


# threat 18
def test_a_missing_key_is_remembered_for_a_minute() -> None:
    cache = filled()
    assert not cache.is_missing("x", T)
    cache.note_missing("x", T)
    assert cache.is_missing("x", T + MISSING_TTL - 1)
    assert not cache.is_missing("x", T + MISSING_TTL)


# threat 18
def test_missing_keys_take_bounded_room() -> None:
    cache = filled()
    for number in range(1000):
        cache.note_missing(f"x{number}", T)
    assert not cache.is_missing("x743", T)
    assert cache.is_missing("x744", T)
    assert cache.is_missing("x999", T)


def test_a_key_missed_again_is_the_newest() -> None:
    cache = filled()
    for number in range(256):
        cache.note_missing(f"x{number}", T)
    cache.note_missing("x0", T)
    cache.note_missing("another", T)
    assert cache.is_missing("x0", T)
    assert not cache.is_missing("x1", T)


def test_tokens_least_recently_used_go_first() -> None:
    cache = TokenCache(2)
    claims = {name: Claims({"sub": name}) for name in "abc"}
    cache.put("a", KEY, claims["a"])
    cache.put("b", KEY, claims["b"])
    assert cache.get("a", KEY) is claims["a"]
    cache.put("c", KEY, claims["c"])
    assert cache.get("b", KEY) is None
    assert cache.get("a", KEY) is claims["a"]
    assert cache.get("c", KEY) is claims["c"]
    assert len(cache) == 2


def test_a_token_is_remembered_for_the_key_it_was_checked_with() -> None:
    cache = TokenCache(2)
    read_again = parse_key_set(key_set(jwk("a"))).key("a")
    assert read_again is not None
    cache.put("a", KEY, Claims({}))
    assert cache.get("a", read_again) is None
    cache.put("a", read_again, Claims({}))
    assert cache.get("a", read_again) is not None
    assert len(cache) == 1


def test_no_token_is_kept_as_text() -> None:
    cache = TokenCache(1)
    cache.put("header.payload.signature", KEY, Claims({}))
    assert "payload" not in str(cache._entries)
