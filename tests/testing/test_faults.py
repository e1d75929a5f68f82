"""A plan of faults: which request is struck, and which passes."""

from __future__ import annotations

import pytest

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.testing.faults import (
    Alter,
    Answer,
    Drop,
    Fault,
    FaultPlan,
    Html,
    InternalFailure,
    Refuse,
    SetCookie,
    Slow,
    Throttle,
    Truncate,
    acts,
)


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan()


def test_without_a_plan_nothing_goes_wrong(plan: FaultPlan) -> None:
    assert plan.take("InitiateAuth") is None


def test_a_fault_strikes_once_and_is_used_up(plan: FaultPlan) -> None:
    plan.add(Throttle(), operation="InitiateAuth")
    assert plan.take("InitiateAuth") == Throttle()
    assert plan.take("InitiateAuth") is None


def test_a_fault_strikes_only_its_operation(plan: FaultPlan) -> None:
    plan.add(Throttle(), operation="InitiateAuth")
    assert plan.take("GetId") is None
    assert plan.take("InitiateAuth") is not None


def test_a_fault_without_an_operation_strikes_any_call_but_no_document(plan: FaultPlan) -> None:
    planned = plan.add(Drop(), times=None)
    assert plan.take("GetId") == Drop()
    assert plan.take("jwks.json") is None
    assert plan.take("openid-configuration") is None
    assert planned.hits == 1


def test_a_document_is_struck_by_its_name(plan: FaultPlan) -> None:
    plan.add(Html(502), operation="jwks.json")
    assert plan.take("jwks.json") == Html(502)


def test_requests_pass_before_the_fault_is_due(plan: FaultPlan) -> None:
    planned = plan.add(Throttle(), operation="GetId", times=2, after=2)
    struck = [plan.take("GetId") is not None for _ in range(6)]
    assert struck == [False, False, True, True, False, False]
    assert planned.hits == 2


def test_faults_strike_in_the_order_they_were_planned(plan: FaultPlan) -> None:
    plan.add(Throttle(), operation="GetId")
    plan.add(Drop(), operation="GetId")
    assert [plan.take("GetId"), plan.take("GetId")] == [Throttle(), Drop()]


def test_a_cleared_plan_is_empty(plan: FaultPlan) -> None:
    plan.add(Throttle(), times=None)
    plan.clear()
    assert plan.take("GetId") is None


@pytest.mark.parametrize(("times", "after"), [(0, 0), (-1, 0), (1, -1)])
def test_impossible_counts_are_refused(plan: FaultPlan, times: int, after: int) -> None:
    with pytest.raises(InvalidArgument):
        plan.add(Throttle(), times=times, after=after)


def test_what_is_no_fault_is_refused(plan: FaultPlan) -> None:
    with pytest.raises(InvalidType):
        plan.add("throttle")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Throttle(), False),
        (Refuse("ForbiddenException", status=403), False),
        (InternalFailure(), False),
        (InternalFailure(acted=True), True),
        (Html(), False),
        (Answer({}), False),
        (Drop(), True),
        (Drop(acted=False), False),
        (Truncate(), True),
        (SetCookie(), True),
        (Alter(lambda body: body), True),
        (Slow(1), True),
        (Slow(1, acted=False), True),
    ],
)
def test_each_fault_says_whether_the_pool_acts(fault: Fault, expected: bool) -> None:
    assert acts(fault) is expected


def test_an_answer_that_lies_does_not_show_its_tokens() -> None:
    assert "eyJ" not in repr(Answer({"AuthenticationResult": {"AccessToken": "eyJhbGciOi"}}))
