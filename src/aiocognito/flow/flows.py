"""How a sign-in begins: the choice of flow, as a value."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

__all__ = ["Flow", "Password", "Srp"]


@frozen
class Srp:
    """``USER_SRP_AUTH``: the password never leaves the process. The default."""

    auth_flow: ClassVar[str] = "USER_SRP_AUTH"


@frozen
class Password:
    """``USER_PASSWORD_AUTH``: the service sees the password (inside TLS).

    Needed while a user-migration trigger moves users in; otherwise prefer `Srp`.
    """

    auth_flow: ClassVar[str] = "USER_PASSWORD_AUTH"


Flow = Srp | Password
