"""Which endpoints are accepted, and which proxies used."""

from __future__ import annotations

import pytest

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.transport._urls import checked_url, is_loopback, proxy_for, usable_proxy


@pytest.mark.parametrize(
    "url",
    [
        "https://cognito-idp.eu-west-1.amazonaws.com",
        "https://example.com:8443/base/",
        "https://203.0.113.9",
        "http://127.0.0.1:4566",
        "http://127.8.8.8",
        "http://localhost:4566/",
        "http://[::1]:4566",
    ],
)
def test_https_and_plain_http_to_this_machine_are_accepted(url: str) -> None:
    # threat 37
    assert checked_url(url, argument="endpoint_url", allow_http=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1",
        "http://169.254.169.254/latest",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io",
        "http://0.0.0.0:80",
    ],
)
def test_plain_http_elsewhere_needs_a_flag(url: str) -> None:
    # threat 37
    with pytest.raises(InvalidArgument, match="allow_http"):
        checked_url(url, argument="endpoint_url", allow_http=False)
    assert checked_url(url, argument="endpoint_url", allow_http=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:password@example.com",
        "https://user@example.com",
        "https://example.com#x",
        "https://example.com?x=1",
        "https://example.com:99999",
        "https://example.com:x",
        "https://exa mple.com",
        "https://example.com\n",
        "https://example.com\\@evil.example",
        "https://exämple.com",
        "https://[::1",
        "https://" + "a" * 2048,
    ],
)
def test_anything_else_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_url(url, argument="endpoint_url", allow_http=True)
    assert caught.value.argument == "endpoint_url"
    assert "password@" not in str(caught.value)


def test_a_query_is_accepted_where_it_makes_sense() -> None:
    url = "https://example.com/x?y=1"
    assert checked_url(url, argument="url", allow_http=False, query=True) == url


def test_another_type_is_refused() -> None:
    with pytest.raises(InvalidType):
        checked_url(b"https://example.com", argument="url", allow_http=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_is_known_without_asking_anybody(host: str) -> None:
    assert is_loopback(host)


def test_the_environments_proxy_is_used_but_never_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # threat 37
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert proxy_for("https://cognito-idp.eu-west-1.amazonaws.com/") == "http://proxy.example:3128"
    assert proxy_for("https://127.0.0.1:8443/") is None
    monkeypatch.setenv("no_proxy", ".amazonaws.com")
    assert proxy_for("https://cognito-idp.eu-west-1.amazonaws.com/") is None


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://user:pw@proxy.example:3128", "http://user:pw@proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("", None),
        (None, None),
    ],
)
def test_a_proxy_is_written_in_several_ways(given: str | None, used: str | None) -> None:
    assert usable_proxy(given) == used


@pytest.mark.parametrize("url", ["socks5://proxy.example:1080", "http://", "http://x:y", "x://"])
def test_a_proxy_we_cannot_use_is_not_gone_around(url: str) -> None:
    with pytest.raises(InvalidArgument, match="HTTPS_PROXY"):
        usable_proxy(url)
