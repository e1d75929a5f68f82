"""Hold answers and errors against botocore's own description of the service.

botocore checks what a client sends, and hardly that. This checks what a server sends:
members, types, required ones, enums, patterns, lengths; and that an error's code is
one that the operation can answer with.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.user_pool import LocalUserPool

# What the JSON protocol itself answers; no model lists these.
PROTOCOL_ERRORS = frozenset({"SerializationException", "UnknownOperationException"})


@cache
def service_model(service: str = "cognito-idp") -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


# What models have learnt since botocore 1.43.0, which comes with the lowest aiobotocore.
NEWER_OPERATIONS = frozenset({"AdminDeleteSoftwareToken", "AdminGetUserAuthFactors"})
NEWER_VALUES = {"AuthFactorType": {"SOFTWARE_TOKEN"}}


def is_too_new(operation: str, *, service: str = "cognito-idp") -> bool:
    """Say whether the installed model is older than an operation; others must be in it."""
    known = operation in service_model(service).operation_names
    return not known and operation in NEWER_OPERATIONS


def check_output(operation: str, answer: Any, *, service: str = "cognito-idp") -> None:
    """Fail unless an answer fits the operation's output shape."""
    if is_too_new(operation, service=service):
        return
    shape = service_model(service).operation_model(operation).output_shape
    if shape is None:
        assert answer in ({}, None)
        return
    problems = list(_problems(shape, answer, operation))
    assert not problems, "\n".join(problems)


def check_error(operation: str, error: PoolError, *, service: str = "cognito-idp") -> None:
    """Fail unless the operation can answer with this error."""
    if is_too_new(operation, service=service):
        return
    listed = {
        shape.name for shape in service_model(service).operation_model(operation).error_shapes
    }
    assert error.code in listed | PROTOCOL_ERRORS, f"{operation} never answers {error.code}"
    assert error.status == (500 if error.code == "InternalErrorException" else 400)
    assert error.message


class CheckedPool(LocalUserPool):
    """A local pool whose every answer is held against the model."""

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = super().handle(operation, parameters)
        except PoolError as error:
            if error.code != "UnknownOperationException":
                check_error(operation, error)
            raise
        check_output(operation, answer)
        return answer


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure_problems(shape, value, path)
        case "list":
            if not isinstance(value, list):
                yield f"{path}: {type(value).__name__} is no list"
                return
            for index, inner in enumerate(value):
                yield from _problems(shape.member, inner, f"{path}[{index}]")
        case "map":
            if not isinstance(value, dict):
                yield f"{path}: {type(value).__name__} is no map"
                return
            for key, inner in value.items():
                yield from _problems(shape.key, key, f"{path} key {key!r}")
                yield from _problems(shape.value, inner, f"{path}[{key!r}]")
        case "string":
            yield from _string_problems(shape, value, path)
        case "boolean":
            if not isinstance(value, bool):
                yield f"{path}: {value!r} is no boolean"
        case "integer" | "long":
            yield from _number_problems(shape, value, path)
        case "timestamp" | "float" | "double":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                yield f"{path}: {value!r} is no number"
        case other:
            yield f"{path}: nobody has taught this check about {other}"


def _structure_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {type(value).__name__} is no structure"
        return
    if getattr(shape, "is_document_type", False):
        return  # any JSON object
    for name in set(shape.required_members) - set(value):
        yield f"{path}.{name}: required and missing"
    for name, inner in value.items():
        if name not in shape.members:
            yield f"{path}.{name}: not in the model"
        else:
            yield from _problems(shape.members[name], inner, f"{path}.{name}")


def _string_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path}: {type(value).__name__} is no string"
        return
    facts = shape.metadata
    newer = NEWER_VALUES.get(shape.name, set())
    if "enum" in facts and value not in facts["enum"] and value not in newer:
        yield f"{path}: {value!r} is not one of {facts['enum']}"
    if not facts.get("min", 0) <= len(value) <= facts.get("max", len(value)):
        yield f"{path}: {len(value)} characters"
    if "pattern" in facts and not _matches(facts["pattern"], value):
        yield f"{path}: does not match {facts['pattern']}"


def _number_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{path}: {value!r} is no integer"
    elif not shape.metadata.get("min", value) <= value <= shape.metadata.get("max", value):
        yield f"{path}: {value} is out of range"


def _matches(pattern: str, value: str) -> bool:
    """Match as Java does: ASCII classes, and categories where the pattern names them."""
    if r"\p{" not in pattern:
        return re.fullmatch(pattern, value, re.ASCII) is not None
    categories = re.findall(r"\\p\{(\w)\}", pattern)
    rest = re.fullmatch(r"\[(.*)\]\+", re.sub(r"\\p\{\w\}", "", pattern))
    assert rest is not None, f"nobody has taught this check {pattern}"
    others = re.compile(f"[{rest[1]}]" if rest[1] else "(?!)")
    return bool(value) and all(
        unicodedata.category(char)[0] in categories or others.match(char) for char in value
    )
