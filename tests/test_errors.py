"""Errors say what to do next, carry facts, and can be copied."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from aiocognito import errors
from aiocognito.errors import CognitoError, ServiceError, TokenVerificationError, TransportError

# F098
ALL = [getattr(errors, name) for name in errors.__all__]


def made(kind: type[Any]) -> Any:
    if issubclass(kind, ServiceError):
        return kind(
            "Somebody's words.", code="XException", operation="Op", request_id="r", status=400
        )
    if issubclass(kind, TransportError):
        return kind("Op", retry_safe=True)
    if issubclass(kind, TokenVerificationError):
        return kind("it says so", claim="exp", expected=1, actual=2)
    match kind:
        case errors.InvalidArgument:
            return kind("argument", "something else")
        case errors.InvalidType:
            return kind("argument", "a str", b"canary-value")
        case errors.SignInRequired:
            return kind("ana", "refresh-token-rejected")
        case errors.RefreshFailed:
            return kind(7.0)
        case errors.ChallengeRequired:
            return kind(type("Stub", (), {"name": "SMS_MFA"})())
        case errors.StoreLocked:
            return kind(5.0)
        case errors.StoreUnsafe:
            return kind("tokens/", "others may read it")
        case errors.KeysUnavailable | errors.SessionClosed:
            return kind()
    return kind("It went wrong.")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_a_sentence_in_one_tree(kind: type[Any]) -> None:
    error = made(kind)
    assert isinstance(error, CognitoError)
    text = str(error)
    assert text
    assert "\n" not in text
    assert len(text) < 200
    assert text[0].isupper() or text.startswith("argument")
    assert re.search(r"[.\])]$", text)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_copied_whole(kind: type[Any]) -> None:
    error = made(kind)
    twin = copy.copy(error)
    assert type(twin) is kind
    assert (str(twin), twin.args) == (str(error), error.args)
    assert vars(twin) == vars(error)


def test_an_error_crosses_a_process_boundary() -> None:
    error = errors.InvalidPassword("too weak", unmet=("length",), code="C", operation="SignUp")
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.unmet, twin.code, str(twin)) == (("length",), "C", str(error))


def test_a_wrong_type_is_named_without_its_value() -> None:
    assert "canary" not in str(made(errors.InvalidType))


def test_the_tree_at_the_top_of_the_file_is_complete() -> None:
    tree = inspect.getdoc(errors) or ""
    missing = [name for name in errors.__all__ if not re.search(rf"\b{name}\b", tree)]
    assert missing == []


def test_callers_mistakes_are_builtin_errors_too() -> None:
    assert issubclass(errors.InvalidArgument, ValueError)
    assert issubclass(errors.InvalidType, TypeError)


def test_all_is_sorted() -> None:
    assert errors.__all__ == sorted(errors.__all__)
