"""Members of answers: what is there, what may be missing, what nobody sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from aiocognito.errors import RemoteProtocolError
from aiocognito.flow import members

CET = timezone(timedelta(hours=1))
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "body", "value"),
    [
        (members.text, {"M": "x"}, "x"),
        (members.text, {}, None),
        (members.text, {"M": None}, None),
        (members.needed, {"M": "x"}, "x"),
        (members.number, {"M": 7}, 7),
        (members.number, {}, None),
        (members.moment, {}, None),
        (members.moment, {"M": NOON.astimezone(CET)}, NOON),
        (members.moment, {"M": NOON.timestamp()}, NOON),
        (members.moment, {"M": int(NOON.timestamp())}, NOON),
        (members.structure, {"M": {"a": 1}}, {"a": 1}),
        (members.structure, {}, {}),
        (members.texts, {"M": ["a", "b"]}, ("a", "b")),
        (members.texts, {}, ()),
        (
            members.attributes,
            {"M": [{"Name": "a", "Value": "1"}, {"Name": "b"}]},
            {"a": "1", "b": ""},
        ),
        (members.attributes, {}, {}),
        (lambda body, member: members.flag(body, member, True), {}, True),
        (lambda body, member: members.flag(body, member, True), {"M": False}, False),
    ],
)
def test_what_the_service_sends_is_read(
    read: Callable[..., Any], body: dict[str, Any], value: object
) -> None:
    assert read(body, "M") == value


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (members.text, [7, b"x", ["x"], "x" * 131_073]),
        (members.needed, [None, "", 7]),
        (members.number, [True, "7", 7.0]),
        (members.moment, ["x", True, NOON.replace(tzinfo=None), 1e300, float("nan"), []]),
        (members.structure, [None, "x", []]),
        (members.texts, ["ab", [7], {"a": 1}, ["a"] * 1001, ["x" * 131_073]]),
        (members.attributes, [["x"], [{"Value": "1"}], [{"Name": 1}], {}]),
        (lambda body, member: members.flag(body, member, True), ["true", 1]),
    ],
)
def test_what_it_does_not_send_is_refused_and_not_quoted(
    read: Callable[..., Any], values: list[Any]
) -> None:
    # threat 12
    for value in values:
        with pytest.raises(RemoteProtocolError, match=r"^(M|Name) ") as caught:
            read({"M": value}, "M")
        assert "131" not in str(caught.value)


def test_structures_in_a_list_are_each_read() -> None:
    body = {"M": [{"N": "a"}, {"N": "b"}]}
    assert members.items(body, "M", lambda entry: members.needed(entry, "N")) == ("a", "b")
