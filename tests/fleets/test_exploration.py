"""Two workers share one identity: what can be lost, and what cannot.

The table of docs/decisions/one-identity-for-several-workers.md, computed: every order
of the steps of two workers, with at most one crash, one lost answer and one lease that
runs out under its holder. # threat 25, 32
"""

from __future__ import annotations

import pytest

from .exploring import Fault, explore
from .simulated import Hypothesis

CRASH: Fault = "crash"
LOST: Fault = "lost answer"
LEASE: Fault = "lease ended"

# By what the service does with a used token: which sets of faults can end without a
# living refresh token in the store. Everything else never does.
LOSSES: dict[Hypothesis, list[set[Fault]]] = {
    # Without a grace period a token whose successor nobody stored is gone.
    "refused": [
        {CRASH}, {LOST}, {CRASH, LEASE}, {CRASH, LOST}, {LEASE, LOST}, {CRASH, LEASE, LOST},
    ],
    "revoked": [
        {CRASH}, {LOST}, {LEASE},
        {CRASH, LEASE}, {CRASH, LOST}, {LEASE, LOST}, {CRASH, LEASE, LOST},
    ],
    # With one nothing is lost, by all three faults together neither …
    "both": [],
    "same": [],
    # … unless each use ends the child before. Then it takes a holder that outsleeps its
    # lease, and another fault in the worker that took it over.
    "newest": [{CRASH, LEASE}, {LEASE, LOST}, {CRASH, LEASE, LOST}],
}  # fmt: skip


@pytest.mark.parametrize("ties", [False, True], ids=["exact", "tied"])
@pytest.mark.parametrize("hypothesis", LOSSES)
def test_two_workers_lose_tokens_only_where_it_cannot_be_helped(
    hypothesis: Hypothesis, ties: bool
) -> None:
    explored = explore(hypothesis, ties=ties)
    assert explored.ends > 50
    assert sorted(map(sorted, explored.losses)) == sorted(map(sorted, LOSSES[hypothesis]))
