"""What a pool asks of a password."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen, validators

from aiocognito.testing.service_errors import PoolError

__all__ = ["PasswordPolicy"]

# The service's own set (developer guide, "Password complexity requirements"), which
# counts a blank between other characters too; blanks are refused here altogether,
# as the service model's pattern for passwords does.
SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-")

_LONGEST = 256  # service model: PasswordType

_WORDS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("require_uppercase", "Password must have uppercase characters", str.isupper),
    ("require_lowercase", "Password must have lowercase characters", str.islower),
    ("require_numbers", "Password must have numeric characters", str.isdecimal),
    ("require_symbols", "Password must have symbol characters", SYMBOLS.__contains__),
)


@frozen(kw_only=True)
class PasswordPolicy:
    """The rules, with the defaults of a new pool.

    Attributes:
        minimum_length: 6 to 99 characters.
        history_size: How many earlier passwords may not come back, 0 to 24.
        temporary_validity_days: How long a temporary password can be used.
    """

    minimum_length: int = field(
        default=8, validator=[validators.instance_of(int), validators.ge(6), validators.le(99)]
    )
    require_uppercase: bool = True
    require_lowercase: bool = True
    require_numbers: bool = True
    require_symbols: bool = True
    history_size: int = field(default=0, validator=[validators.ge(0), validators.le(24)])
    temporary_validity_days: int = field(
        default=7, validator=[validators.ge(0), validators.le(365)]
    )

    def check(self, password: str) -> None:
        """Accept a password or say what it lacks; the first lack only, as the service does.

        Raises:
            PoolError: ``InvalidPasswordException``.
        """
        lack = self._first_lack(password)
        if lack is not None:
            raise PoolError(
                "InvalidPasswordException", f"Password did not conform with policy: {lack}"
            )

    def _first_lack(self, password: str) -> str | None:
        if len(password) < self.minimum_length:
            return "Password not long enough"
        for rule, lack, fits in _WORDS:
            if getattr(self, rule) and not any(map(fits, password)):
                return lack
        if len(password) > _LONGEST:
            return "Password too long"  # our words
        if any(map(str.isspace, password)):
            return "Password must not contain white space"  # our words
        return None

    def description(self) -> dict[str, object]:
        """Return the ``PasswordPolicy`` member of DescribeUserPool."""
        return {
            "MinimumLength": self.minimum_length,
            "RequireUppercase": self.require_uppercase,
            "RequireLowercase": self.require_lowercase,
            "RequireNumbers": self.require_numbers,
            "RequireSymbols": self.require_symbols,
            "PasswordHistorySize": self.history_size,
            "TemporaryPasswordValidityDays": self.temporary_validity_days,
        }
