"""Lists page by page, and the little language that chooses among users."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import frozen

from aiocognito.testing.service_errors import PoolError, invalid_parameter
from aiocognito.testing.users import LocalUser

__all__ = ["UserCondition", "page"]

T = TypeVar("T")

_LARGEST = 60
_FILTER = re.compile(r'\s*([\w:]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*', re.ASCII | re.DOTALL)
_SEARCHED = frozenset(
    {
        *("username", "email", "phone_number", "name", "given_name", "family_name"),
        *("preferred_username", "cognito:user_status", "status", "sub"),
    }
)


def page(
    everything: Iterable[T],
    request: Mapping[str, Any],
    *,
    key: Callable[[T], str],
    cursor: str = "NextToken",
    limit: str = "Limit",
) -> tuple[list[T], dict[str, str]]:
    """Return one page and the member that leads to the next one, if there is one.

    Sorted by `key`, and the cursor names the last one shown: what is added or deleted
    meanwhile makes no other entry appear twice or not at all.

    Raises:
        PoolError: ``InvalidParameterException`` for a cursor that is none.
    """
    after = _opened(request[cursor]) if cursor in request else ""
    size = request.get(limit) or _LARGEST
    left = sorted((entry for entry in everything if key(entry) > after), key=key)
    shown = left[:size]
    return shown, {cursor: _sealed(key(shown[-1]))} if len(left) > size else {}


def _sealed(name: str) -> str:
    return base64.urlsafe_b64encode(f"after {name}".encode()).decode("ascii")


def _opened(cursor: str) -> str:
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if not text.startswith("after "):
        raise invalid_parameter("Invalid pagination token given.")  # our words
    return text.removeprefix("after ")


@frozen
class UserCondition:
    """A ``Filter`` of ListUsers, read."""

    attribute: str
    prefix: bool
    value: str

    @classmethod
    def read(cls, text: str) -> UserCondition:
        """Read one; the texts of the refusals are our own.

        Raises:
            PoolError: ``InvalidParameterException``.
        """
        found = _FILTER.fullmatch(text)
        if found is None:
            raise _refused("Error while parsing filter.")
        attribute, operator, quoted = found.groups()
        if attribute not in _SEARCHED:
            raise _refused(f"Invalid search attribute: {attribute}")
        value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        return cls(attribute, operator == "^=", value)

    def fits(self, user: LocalUser) -> bool:
        """Say whether a user meets it."""
        actual, value = self._actual(user), self.value
        if actual is None:
            return False
        if self.attribute == "cognito:user_status":  # service model: case-insensitive
            actual, value = actual.lower(), value.lower()
        return actual.startswith(value) if self.prefix else actual == value

    def _actual(self, user: LocalUser) -> str | None:
        match self.attribute:
            case "username":
                return user.username
            case "sub":
                return user.sub
            case "status":
                return "Enabled" if user.enabled else "Disabled"
            case "cognito:user_status":
                return user.status
            case attribute:
                return user.attributes.get(attribute)


def _refused(message: str) -> PoolError:
    return invalid_parameter(message)
