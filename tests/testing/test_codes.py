"""Counting attempts takes a bounded amount of memory."""

from __future__ import annotations

import pytest

from aiocognito.testing import codes
from aiocognito.testing.codes import AttemptLimits


def test_the_oldest_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "_MOST", 2)
    limits = AttemptLimits()
    for name in ("a", "b", "c"):
        limits.spend(name, "ConfirmSignUp", 0.0)
    assert [key for key, _ in limits._times] == ["b", "c"]
