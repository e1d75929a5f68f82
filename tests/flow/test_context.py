"""What a call tells triggers, threat protection and analytics."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.errors import InvalidType
from aiocognito.flow.context import RequestContext, client_metadata_members
from aiocognito.transport.base import revealed


def test_only_what_was_given_is_sent() -> None:
    assert RequestContext().members() == {}
    assert RequestContext(client_metadata={}).members() == {}
    assert client_metadata_members(None) == {}
    assert client_metadata_members({"a": "b"}) == {"ClientMetadata": {"a": "b"}}


def test_everything_has_its_member() -> None:
    context = RequestContext(
        client_metadata={"locale": "de"},
        ip_address="203.0.113.7",
        encoded_data="fingerprint",
        analytics_endpoint_id="endpoint",
    )
    assert revealed(context.members()) == {
        "ClientMetadata": {"locale": "de"},
        "UserContextData": {"IpAddress": "203.0.113.7", "EncodedData": "fingerprint"},
        "AnalyticsMetadata": {"AnalyticsEndpointId": "endpoint"},
    }
    assert "203.0.113.7" not in repr(context)
    assert "fingerprint" not in repr(context)
    assert revealed(RequestContext(ip_address="::1").members()) == {
        "UserContextData": {"IpAddress": "::1"}
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_metadata": "text"},
        {"client_metadata": {"a": 1}},
        {"client_metadata": {1: "a"}},
        {"ip_address": 127},
        {"encoded_data": b"x"},
        {"analytics_endpoint_id": 1.5},
    ],
    ids=str,
)
def test_what_is_no_text_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidType):
        RequestContext(**wrong)


def test_a_logins_own_context_is_laid_over_the_pools() -> None:
    pools = RequestContext(
        client_metadata={"app": "web", "locale": "de"},
        ip_address="203.0.113.7",
        encoded_data="fingerprint",
        analytics_endpoint_id="endpoint",
    )
    own = RequestContext(client_metadata={"locale": "fr"}, ip_address="203.0.113.8")
    both = own.over(pools)
    assert both.client_metadata == {"app": "web", "locale": "fr"}
    assert both.ip_address == "203.0.113.8"
    assert (both.encoded_data, both.analytics_endpoint_id) == ("fingerprint", "endpoint")
    assert pools.over(RequestContext()) == pools
