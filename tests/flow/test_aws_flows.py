"""The two flows as values: what a caller may ask for is checked before anything is sent. F077"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.aws_flows import BasicFlow, EnhancedFlow

ROLE = "arn:aws:iam::123456789012:role/reader"
POLICY = {"Version": "2012-10-17", "Statement": []}


def test_the_usual_values() -> None:
    assert EnhancedFlow().custom_role_arn is None
    flow = BasicFlow(ROLE)
    assert (flow.role_arn, flow.duration, flow.session_name) == (ROLE, 3600, None)
    assert (flow.policy, flow.policy_arns) == (None, ())


def test_flows_compare_and_are_keys() -> None:
    assert EnhancedFlow() == EnhancedFlow()
    assert len({BasicFlow(ROLE, policy=POLICY), BasicFlow(ROLE, policy=json.dumps(POLICY))}) == 2
    assert BasicFlow(ROLE, policy_arns=[ROLE]) == BasicFlow(ROLE, policy_arns=(ROLE,))


def test_a_policy_is_text_or_a_mapping() -> None:
    written = BasicFlow(ROLE, policy=POLICY).policy
    assert written is not None
    assert json.loads(written) == POLICY
    assert BasicFlow(ROLE, policy=written).policy == written


@pytest.mark.parametrize("duration", [900, 43_200])
def test_the_bounds_of_a_duration_are_allowed(duration: int) -> None:
    assert BasicFlow(ROLE, duration=duration).duration == duration


@pytest.mark.parametrize(
    "make",
    [
        lambda: EnhancedFlow(custom_role_arn=7),
        lambda: BasicFlow(None),
        lambda: BasicFlow(ROLE, duration=900.0),
        lambda: BasicFlow(ROLE, duration=True),
        lambda: BasicFlow(ROLE, session_name=7),
        lambda: BasicFlow(ROLE, policy=[POLICY]),
        lambda: BasicFlow(ROLE, policy_arns=ROLE),
        lambda: BasicFlow(ROLE, policy_arns=7),
        lambda: BasicFlow(ROLE, policy_arns=[7]),
    ],
    ids=map(str, count()),
)
def test_another_type_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidType):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: EnhancedFlow(custom_role_arn="admin"),
        lambda: EnhancedFlow(custom_role_arn=ROLE + "\n"),
        lambda: BasicFlow("arn:aws:iam::1:r"),
        lambda: BasicFlow(ROLE + "x" * 2048),
        lambda: BasicFlow(ROLE, duration=899),
        lambda: BasicFlow(ROLE, duration=43_201),
        lambda: BasicFlow(ROLE, session_name="x"),
        lambda: BasicFlow(ROLE, session_name="with space"),
        lambda: BasicFlow(ROLE, session_name="x" * 65),
        lambda: BasicFlow(ROLE, policy="{"),
        lambda: BasicFlow(ROLE, policy="[]"),
        lambda: BasicFlow(ROLE, policy="[" * 100_000),
        lambda: BasicFlow(ROLE, policy={"Statement": "x" * 2048}),
        lambda: BasicFlow(ROLE, policy_arns=["x"]),
        lambda: BasicFlow(ROLE, policy_arns=[f"{ROLE}{n}" for n in range(11)]),
    ],
    ids=map(str, count()),
)
def test_an_impossible_value_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument):
        make()


def test_a_policy_is_not_shown() -> None:
    # threat 34: a policy names buckets and accounts.
    assert "canary" not in repr(BasicFlow(ROLE, policy={"Statement": "canary"}))
