"""When a refresh token ends whatever is done with it, and when to sign in before that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from attrs import frozen

from aiocognito._issued import Issued
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.freshness import login_deadline, relogin_at

__all__ = ["EndInView", "end_in_view"]


@frozen
class EndInView:
    """The end of a refresh token.

    Attributes:
        deadline: When it is.
        sign_in_at: When to sign in again, or to ask for that; on the boot clock.
    """

    deadline: datetime
    sign_in_at: float


def end_in_view(
    issued: Issued, claims: Claims, *, validity: float | None, jitter: Callable[[], float]
) -> EndInView | None:
    """Return the end of the refresh token that brought these; None: nobody can tell.

    Args:
        issued: What came.
        claims: The access token's.
        validity: Seconds the app client gives refresh tokens, if the pool was told.
        jitter: Draws a number from [0, 1).
    """
    date, signed_in = issued.date or claims.issued_at, claims.auth_time
    if validity is None or signed_in is None or date is None:
        return None
    deadline = login_deadline(auth_time=signed_in.timestamp(), validity=validity)
    at = relogin_at(deadline=deadline, validity=validity, jitter=jitter())
    here = issued.sent_boot - date.timestamp()  # from the service's clock to our boot clock
    return EndInView(datetime.fromtimestamp(deadline, UTC), at + here)
