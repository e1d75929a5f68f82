"""A DynamoDB table on ministack, made anew for the run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from attrs import frozen

from tests.servers.ministack import OWNER, REGION, Ministack

KEY = "id"


@cache
def session() -> AioSession:
    """One for the process: the service's model is read once."""
    made = AioSession()
    made.set_credentials(OWNER.access_key_id, OWNER.secret_access_key)
    return made


@frozen
class Table:
    """Where it is.

    Attributes:
        url: The server.
        name: The table's name.
    """

    url: str
    name: str = "tokens"

    @classmethod
    def on(cls, server: Ministack) -> Table:
        """Make it."""
        table = cls(server.url)
        server.owner("dynamodb").create_table(
            TableName=table.name,
            KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return table

    @asynccontextmanager
    async def client(self, **config: Any) -> AsyncIterator[Any]:
        """Lend an aiobotocore client that may do everything."""
        made = session().create_client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=self.url,
            config=AioConfig(**config),
        )
        async with made as client:
            yield client
