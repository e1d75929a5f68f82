"""Do something at each moment at which a call waits."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


async def by_steps(call: Coroutine[Any, Any, T], at_step: Callable[[], None]) -> T:
    """Run a call; each of its waits is a step, told of before it waits."""
    done: Awaitable[T] = _by_steps(call, at_step)
    return await done


@types.coroutine
def _by_steps(call: Coroutine[Any, Any, T], at_step: Callable[[], None]) -> Generator[Any, Any, T]:
    resume: Callable[[], Any] = lambda: call.send(None)  # noqa: E731
    while True:
        try:
            waits_for = resume()
        except StopIteration as end:
            result: T = end.value
            return result
        at_step()
        try:
            sent = yield waits_for
        except BaseException as error:  # noqa: BLE001  it belongs to the call
            thrown = error
            resume = lambda: call.throw(thrown)  # noqa: E731, B023
        else:
            resume = lambda: call.send(sent)  # noqa: E731, B023
