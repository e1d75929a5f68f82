"""Notice what a thread reads: files opened, folders listed, certificates loaded.

    with loop_guard():
        await something()

fails if the thread that entered it did any of these meanwhile. Worker threads may.
Python's audit events tell about files and folders, importing included; OpenSSL reads
certificates without one, so the methods of `ssl.SSLContext` are wrapped.
"""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
_TLS_METHODS = (
    "load_cert_chain",
    "load_default_certs",
    "load_verify_locations",
    "set_default_verify_paths",
)


@define(eq=False)
class _Watch:
    thread: int | None  # None watches every thread
    seen: list[str] = field(factory=list)
    busy: bool = False

    def note(self, what: str) -> None:
        if self.busy or self.thread not in (None, threading.get_ident()):
            return
        self.busy = True
        self.seen.append(f"{what} at {_caller()}")
        self.busy = False


_WATCHES: list[_Watch] = []
_INSTALLED: list[bool] = []


def _caller() -> str:
    """The innermost frames, without reading their source."""
    frame = sys._getframe(2)
    places = []
    while frame is not None and len(places) < 12:
        code = frame.f_code
        if code.co_filename != __file__ and "importlib" not in code.co_filename:
            places.append(f"{code.co_filename}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return " < ".join(places)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHES and event in _EVENTS and not isinstance(arguments[0], int):
        for watch in tuple(_WATCHES):
            watch.note(f"{event} {arguments[0]!r}")


def _noting(name: str) -> Callable[..., Any]:
    original = getattr(ssl.SSLContext, name)

    def method(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
        for watch in tuple(_WATCHES):
            watch.note(f"ssl {name}")
        return original(self, *args, **kwargs)

    return method


def _install() -> None:
    if not _INSTALLED:  # an audit hook cannot be taken away again
        _INSTALLED.append(True)
        sys.addaudithook(_hook)
        for name in _TLS_METHODS:
            setattr(ssl.SSLContext, name, _noting(name))


@contextmanager
def watching(*, every_thread: bool = False) -> Iterator[list[str]]:
    """Collect what is read meanwhile, by this thread or by every thread."""
    _install()
    watch = _Watch(thread=None if every_thread else threading.get_ident())
    _WATCHES.append(watch)
    try:
        yield watch.seen
    finally:
        _WATCHES.remove(watch)


@contextmanager
def loop_guard() -> Iterator[None]:
    """Fail if this thread opens a file, lists a folder or loads certificates."""
    with watching() as seen:
        yield
    assert not seen, "on the event loop's thread: " + "; ".join(seen)
