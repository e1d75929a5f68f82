"""What a call may tell besides what it is about: for triggers, protection, analytics.

Service model: ``ClientMetadata``, ``UserContextData`` and ``AnalyticsMetadata``, members
that the public calls share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidType

__all__ = ["RequestContext", "client_metadata_members"]


def _texts(values: Mapping[str, str] | None) -> Mapping[str, str]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidType("client_metadata", "a mapping of str to str", values)
    for text in (*values.keys(), *values.values()):
        if not isinstance(text, str):
            raise InvalidType("client_metadata", "a mapping of str to str", text)
    return dict(values)


def _text_or_none(instance: object, attribute: Any, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidType(attribute.name, "a str", value)


@frozen(kw_only=True)
class RequestContext:
    """What a call says to the pool's Lambda triggers, threat protection and analytics.

    Attributes:
        client_metadata: Handed to triggers as it is. Cognito neither stores, checks nor
            encrypts it: put no secret in.
        ip_address: The person's address. The service heeds it from app clients with a
            secret only, and where ``EnablePropagateAdditionalUserContextData`` is on.
        encoded_data: The device fingerprint of the service's own library for browsers
            and phones, as that library encodes it.
        analytics_endpoint_id: The Amazon Pinpoint endpoint that the call counts for.

    Raises:
        InvalidType: Something is not text.
    """

    client_metadata: Mapping[str, str] = field(default=None, converter=_texts, repr=False)
    ip_address: str | None = field(default=None, validator=_text_or_none, repr=False)
    encoded_data: str | None = field(default=None, validator=_text_or_none, repr=False)
    analytics_endpoint_id: str | None = field(default=None, validator=_text_or_none)

    def members(self) -> dict[str, Any]:
        """Return the members of a request that carry it; what is empty is left out."""
        found = client_metadata_members(self.client_metadata)
        about = {"IpAddress": self.ip_address, "EncodedData": self.encoded_data}
        sealed = {name: Secret(value) for name, value in about.items() if value is not None}
        if sealed:
            found["UserContextData"] = sealed
        if self.analytics_endpoint_id is not None:
            found["AnalyticsMetadata"] = {"AnalyticsEndpointId": self.analytics_endpoint_id}
        return found

    def over(self, default: RequestContext) -> RequestContext:
        """Return this one with what it leaves open taken from another.

        Client metadata are laid over each other entry by entry.
        """
        return RequestContext(
            client_metadata={**default.client_metadata, **self.client_metadata},
            ip_address=default.ip_address if self.ip_address is None else self.ip_address,
            encoded_data=default.encoded_data if self.encoded_data is None else self.encoded_data,
            analytics_endpoint_id=(
                default.analytics_endpoint_id
                if self.analytics_endpoint_id is None
                else self.analytics_endpoint_id
            ),
        )


def client_metadata_members(client_metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Return ``{"ClientMetadata": …}``, or nothing: for the calls that take no more."""
    texts = _texts(client_metadata)
    return {"ClientMetadata": texts} if texts else {}
