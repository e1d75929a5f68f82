"""Write the public surface as text: `python -m tests.public_surface docs/api.txt`.

Every public name with its signature and members, one per line, so that a change of the
API shows in review as a change of a text file.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

MODULES = [
    "aiocognito",
    "aiocognito.logins",
    "aiocognito.responders",
    "aiocognito.signing",
    "aiocognito.stores",
    "aiocognito.testing",
]
WORDING = {"advice", "quotes_service"}  # how errors phrase their message; free to change


def surface() -> str:
    """Return the text. The same code gives the same text on the same Python version."""
    return "\n".join(line for name in MODULES for line in _module(name)) + "\n"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"# {name}"
    for public in sorted(module.__all__):
        yield from _public(f"{name}.{public}", getattr(module, public))
    yield ""


def _public(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield from _class(name, value)
    elif isinstance(value, ModuleType):
        yield f"{name}: module"
    elif callable(value) and not _is_alias(value):
        yield f"{_prefix(value)}{name}{_signature(value)}"
    else:
        yield f"{name} = {_stable(value)}"


def _class(name: str, kind: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if issubclass(kind, enum.Enum):
        yield from (f"    {member.name}" for member in kind)
        return
    if "__init__" in kind.__dict__ and not getattr(kind, "_is_protocol", False):
        yield f"    {name.rpartition('.')[2]}{_signature(kind)}"
    for field in sorted(_field_names(kind)):
        yield f"    {field}"
    for member, value in sorted(_own_members(kind).items()):
        hidden = member.startswith("_") or member in WORDING
        if not hidden and member not in _field_names(kind):
            yield from _member(member, value)


def _own_members(kind: type) -> dict[str, Any]:
    """What it defines, and what it takes from bases that have no public name."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base is kind or (base.__module__.startswith("aiocognito.") and base not in _named()):
            found |= vars(base)
    return found


@cache
def _named() -> frozenset[type]:
    modules = [importlib.import_module(name) for name in MODULES]
    values = (getattr(module, name) for module in modules for name in module.__all__)
    return frozenset(value for value in values if inspect.isclass(value))


def _field_names(kind: type) -> set[str]:
    if not attrs.has(kind):
        return set()
    return {field.name for field in attrs.fields(kind) if not field.name.startswith("_")}


def _member(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, property):
        yield f"    {name}: property"
    elif isinstance(value, classmethod | staticmethod):
        yield f"    {type(value).__name__} {name}{_signature(value.__func__)}"
    elif inspect.isfunction(value):
        yield f"    {_prefix(value)}{name}{_signature(value)}"
    elif not inspect.ismemberdescriptor(value):
        yield f"    {name} = {_stable(value)}"


def _prefix(value: Any) -> str:
    return "async " if inspect.iscoroutinefunction(value) else ""


def _signature(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))


def _is_alias(value: Any) -> bool:
    return not inspect.isroutine(value) and not inspect.isclass(value)


def _stable(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(surface(), encoding="utf-8")
