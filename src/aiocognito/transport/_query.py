"""STS's dialect: form fields go out, XML comes back.

The XML is judged here before botocore reads it. ElementTree expands entities and builds
whatever tree it is given, and botocore's parser quotes the whole answer, credentials
included, in its error. So an answer that declares anything (a document type, an entity,
another encoding than UTF-8), is nested deeper or has more elements than STS's ever do
is refused, whoever wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode
from xml.parsers import expat

from attrs import define, field

from aiocognito.flow.calls import Call
from aiocognito.transport._exchange import Unreadable
from aiocognito.transport.base import HttpReply, texts_to_hide
from aiocognito.transport.error_codes import read_error

__all__ = ["form", "require_xml"]

_DEPTH = 12  # the deepest answer of STS has four levels
_ELEMENTS = 200


def form(fields: Mapping[str, Any]) -> bytes:
    """Write the fields as botocore's client does: `urlencode`, spaces as ``+``."""
    return urlencode(fields).encode("ascii")


def require_xml(reply: HttpReply, call: Call) -> None:
    """Let a successful answer pass that botocore may read.

    Raises:
        ServiceError: The service answered with an error.
        RemoteProtocolError: Somebody else did.
        Unreadable: It is not the bounded, plain XML that STS writes.
    """
    try:
        outline = _outline(reply.body)
    except (expat.ExpatError, _Refused, UnicodeDecodeError):
        outline = None
    if reply.status != 200:
        raise read_error(
            status=reply.status,
            headers=_with_id(reply.headers, outline),
            body=b"" if outline is None else outline.error(),
            operation=call.operation,
            repeatable=call.repeatable,
            sent=texts_to_hide(call.parameters),
        )
    if outline is None:
        raise Unreadable("is not plain XML; something between here and STS wrote it")
    if outline.root != f"{call.operation}Response":
        raise Unreadable("is XML of another kind")


class _Refused(Exception):
    """It is more than an answer needs."""


@define
class _Outline:
    """What is in a small XML document: the root's name, and the texts of an error."""

    root: str = ""
    error_code: str = ""
    message: str = ""
    request_id: str = ""
    elements: int = 0
    path: list[str] = field(factory=list)

    def opened(self, name: str, attributes: object) -> None:
        self.elements += 1
        self.path.append(name.rpartition(":")[2])
        self.root = self.root or self.path[0]
        if len(self.path) > _DEPTH or self.elements > _ELEMENTS:
            raise _Refused

    def closed(self, name: str) -> None:
        self.path.pop()

    def text(self, text: str) -> None:
        match self.path:
            case ["ErrorResponse", "Error", "Code"]:
                self.error_code += text
            case ["ErrorResponse", "Error", "Message"]:
                self.message += text
            case ["ErrorResponse", "RequestId"]:
                self.request_id += text
            case _:
                pass

    def error(self) -> bytes:
        """Return an error as the other services write it, or nothing."""
        if not self.error_code:
            return b""
        return json.dumps({"__type": self.error_code, "message": self.message}).encode("ascii")


def _outline(body: bytes) -> _Outline:
    body.decode("utf-8")  # whatever the document says of itself
    outline = _Outline()
    # The encoding given here goes before the one that is declared.
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = outline.opened
    parser.EndElementHandler = outline.closed
    parser.CharacterDataHandler = outline.text
    parser.Parse(body, True)
    return outline


def _refuse(*declared: object) -> NoReturn:
    raise _Refused


def _with_id(headers: Mapping[str, str], outline: _Outline | None) -> Mapping[str, str]:
    if outline is None or not outline.request_id:
        return headers
    return {"x-amzn-requestid": outline.request_id, **headers}
