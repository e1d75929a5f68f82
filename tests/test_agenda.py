"""The heap of times: the first is found, changes are cheap, the dead are cleared away."""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aiocognito._agenda import Agenda
from aiocognito._protected import Protected
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._roster import Member, Roster
from aiocognito.testing import ManualClock


async def fetch() -> Fresh[int]:
    raise AssertionError("nobody asks")


def members(count: int) -> tuple[list[Renewal[int]], list[Member]]:
    clock = ManualClock()
    roster = Roster(clock, lambda event: None)
    timing = Timing(clock=clock)
    renewals = [Renewal(fetch, timing=timing, protected=Protected()) for _ in range(count)]
    for renewal in renewals:
        roster.enrol(renewal)
    found: list[Any] = [renewal.agent for renewal in renewals]
    return renewals, found


def drain(agenda: Agenda, now: float) -> list[Member]:
    found = []
    while (member := agenda.due(now)) is not None:
        found.append(member)
    return found


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.none() | st.sampled_from([1.0, 2.0, 3.0, 4.0])),
        max_size=400,
    ),
    st.floats(0.0, 5.0),
)
def test_it_remembers_the_last_word_about_each(
    words: list[tuple[int, float | None]], now: float
) -> None:
    kept, known = members(10)
    last: dict[int, float | None] = {}
    agenda = Agenda()
    for index, when in words:
        agenda.put(known[index], when)
        last[index] = when
    planned = {index: when for index, when in last.items() if when is not None}
    assert len(agenda) == len(planned)
    due = drain(agenda, now)
    assert [known.index(member) for member in due] == sorted(
        (index for index, when in planned.items() if when <= now),
        key=lambda index: (planned[index], [known.index(member) for member in due].index(index)),
    )
    assert len(agenda) == len(planned) - len(due)
    assert agenda.entries <= 2 * len(agenda) + 65
    assert kept


def test_with_nothing_planned_there_is_nothing_to_look_for() -> None:
    agenda = Agenda()
    assert agenda.next_at() is None
    assert agenda.due(1e9) is None


def test_changes_leave_no_more_entries_than_there_are_members() -> None:
    # threat 35
    _kept, known = members(10)
    agenda = Agenda()
    for number in range(10_000):
        agenda.put(known[number % 10], float(number))
    assert len(agenda) == 10
    assert agenda.entries <= 90


def test_what_is_lost_moves_nothing_and_is_cleared_away_later() -> None:
    # threat 35: the garbage collector calls in the middle of anything
    _kept, known = members(400)
    agenda = Agenda()
    for member in known:
        agenda.put(member, 5.0)
    for member in known[1:]:
        agenda.lose(member)
        agenda.lose(member)
    assert (len(agenda), agenda.entries) == (1, 400)
    agenda.put(known[0], 6.0)
    assert (len(agenda), agenda.entries) == (1, 1)
    assert agenda.due(5.0) is None
    assert agenda.due(6.0) is known[0]


def test_a_session_that_nobody_holds_is_off_the_list() -> None:
    # threat 35
    renewals, known = members(3)
    roster = known[0].roster
    assert len(roster.members) == 3
    del renewals[0]
    gc.collect()
    assert len(roster.members) == 2
    assert known[0]() is None
