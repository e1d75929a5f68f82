"""How STS's requests and answers are written: form fields in, XML out (AWS query)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiocognito.testing.service_errors import PoolError

__all__ = ["FORM_TYPE", "XML_TYPE", "read_form", "write_xml", "write_xml_error"]

FORM_TYPE = "application/x-www-form-urlencoded"
XML_TYPE = "text/xml"

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_INSTANTS = frozenset({"Expiration"})
_MAX_FIELDS = 100


def read_form(body: bytes) -> tuple[str, dict[str, str]]:
    """Return the action, and the other fields by name.

    Raises:
        ValueError: It is no form, or an endless one.
    """
    fields = dict(
        parse_qsl(
            body.decode("utf-8"), strict_parsing=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    )
    fields.pop("Version", None)
    return fields.pop("Action", ""), fields


def write_xml(operation: str, members: Mapping[str, Any]) -> bytes:
    """Write an answer; instants are ISO 8601 with whole seconds, as STS has them."""
    inside = "".join(_elements(members))
    return (
        f'<{operation}Response xmlns="{_NAMESPACE}"><{operation}Result>{inside}'
        f"</{operation}Result><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId>"
        f"</ResponseMetadata></{operation}Response>"
    ).encode()


def write_xml_error(error: PoolError) -> bytes:
    """Write a refusal."""
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{kind}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    ).encode()


def _elements(members: Mapping[str, Any]) -> Iterator[str]:
    for name, value in members.items():
        if isinstance(value, Mapping):
            yield f"<{name}>{''.join(_elements(value))}</{name}>"
        elif name in _INSTANTS and isinstance(value, int | float):
            moment = datetime.fromtimestamp(int(value), UTC)
            yield f"<{name}>{moment:%Y-%m-%dT%H:%M:%SZ}</{name}>"
        else:
            yield f"<{name}>{escape(str(value))}</{name}>"
