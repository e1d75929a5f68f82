"""AWS credentials as environment variables, for a program that is about to be started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NoReturn, final

from aiocognito._redact import MASK
from aiocognito.tokens.credentials import AwsCredentials

__all__ = ["AwsEnvironment"]

_SECRET = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@final
class AwsEnvironment(Mapping[str, str]):
    """Variables that AWS SDKs and tools read; lay them over an environment.

    ``env=os.environ | exported`` for a child process. Whoever may read a process's
    environment can read these, which is everybody with its user's rights.

    Its repr shows no secret, and it is not pickled.

    Attributes:
        expires_at: When the credentials end, in UTC. A program that runs longer gets no
            others.
    """

    __slots__ = ("_variables", "expires_at")

    def __init__(
        self, credentials: AwsCredentials, *, region_name: str, account_id: str | None = None
    ) -> None:
        self.expires_at: datetime = credentials.expires_at
        self._variables = {
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            # Read by botocore, which then says that they have ended instead of failing.
            "AWS_CREDENTIAL_EXPIRATION": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "AWS_REGION": region_name,
            "AWS_DEFAULT_REGION": region_name,  # older tools read this one alone
            **({} if account_id is None else {"AWS_ACCOUNT_ID": account_id}),
        }

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        shown = {
            name: MASK if name in _SECRET else value for name, value in self._variables.items()
        }
        return f"AwsEnvironment({shown})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("AWS credentials are not pickled; sign in where they are needed.")
