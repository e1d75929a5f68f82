"""Credentials of an identity pool, where aiobotocore looks for them.

`aws_session` is a session of its own: its clients sign with these credentials and no
others. `CognitoIdentityProvider` adds them to the chain of a session that exists::

    chain = session.get_component("credential_provider")
    chain.insert_before("env", CognitoIdentityProvider(identity))

Both hand out `CognitoIdentityCredentials`, which hold no secret: they ask the
`AwsIdentity` at each signature, so that renewal, back-off and cancellation are ours.
Only documented names of aiobotocore and botocore are used, and the methods overridden
are public ones. One class serves asyncio and Trio; the lock that makes aiobotocore
keep two is never taken.

botocore writes the requests it signs to its log at DEBUG, session token included
(never the key that signs). That is true of all temporary credentials: keep
``botocore`` above DEBUG where logs are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any, NoReturn

import anyio.to_thread
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentialResolver, AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.credentials import CredentialProvider, ReadOnlyCredentials
from botocore.loaders import Loader, create_loader

from aiocognito._protected import on_asyncio
from aiocognito._redact import MASK
from aiocognito.signing import CredentialsSource
from aiocognito.tokens.credentials import AwsCredentials

__all__ = [
    "CognitoIdentityCredentials",
    "CognitoIdentityProvider",
    "CredentialsSource",
    "aws_session",
]


class _Frozen(ReadOnlyCredentials):  # type: ignore[misc]  # botocore is untyped
    """What a signer takes. botocore's own shows its secrets in ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"ReadOnlyCredentials(access_key={self.access_key!r}, secret_key={MASK})"

    def __copy__(self) -> _Frozen:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Frozen:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("AWS credentials are not pickled; sign in where they are needed.")


class CognitoIdentityCredentials(AioRefreshableCredentials):  # type: ignore[misc]
    """Credentials that are asked for at each signature.

    Args:
        source: Who hands them out.
        account_id: The AWS account they belong to, for services with an endpoint for
            each account (DynamoDB); None where nobody knows it.
    """

    def __init__(self, source: CredentialsSource, *, account_id: str | None = None) -> None:
        super().__init__(
            access_key=None,
            secret_key=None,
            token=None,
            expiry_time=None,
            refresh_using=source.credentials,
            method=CognitoIdentityProvider.METHOD,
        )
        self._source = source
        self._account = account_id
        self._last: tuple[AwsCredentials, _Frozen] | None = None

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return all three values of one moment. Raises as `AwsIdentity.credentials`."""
        found = await self._source.credentials()
        if self._last is None or self._last[0] is not found:
            frozen = _Frozen(
                found.access_key_id, found.secret_access_key, found.session_token, self._account
            )
            self._last = (found, frozen)
        return self._last[1]

    async def get_access_key(self) -> str:
        """Return the key id. Three getters may see two moments; prefer the frozen ones."""
        return (await self._source.credentials()).access_key_id

    async def get_secret_key(self) -> str:
        """Return the key that signs."""
        return (await self._source.credentials()).secret_access_key

    async def get_token(self) -> str:
        """Return the session token."""
        return (await self._source.credentials()).session_token

    async def get_account_id(self) -> str | None:
        """Return the account that was given; asks nobody."""
        return self._account

    def refresh_needed(self, refresh_in: float | None = None) -> bool:
        """Return False: whoever asks for a value gets a fresh one."""
        return False

    def __repr__(self) -> str:
        return f"<CognitoIdentityCredentials of {self._source!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("AWS credentials are not pickled; sign in where they are needed.")


class CognitoIdentityProvider(CredentialProvider):  # type: ignore[misc]
    """A link of aiobotocore's credential chain. Loading asks nobody for anything."""

    METHOD = "cognito-identity"
    CANONICAL_NAME = "custom-cognito-identity"

    def __init__(self, source: CredentialsSource, *, account_id: str | None = None) -> None:
        super().__init__()
        self._credentials = CognitoIdentityCredentials(source, account_id=account_id)

    async def load(self) -> CognitoIdentityCredentials:
        """Return the credentials object; it is never None, so the chain ends here."""
        return self._credentials


def aws_session(
    source: CredentialsSource, region_name: str, *, account_id: str | None = None
) -> AioSession:
    """Make an aiobotocore session whose clients sign with these credentials alone.

    Its chain of credentials has one link. ``AWS_PROFILE`` and the files below
    ``~/.aws`` are not read at all, and ``AWS_ENDPOINT_URL`` redirects nothing: an
    endpoint is an argument of ``create_client``. To have those back, add
    `CognitoIdentityProvider` to a session of yours.

    Args:
        source: Who hands out the credentials, an `AwsIdentity` for example.
        region_name: Where clients go that name no region.
        account_id: See `CognitoIdentityCredentials`.
    """
    session = _Session(session_vars=dict.fromkeys(_IGNORED, (None, None, None, None)))
    session.set_config_variable("region", region_name)
    session.set_default_client_config(AioConfig(ignore_configured_endpoint_urls=True))
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    session.register_component(
        "credential_provider",
        AioCredentialResolver([CognitoIdentityProvider(source, account_id=account_id)]),
    )
    return session


_IGNORED = ("profile", "config_file", "credentials_file")


@cache
def _loader(data_path: str | None) -> Loader:
    """One for the process: a service's model is read and parsed once."""
    return create_loader(data_path)


class _Session(AioSession):  # type: ignore[misc]
    """Reads a service's model in a worker thread before the loop needs it."""

    def create_client(self, service_name: str, *args: Any, **options: Any) -> _WarmClient:
        make = super().create_client
        return _WarmClient(self, service_name, lambda: make(service_name, *args, **options))

    def suit_the_loop(self) -> None:
        """Choose the HTTP library that runs on the event loop we are on."""
        if not on_asyncio():
            # Only here, because it exists from aiobotocore 3.9 on and needs the extra.
            from aiobotocore.httpxsession import HttpxSession  # noqa: PLC0415

            self.set_default_client_config(
                AioConfig(http_session_cls=HttpxSession, ignore_configured_endpoint_urls=True)
            )


class _WarmClient:
    """What ``create_client`` returns: enter it to get the client.

    Cancelled on entering it leaves nothing open.
    """

    def __init__(self, session: _Session, service_name: str, make: Callable[[], Any]) -> None:
        self._session = session
        self._service_name = service_name
        self._make = make
        self._made: Any = None

    async def __aenter__(self) -> Any:
        await anyio.to_thread.run_sync(self._session.warm_up_loader_caches, self._service_name)
        self._session.suit_the_loop()
        self._made = self._make()
        return await self._made.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._made.__aexit__(kind, error, trace)
