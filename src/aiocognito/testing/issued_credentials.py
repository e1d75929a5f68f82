"""The AWS credentials a local service gave out, and requests signed with them."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable, Mapping

from attrs import field, frozen

from aiocognito._clock import Clock
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.signatures import SignedRequest, check_signature, key_id_of

__all__ = ["CredentialDesk", "LocalCredentials"]

_REMEMBERED = 10_000


@frozen(kw_only=True)
class LocalCredentials:
    """Credentials that the local service gave out.

    Attributes:
        expires_at: Seconds since the epoch, by the pool's clock.
        is_guest: Whether nobody had signed in.
        role_arn: The role they stand for; no policy is evaluated.
        tags: Principal tags, from the provider's map or a developer's back end.
        session_name: Of the role session at STS; empty in the enhanced flow.
        policy: The session policy that STS was given, or None.
    """

    access_key_id: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: float
    identity_id: str
    is_guest: bool
    role_arn: str
    tags: Mapping[str, str] = field(factory=dict)
    session_name: str = ""
    policy: str | None = None


class CredentialDesk:
    """Gives out credentials and remembers them."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._entropy = entropy
        self._issued: OrderedDict[str, LocalCredentials] = OrderedDict()

    def issue(
        self,
        *,
        lifetime: float,
        identity_id: str,
        is_guest: bool,
        role_arn: str,
        tags: Mapping[str, str],
        session_name: str = "",
        policy: str | None = None,
    ) -> LocalCredentials:
        """Make credentials that live so many seconds."""
        issued = LocalCredentials(
            access_key_id="ASIA" + base64.b32encode(self._entropy(10)).decode(),
            secret_key=base64.b64encode(self._entropy(30)).decode(),
            # As long as real ones, so that assumptions about storage break early.
            session_token=base64.b64encode(self._entropy(900)).decode(),
            expires_at=round(self._clock.wall() + lifetime, 3),
            identity_id=identity_id,
            is_guest=is_guest,
            role_arn=role_arn,
            tags=dict(tags),
            session_name=session_name,
            policy=policy,
        )
        self._issued[issued.access_key_id] = issued
        if len(self._issued) > _REMEMBERED:
            self._issued.popitem(last=False)
        return issued

    def lookup(self, access_key_id: str) -> LocalCredentials | None:
        """Return the credentials issued under this key, expired or not, or None."""
        return self._issued.get(access_key_id)

    def signer_of(self, request: SignedRequest) -> LocalCredentials:
        """Return whose request this is, as a service behind SigV4 finds out.

        Raises:
            PoolError: ``UnrecognizedClientException``, ``ExpiredTokenException``,
                ``InvalidSignatureException`` or ``IncompleteSignatureException``.
        """
        issued = self.lookup(key_id_of(request))
        if issued is None or request.headers.get("x-amz-security-token") != issued.session_token:
            raise PoolError("UnrecognizedClientException", "The security token is invalid.")
        check_signature(request, {issued.access_key_id: issued.secret_key})
        if self._clock.wall() >= issued.expires_at:
            raise PoolError("ExpiredTokenException", "The security token has expired.")
        return issued
