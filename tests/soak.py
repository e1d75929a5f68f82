"""How often a long exploration runs: a few times in CI, for hours where somebody asks.

`nox -s soak` sets ``AIOCOGNITO_SOAK``; everything else runs the short form.
"""

from __future__ import annotations

import os

LONG = os.environ.get("AIOCOGNITO_SOAK", "") not in {"", "0"}


def runs(*, short: int, long: int) -> int:
    """Return how many rounds to run now."""
    return long if LONG else short
