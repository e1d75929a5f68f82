"""The picture of the conversation is the table that runs it."""

from __future__ import annotations

import runpy
from collections import Counter
from typing import Any

import pytest

from aiocognito.flow.transitions import TRANSITIONS, Input, State
from tests.markdown import ROOT

pytestmark = pytest.mark.may_block


@pytest.fixture(scope="module")
def diagram() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "diagram.py"))


def test_the_picture_is_current(diagram: dict[str, Any]) -> None:
    drawn = diagram["PICTURE"].read_text(encoding="utf-8")
    assert drawn == diagram["picture"](), "run: python docs/diagram.py"


def test_the_table_is_current(diagram: dict[str, Any]) -> None:
    written = diagram["PAGE"].read_text(encoding="utf-8")
    assert written == diagram["page"](written), "run: python docs/diagram.py"


def test_every_transition_is_drawn_once(diagram: dict[str, Any]) -> None:
    drawn = Counter(
        (state, happened, target)
        for (source, target), inputs in diagram["edges"]().items()
        for state in diagram["GROUPS"].get(source, (source,))
        for happened in inputs
    )
    # Failures close from everywhere; only the table has those.
    assert drawn == Counter(
        (state, happened, target)
        for (state, happened), target in TRANSITIONS.items()
        if target is not State.CLOSED or happened is Input.TOKENS
    )
