"""Checking the signatures of AWS requests (SigV4) with botocore's own signer."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from attrs import field, frozen

from aiocognito.testing.service_errors import PoolError

__all__ = ["SignedRequest", "check_signature", "key_id_of", "missing_signature"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([\w-]{1,128})/(\d{8})/([\w-]+)/([\w-]+)/aws4_request,"
    r"\s*SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})",
    re.ASCII,
)


@frozen(kw_only=True)
class SignedRequest:
    """What a signature is over. Header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def missing_signature() -> PoolError:
    """Say that an operation is not for everybody."""
    return PoolError("MissingAuthenticationTokenException", "Missing Authentication Token")


def key_id_of(request: SignedRequest) -> str:
    """Return the access key id that a request names.

    Raises:
        PoolError: ``IncompleteSignatureException``: it names none.
    """
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise PoolError("IncompleteSignatureException", "The signature is incomplete.")
    return found[1]


def check_signature(request: SignedRequest, keys: Mapping[str, str]) -> None:
    """Accept a request signed with one of the keys.

    The age of a signature is not looked at: the pool's clock may be moved by hand.

    Args:
        request: As it arrived.
        keys: Secret keys by key id; an empty mapping accepts every signature.

    Raises:
        PoolError: ``IncompleteSignatureException``, ``UnrecognizedClientException`` or
            ``InvalidSignatureException``. The texts are our own.
    """
    if not keys:
        return
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None or "x-amz-date" not in request.headers:
        raise PoolError("IncompleteSignatureException", "The signature is incomplete.")
    key_id, day, region, service, names, signature = found.groups()
    if key_id not in keys:
        raise PoolError("UnrecognizedClientException", "The security token is invalid.")
    # Only here, because few tests check signatures and botocore is slow to load.
    from botocore.auth import SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    signed = {name: request.headers.get(name, "") for name in names.split(";")}
    again = AWSRequest(method=request.method, url=request.url, headers=signed, data=request.body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key_id, keys[key_id]), service, region)
    expected = signer.signature(
        signer.string_to_sign(again, signer.canonical_request(again)), again
    )
    same_day = request.headers["x-amz-date"].startswith(day)
    if not same_day or not hmac.compare_digest(expected, signature):
        raise _no_match()
    if not _covers(request, set(names.split(";"))):
        raise _no_match()


def _covers(request: SignedRequest, names: set[str]) -> bool:
    """Whether everything that must be signed is: AWS wants the host and each x-amz header.

    Where a header tells the body's hash the signature is over that header alone.
    """
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    told = request.headers.get("x-amz-content-sha256", "")
    told_right = len(told) != 64 or told == hashlib.sha256(request.body).hexdigest()
    return needed <= names and told_right


def _no_match() -> PoolError:
    return PoolError("InvalidSignatureException", "The signature does not match.")
