"""What we claim to survive and to serve is cited by number where it is proven."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = [
    path
    for path in (ROOT / "tests").rglob("*.py")
    if "node_modules" not in path.parts and path != Path(__file__)
]


def numbers_in(text: str) -> set[int]:
    """Read `threat 16`, `threats 1-4` and `threats 1, 2 and 25`."""
    found: set[int] = set()
    for run in re.findall(
        r"\bthreats?\s+((?:\d+(?:\s*(?:,|-|–|and|to)\s*)*)+)", text, re.IGNORECASE
    ):
        found |= {int(number) for number in re.findall(r"\d+", run)}
        for first, last in re.findall(r"(\d+)\s*(?:-|–|to)\s*(\d+)", run):
            found |= set(range(int(first), int(last) + 1))
    return found


def claimed_threats() -> set[int]:
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
    return {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}


def listed_features() -> set[str]:
    page = (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| (F\d{3}) \|", page, re.MULTILINE))


def test_numbers_are_read_in_every_spelling() -> None:
    assert numbers_in("# threat 16") == {16}
    assert numbers_in("Threats 1-4 and 25") == {1, 2, 3, 4, 25}
    assert numbers_in("threats 1, 2, 4") == {1, 2, 4}


def test_every_threat_we_claim_to_survive_is_cited_in_a_test() -> None:
    cited = set().union(*(numbers_in(path.read_text(encoding="utf-8")) for path in TESTS))
    assert sorted(claimed_threats() - cited) == []


def test_every_feature_cited_in_a_test_is_listed() -> None:
    cited: set[str] = set()
    for path in TESTS:
        cited |= set(re.findall(r"\bF\d{3}\b", path.read_text(encoding="utf-8")))
    assert sorted(cited - listed_features()) == []
