"""What a token says about its user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from aiocognito.errors import TokenMalformed
from aiocognito.verify.compact import excerpt, payload_object, read_header, split_token

__all__ = ["Claims", "numeric_date", "read_unverified"]

_YEAR_10000 = 253_402_300_800


@frozen(eq=False, repr=False)
class Claims(Mapping[str, Any]):
    """The claims of one token, read-only.

    Claims are also items, under the names the token has: ``claims["custom:tenant"]``.
    Arrays and objects come out as fresh copies; changing one changes nothing here.

    Properties that every token of a signed-in user has raise `TokenMalformed` when they
    are missing, which cannot happen to verified claims; the others answer None or
    something empty.
    """

    _members: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        value = self._members[name]
        return deepcopy(value) if isinstance(value, (list, dict)) else value

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def get(self, name: str, default: Any = None) -> Any:
        """Return a claim, or the default where the token has none."""
        value = self._members.get(name, default)
        return deepcopy(value) if isinstance(value, (list, dict)) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        # Kept short on purpose: the rest is personal data, and reprs end up in logs.
        return f"Claims(token_use={self.get('token_use')!r}, sub={self.get('sub')!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return a plain copy, fit for `json.dumps`."""
        return deepcopy(dict(self._members))

    @property
    def token_use(self) -> str:
        """``id`` or ``access``."""
        return self._required("token_use")

    @property
    def sub(self) -> str:
        """The user's permanent id; the client's id in a client-credentials token."""
        return self._required("sub")

    @property
    def username(self) -> str | None:
        """The user's true name in the pool; None in a client-credentials token."""
        return self._text(self.username_claim)

    @property
    def username_claim(self) -> str:
        """The claim that holds the user name in this kind of token."""
        return "cognito:username" if self._is_id_token else "username"

    @property
    def client_id(self) -> str:
        """The app client the token was issued to."""
        return self._required(self.client_claim)

    @property
    def client_claim(self) -> str:
        """The claim that holds the app client in this kind of token.

        An access token has no ``aud``, or one that names a resource.
        """
        return "aud" if self._is_id_token else "client_id"

    @property
    def issuer(self) -> str:
        """The pool's address, in one of its two spellings."""
        return self._required("iss")

    @property
    def groups(self) -> tuple[str, ...]:
        """The user's groups in the pool."""
        return self._texts("cognito:groups")

    @property
    def scopes(self) -> frozenset[str]:
        """Granted scopes; ID tokens have none."""
        return frozenset((self._text("scope") or "").split())

    @property
    def expires_at(self) -> datetime:
        """From when on the token is not valid, in UTC."""
        moment = self._moment("exp")
        if moment is None:
            raise self._malformed("exp")
        return moment

    @property
    def issued_at(self) -> datetime | None:
        """When the token was made, in UTC."""
        return self._moment("iat")

    @property
    def auth_time(self) -> datetime | None:
        """When the user signed in, in UTC; a refresh does not change it."""
        return self._moment("auth_time")

    @property
    def lifetime(self) -> float | None:
        """Seconds from ``iat`` to ``exp``, both by the service's clock.

        None where that is no positive number. The local clock has no part in it.
        """
        issued, expires = (numeric_date(self._members.get(name)) for name in ("iat", "exp"))
        if issued is None or expires is None or expires <= issued:
            return None
        return expires - issued

    @property
    def origin_jti(self) -> str | None:
        """The sign-in this token descends from; what a revocation revokes."""
        return self._text("origin_jti")

    @property
    def jti(self) -> str | None:
        """The token's own id."""
        return self._text("jti")

    @property
    def device_key(self) -> str | None:
        """The remembered device that took part in the sign-in."""
        return self._text("device_key")

    @property
    def email(self) -> str | None:
        """In ID tokens, if the app client may read it. See `email_verified`."""
        return self._text("email")

    @property
    def email_verified(self) -> bool:
        """Whether the pool knows that the address is the user's."""
        return self._flag("email_verified")

    @property
    def phone_number(self) -> str | None:
        """In ID tokens, if the app client may read it. See `phone_number_verified`."""
        return self._text("phone_number")

    @property
    def phone_number_verified(self) -> bool:
        """Whether the pool knows that the number is the user's."""
        return self._flag("phone_number_verified")

    @property
    def _is_id_token(self) -> bool:
        # By kind, not by what is there: a pre-token trigger may add a claim `client_id`
        # or `username` to an ID token.
        return self._members.get("token_use") == "id"

    def _text(self, name: str) -> str | None:
        value = self._members.get(name)
        return value if isinstance(value, str) else None

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._members.get(name)
        if not isinstance(value, list):
            return ()
        return tuple(entry for entry in value if isinstance(entry, str))

    def _required(self, name: str) -> str:
        value = self._text(name)
        if value is None:
            raise self._malformed(name)
        return value

    def _flag(self, name: str) -> bool:
        # A boolean in tokens; userInfo and a trigger that copies it have the text.
        value = self._members.get(name)
        return value is True or value == "true"

    def _moment(self, name: str) -> datetime | None:
        seconds = numeric_date(self._members.get(name))
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def _malformed(self, name: str) -> TokenMalformed:
        actual = excerpt(self._members.get(name))
        return TokenMalformed(f"it has no usable {name}", claim=name, actual=actual)


def numeric_date(value: object) -> float | None:
    """Return a NumericDate (RFC 7519 section 2) in seconds since the epoch, else None.

    Only numbers from 1970 to the year 9999 count; True, NaN and texts do not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < _YEAR_10000 else None


def read_unverified(token: str) -> Claims:
    """Read what a token says **without checking who wrote it**.

    Anybody can write a token that says anything. Use this where the token was verified
    elsewhere, or to look at one for diagnosis; `TokenVerifier` is what you want.

    Raises:
        InvalidType: Not a `str`.
        TokenMalformed: Not a well-formed token.
    """
    parts = split_token(token)
    read_header(parts.header)
    return Claims(payload_object(parts))
