"""The files of tests/vectors, and their numbers as numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "vectors"


def _load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


CLIENTS = _load("clients.json")
BOTH_SIDES = _load("srp_both_sides.json")["vectors"]
PUBLISHED = _load("published.json")


def integer(text: str) -> int:
    return int(text, 16)
