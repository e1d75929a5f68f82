"""Which URLs a secret may travel to."""

from __future__ import annotations

import importlib
import ipaddress
from urllib.parse import SplitResult, urlsplit

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["checked_url", "is_loopback", "proxy_for", "usable_proxy"]

_MAX_URL = 2048


def checked_url(url: str, *, argument: str, allow_http: bool, query: bool = False) -> str:
    """Return the URL if it may be used: https, or plain http to this machine.

    Args:
        url: An absolute URL, without user information and without a fragment.
        argument: What the caller calls it, for the error.
        allow_http: Accept plain http to other machines too.
        query: Accept a query.

    Raises:
        InvalidType: Not a `str`.
        InvalidArgument: Malformed, or not safe enough.
    """
    if not isinstance(url, str):
        raise InvalidType(argument, "a str", url)
    parts = _split(url, argument)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InvalidArgument(argument, "an absolute https URL")
    if parts.username is not None or parts.fragment or (parts.query and not query):
        raise InvalidArgument(argument, "a URL without user name, query or fragment")
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname)):
        raise InvalidArgument(
            argument, "https; plain http outside this machine needs allow_http=True"
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine by definition, without asking DNS."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment wants for a URL; never one for loopback.

    Reads ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``, on macOS and Windows the
    system's settings, which may take a moment: call it in a worker thread.
    """
    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        return None
    library = importlib.import_module("urllib.request")  # late: it brings half of http along
    if library.proxy_bypass(parts.netloc):
        return None
    return usable_proxy(library.getproxies().get(parts.scheme))


def usable_proxy(url: str | None) -> str | None:
    """Complete a proxy's address as people write it (``proxy.example:3128``).

    Raises:
        InvalidArgument: Another kind of proxy than http or https. Going around it
            would be worse than not going at all.
    """
    if not url:
        return None
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidArgument("HTTPS_PROXY", "the URL of an http or https proxy")
    return url


def _split(url: str, argument: str) -> SplitResult:
    printable = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not printable or len(url) > _MAX_URL:
        raise InvalidArgument(argument, "an absolute https URL in printable ASCII")
    try:
        parts = urlsplit(url)
        _ = parts.port  # a property that raises
    except ValueError:
        raise InvalidArgument(argument, "an absolute https URL") from None
    return parts
