"""What is decided about an answer before anybody reads it."""

from __future__ import annotations

import importlib
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiocognito.errors import (
    CertificateRejected,
    CognitoError,
    ConnectFailed,
    DeadlineExceeded,
    InvalidArgument,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
)
from aiocognito.transport._exchange import (
    ExchangeFailed,
    Lost,
    NotConnected,
    NotTrusted,
    Outgoing,
    TooSlow,
    Unreadable,
    bounded_reply,
    load_backend,
    public_error,
)

# --- failures ---------------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("failure", "kind", "retry_safe"),
    [
        (NotConnected(), ConnectFailed, True),
        (NotTrusted(), CertificateRejected, False),
        (TooSlow(), DeadlineExceeded, None),
        (Lost(), ResponseLost, None),
    ],
    ids=["not connected", "not trusted", "too slow", "lost"],
)
def test_only_what_was_surely_not_sent_is_safe_for_every_call(
    failure: ExchangeFailed, kind: type[CognitoError], retry_safe: bool | None, repeatable: bool
) -> None:
    # threats 24, 25
    error = public_error(failure, "GetId", repeatable=repeatable)
    assert type(error) is kind
    assert error.retry_safe is (repeatable if retry_safe is None else retry_safe)  # type: ignore[attr-defined]
    assert "[GetId]" in str(error)


def test_an_unreadable_answer_says_why() -> None:
    error = public_error(Unreadable("is not JSON"), "GetId", repeatable=True)
    assert type(error) is RemoteProtocolError
    assert str(error) == "The answer to GetId is not JSON."


def test_the_systems_error_stays_as_the_cause_without_its_frames() -> None:
    # threat 34
    try:
        try:
            raise ValueError("inner")
        except ValueError:
            raise OSError(111, "refused")  # noqa: B904
    except OSError as caught:
        system = caught
    error = public_error(NotConnected(cause=system), "GetId", repeatable=True)
    assert error.__cause__ is system
    assert system.__traceback__ is None
    assert system.__context__ is None


# --- answers ------------------------------------------------------------------------------


async def read(*chunks: bytes, status: int = 200, **headers: str) -> bytes:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    reply = await bounded_reply(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        chunks=arriving(),
        limit=10,
    )
    return reply.body


async def test_an_answer_within_the_limit_is_put_together() -> None:
    assert await read(b"12345", b"67890") == b"1234567890"
    assert await read(b"x", content_encoding="identity") == b"x"
    assert await read(b"x", content_encoding="", content_length="nonsense") == b"x"


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({}, 302, "redirect"),
        ({}, 304, "redirect"),
        ({"content_encoding": "gzip"}, 200, "compressed"),
        ({"content_encoding": "BR"}, 200, "compressed"),
        ({"content_length": "11"}, 200, "larger than 10 bytes"),
        ({"content_length": "9" * 10_000}, 200, "larger than 10 bytes"),
        ({}, 200, "larger than 10 bytes"),
    ],
    ids=["302", "304", "gzip", "br", "11 bytes", "absurd", "not announced"],
)
async def test_an_answer_we_do_not_want_is_not_read_to_its_end(
    headers: dict[str, str], status: int, reason: str
) -> None:
    # threats 36, 40
    with pytest.raises(Unreadable, match=reason):
        await read(b"12345", b"67890", b"!", status=status, **headers)


def test_a_request_does_not_show_its_body() -> None:
    # threat 34
    outgoing = Outgoing(
        method="POST",
        url="https://x/",
        headers={"Authorization": "canary"},
        body=b"canary",
        proxy="http://user:canary@proxy/",
    )
    assert "canary" not in repr(outgoing)


# --- what is loaded ------------------------------------------------------------------------


def test_trio_without_its_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "aiocognito.transport._httpx2", raising=False)
    with pytest.raises(LocalProtocolError, match=r"aiocognito\[trio\]"):
        load_backend(trio=True)


def test_another_missing_module_is_not_explained_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError("no", name="yarl")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ImportError):
        load_backend(trio=False)


def test_certificates_are_checked_against_botocores_authorities() -> None:
    # threat 38
    context: ssl.SSLContext = load_backend(trio=False).keywords["tls"]  # type: ignore[attr-defined]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50


def test_an_authority_file_without_certificates_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # threat 38
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(empty))
    with pytest.raises(InvalidArgument, match="AWS_CA_BUNDLE"):
        load_backend(trio=False)
