"""ListUsers' little filter language, written so that a value stays a value."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import field, frozen

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["Searchable", "UserFilter"]

Searchable = Literal[
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
]
"""What the service can search by; custom attributes are not among it."""

_MAX = 256  # service model: UserFilterType


@frozen(kw_only=True)
class UserFilter:
    """One condition on the users to list; make it with `equals` or `starts_with`.

    The service knows no more than one condition. ``cognito:user_status`` is the state
    of the account (``CONFIRMED``), ``status`` is ``Enabled`` or ``Disabled``. Values
    may hold what people have in their names: quotes and backslashes are escaped.
    """

    attribute: Searchable
    operator: Literal["=", "^="]
    value: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if self.attribute not in get_args(Searchable):
            raise InvalidArgument("attribute", f"one of {', '.join(get_args(Searchable))}")
        if self.operator not in ("=", "^="):
            raise InvalidArgument("operator", "= or ^=")
        if not isinstance(self.value, str):
            raise InvalidType("value", "a str", self.value)
        if not self.value.isprintable():
            raise InvalidArgument("value", "text without control characters")
        if len(str(self)) > _MAX:
            raise InvalidArgument("value", f"short enough for a filter of {_MAX} characters")

    @classmethod
    def equals(cls, attribute: Searchable, value: str) -> UserFilter:
        """Match users whose attribute is this, upper and lower case being different."""
        return cls(attribute=attribute, operator="=", value=value)

    @classmethod
    def starts_with(cls, attribute: Searchable, value: str) -> UserFilter:
        """Match users whose attribute begins with this."""
        return cls(attribute=attribute, operator="^=", value=value)

    def __str__(self) -> str:
        """Return the ``Filter`` member of the request."""
        # The backslash first, or the quotes' own would be doubled.
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.attribute} {self.operator} "{escaped}"'
