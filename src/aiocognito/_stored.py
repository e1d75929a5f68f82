"""Between tokens as they came and tokens as a store keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

from aiocognito._issued import Issued
from aiocognito._redact import Secret
from aiocognito.errors import TokenVerificationError
from aiocognito.tokens.claims import Claims, read_unverified
from aiocognito.tokens.model import TokenSet
from aiocognito.tokens.saved import SavedState
from aiocognito.tokens.stored import StoredTokens

__all__ = ["as_issued", "stored_tokens"]


def stored_tokens(state: SavedState, issued: Issued) -> StoredTokens:
    """Return what a store is to keep of tokens that just came.

    They are not verified yet: a rotated refresh token is written first. Where they
    cannot even be read, the refresh token alone is kept.
    """
    tokens = issued.tokens
    claims = _claims(tokens.access_token)
    identity = None if tokens.id_token is None else _claims(tokens.id_token)
    if claims is None or claims.issued_at is None:
        return StoredTokens(state=state)
    began = claims.issued_at.timestamp()
    ends = [c.expires_at.timestamp() for c in (claims, identity) if c is not None]
    date = began if issued.date is None else issued.date.timestamp()
    auth_time = claims.auth_time
    return StoredTokens(
        state=state,
        id_token=tokens.id_token,
        issued_at=began,
        lifetime=max(0.0, min(ends) - began),
        skew=date - issued.sent_wall,
        auth_time=None if auth_time is None else auth_time.timestamp(),
    )


def as_issued(stored: StoredTokens, access: Secret, *, boot: float, wall: float) -> Issued:
    """Return stored tokens as if they came by an answer of their time.

    Args:
        stored: What was found.
        access: Its access token.
        boot: The boot clock when their life began, by all we know.
        wall: The local wall clock at the same moment.
    """
    state = stored.state
    return Issued(
        reason="store",
        tokens=TokenSet(
            access_token=access, id_token=stored.id_token, refresh_token=state.refresh_token
        ),
        # Without a `sub` nobody had verified the tokens: the name is as typed.
        username=state.username if state.sub is not None else None,
        sent_boot=boot,
        sent_wall=wall,
        date=datetime.fromtimestamp(stored.issued_at, UTC),
        by_admin=state.by_admin,
    )


def _claims(token: Secret) -> Claims | None:
    try:
        return read_unverified(token.reveal())
    except TokenVerificationError:
        return None
