"""What a call may tell besides what it is about: for triggers, protection, analytics.

Service model: ``ClientMetadata``, ``UserContextData`` and ``AnalyticsMetadata``, members
that the public calls share; ``ContextData``, which administrators' sign-ins have in place
of ``UserContextData``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType

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


def _headers(values: Mapping[str, str] | None) -> Mapping[str, str]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidType("http_headers", "a mapping of str to str", values)
    for text in (*values.keys(), *values.values()):
        if not isinstance(text, str):
            raise InvalidType("http_headers", "a mapping of str to str", text)
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
        server_name: The host name that the person's request went to. This and the next
            two are for sign-ins through `UserPool.admin`; no other call has a member
            for them.
        server_path: The path that it went to.
        http_headers: Its headers by name. They go to AWS: leave cookies and
            ``Authorization`` out.

    Raises:
        InvalidType: Something is not text.
    """

    client_metadata: Mapping[str, str] = field(default=None, converter=_texts, repr=False)
    ip_address: str | None = field(default=None, validator=_text_or_none, repr=False)
    encoded_data: str | None = field(default=None, validator=_text_or_none, repr=False)
    analytics_endpoint_id: str | None = field(default=None, validator=_text_or_none)
    server_name: str | None = field(default=None, validator=_text_or_none, repr=False)
    server_path: str | None = field(default=None, validator=_text_or_none, repr=False)
    http_headers: Mapping[str, str] = field(default=None, converter=_headers, repr=False)

    def members(self) -> dict[str, Any]:
        """Return the members of a request that carry it; what is empty is left out."""
        found = client_metadata_members(self.client_metadata)
        about = {"IpAddress": self.ip_address, "EncodedData": self.encoded_data}
        sealed = {name: Secret(value) for name, value in about.items() if value is not None}
        if sealed:
            found["UserContextData"] = sealed
        return found | self._analytics()

    def admin_members(self) -> dict[str, Any]:
        """Return the members for a sign-in through the administrators' API.

        Raises:
            InvalidArgument: Part of ``ContextData`` is given and a required member is not.
        """
        found = client_metadata_members(self.client_metadata)
        required = {
            "IpAddress": self.ip_address,
            "ServerName": self.server_name,
            "ServerPath": self.server_path,
        }
        given = [value for value in required.values() if value is not None]
        if not (given or self.http_headers or self.encoded_data):
            return found | self._analytics()
        if len(given) < len(required):
            raise InvalidArgument(
                "context", "given with ip_address, server_name and server_path, or none of them"
            )
        about: dict[str, Any] = {name: Secret(str(value)) for name, value in required.items()}
        about["HttpHeaders"] = [
            {"headerName": name, "headerValue": Secret(value)}
            for name, value in self.http_headers.items()
        ]
        if self.encoded_data is not None:
            about["EncodedData"] = Secret(self.encoded_data)
        return found | {"ContextData": about} | self._analytics()

    def _analytics(self) -> dict[str, Any]:
        if self.analytics_endpoint_id is None:
            return {}
        return {"AnalyticsMetadata": {"AnalyticsEndpointId": self.analytics_endpoint_id}}

    def over(self, default: RequestContext) -> RequestContext:
        """Return this one with what it leaves open taken from another.

        Client metadata and headers are laid over each other entry by entry.
        """
        return RequestContext(
            client_metadata={**default.client_metadata, **self.client_metadata},
            http_headers={**default.http_headers, **self.http_headers},
            **{name: self._or(default, name) for name in _TEXTS},
        )

    def _or(self, default: RequestContext, name: str) -> Any:
        own = getattr(self, name)
        return getattr(default, name) if own is None else own


_TEXTS = ("ip_address", "encoded_data", "analytics_endpoint_id", "server_name", "server_path")


def client_metadata_members(client_metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Return ``{"ClientMetadata": …}``, or nothing: for the calls that take no more."""
    texts = _texts(client_metadata)
    return {"ClientMetadata": texts} if texts else {}
