"""What a benchmark measured, set beside what we aim for. Nothing here fails a build."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


@frozen(kw_only=True)
class Target:
    """A figure that should not be above a limit.

    Attributes:
        what: For the reader.
        measured: In `unit`.
        limit: In `unit`; met if `measured` is not above it.
        unit: ``x`` for ratios, or a unit of time.
    """

    what: str
    measured: float
    limit: float
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if self.measured <= self.limit:
            return "met"
        return f"missed by {self.measured / self.limit - 1:.0%}"


def show(targets: Sequence[Target]) -> None:
    """Print one line for each target."""
    for target in targets:
        measured, limit = _figure(target.measured), _figure(target.limit)
        print(
            f"{target.what:<64}{measured:>9} {target.unit:<3}"
            f" at most {limit:>6} {target.unit:<3} {target.verdict}"
        )


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
