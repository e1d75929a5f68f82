"""How requests and answers are written, value by value."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from aiocognito._redact import Secret
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.wire import error_body, error_headers, plain_copy, read_object, write


def test_an_instant_is_written_as_epoch_seconds() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
    assert write({"Expiration": moment}) == b'{"Expiration": 1700000000.5}'


def test_a_copy_holds_plain_values_only() -> None:
    members = {"a": Secret("canary"), "b": MappingProxyType({"c": (1, 2)})}
    assert plain_copy(members) == {"a": "canary", "b": {"c": [1, 2]}}


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="does not go over the wire"):
        write({"a": value})


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"a": Infinity}', b"[" * 100_000])
def test_what_is_no_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_object(body)


def test_half_a_surrogate_pair_survives() -> None:
    assert read_object(write({"a": "\ud800"})) == {"a": "\ud800"}


def test_an_error_stands_in_the_body_and_in_the_headers() -> None:
    error = PoolError("CodeMismatchException", "Invalid code.\n")
    assert error_body(error) == {"__type": "CodeMismatchException", "message": "Invalid code.\n"}
    assert error_headers(error, 1.5) == {
        "x-amzn-ErrorType": "CodeMismatchException:",
        "x-amzn-ErrorMessage": "Invalid code.?",
        "Retry-After": "1.5",
    }
