"""A request to the service, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import field, frozen

from aiocognito._redact import Secret

__all__ = ["Call", "Reply", "Service", "authorized_call"]

Service = Literal["cognito-idp", "cognito-identity", "sts"]


@frozen(kw_only=True)
class Call:
    """One wire request.

    Attributes:
        service: Which API it belongs to.
        operation: AWS's name, such as ``InitiateAuth``.
        parameters: The members of the input shape. Not shown: it holds secrets.
        repeatable: Whether sending it twice does no harm when the first answer was
            lost. An answered challenge or a rotating refresh is not repeatable.
        signed: Whether it needs IAM credentials (SigV4), as administrators' calls do.
    """

    service: Service = "cognito-idp"
    operation: str
    parameters: Mapping[str, Any] = field(repr=False)
    repeatable: bool = False
    signed: bool = False


@frozen(kw_only=True)
class Reply:
    """The service's answer to a `Call` that succeeded.

    Attributes:
        body: The members of the output shape. Not shown: it holds secrets.
        request_id: What AWS support asks for, or None.
        date: The service's clock from the ``Date`` header, in UTC, or None.
    """

    body: Mapping[str, Any] = field(repr=False)
    request_id: str | None = None
    date: datetime | None = None


def authorized_call(
    operation: str,
    access_token: Secret,
    members: Mapping[str, Any] | None = None,
    *,
    repeatable: bool = False,
) -> Call:
    """Build a call of a signed-in user: an access token, and nothing of the app client."""
    parameters = {"AccessToken": access_token, **(members or {})}
    return Call(operation=operation, parameters=parameters, repeatable=repeatable)
