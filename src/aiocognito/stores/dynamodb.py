"""Entries in a DynamoDB table, for a fleet; through aiobotocore.

One item for each key::

    <key attribute>  S   <prefix>#<print>
    generation       N   the condition of every commit
    body             B   the entry, as `_codec` writes it
    commit_id        S   of the commit that wrote it: an answer that was lost is recognised
    attempt_at       N   seconds since the epoch
    lease_owner      S
    lease_until      N   seconds since the epoch
    expires_at       N   for the table's time to live, if it has one

Leases end by the workers' wall clocks: one that is a second fast takes a lease a second
early. That costs a call, not a token.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._redact import without_frames
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from aiocognito.stores._codec import Hidden, decode, encode
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey, check_succession

__all__ = ["DynamoDBTokenStore"]

_DAY = 86_400
_ABSENT = "attribute_not_exists(generation)"
_SAME = "generation = :expected"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_WILL_NOT_PASS = {
    *("AccessDeniedException", "ResourceNotFoundException", "ValidationException"),
    *("UnrecognizedClientException", "MissingAuthenticationTokenException"),
    *("IncompleteSignatureException", "InvalidSignatureException"),
}

Item = dict[str, Any]


class DynamoDBTokenStore:
    """Keeps entries in a DynamoDB table. Fulfils `SharedTokenStore`.

    The table needs one thing, a partition key of type string. A time to live on the
    attribute ``expires_at`` clears away what has ended. Values are in the clear for
    whoever may read the table: wrap the store in `encrypted` if that is not enough.

    What a cancelled call has sent may have happened, whole. The client's own retries do
    no harm: a commit that it repeats counts once.

    `StoreUnavailable` covers throttling and outages; other refusals (no such table, no
    permission) are a plain `StoreError` with DynamoDB's code in its message.

    Args:
        client: An aiobotocore client for ``dynamodb``; whoever made it closes it.
        table: The table's name.
        key_attribute: Its partition key.
        prefix: What all keys begin with.
        salt: Keys the fingerprints in the names, and must be the same for all workers.
            Without one, somebody who can list items can try whether a user has an entry.
        lifetime: Seconds after its last commit at which an entry may be dropped. None
            keeps it.
        timeout: Seconds for one call, the client's retries included.
        clock: Tells when leases and entries end.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        key_attribute: str = "id",
        prefix: str = "aiocognito",
        salt: bytes = b"",
        lifetime: float | None = None,
        timeout: float = 10.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not isinstance(salt, bytes):
            raise InvalidType("salt", "bytes", salt)
        if lifetime is not None and not lifetime > 0:
            raise InvalidArgument("lifetime", "a positive number of seconds, or None")
        self._client = client
        self._table = table
        self._key_attribute = key_attribute
        self._prefix = prefix
        self._salt = salt
        self._lifetime = lifetime
        self._timeout = timeout
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        session: AioSession,
        table: str,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> AsyncIterator[DynamoDBTokenStore]:
        """Lend a store with a client of its own, made from an aiobotocore session.

        Args:
            session: Such as ``aiobotocore.session.get_session()``.
            table: The table's name.
            region_name: Where it is, unless the session knows.
            endpoint_url: For a local DynamoDB.
            options: As for the class.
        """
        # The service's model is large; reading it on the loop's thread would stall it.
        await anyio.to_thread.run_sync(session.warm_up_loader_caches, "dynamodb")
        made = session.create_client("dynamodb", region_name=region_name, endpoint_url=endpoint_url)
        async with made as client:
            yield cls(client, table, **options)

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None; a consistent read."""
        name = key.fingerprint(self._salt)
        return _entry(await self._get(name), name)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has."""
        check_succession(entry, expected)
        name, commit_id = key.fingerprint(self._salt), secrets.token_hex(8)
        values: Item = {
            ":generation": {"N": str(entry.generation)},
            ":body": {"B": encode(entry, name)},
            ":commit": {"S": commit_id},
        }
        change = "SET generation = :generation, body = :body, commit_id = :commit"
        if self._lifetime is None:
            change += " REMOVE attempt_at, expires_at"
        else:
            values[":expires"] = {"N": str(int(self._clock.wall() + self._lifetime))}
            change += ", expires_at = :expires REMOVE attempt_at"
        if expected is not None:
            values[":expected"] = {"N": str(expected)}
        found = await self._change(name, change, _ABSENT if expected is None else _SAME, values)
        # The client may have repeated what had happened: then it is our own that is there.
        if found is None or found.get("commit_id") == {"S": commit_id}:
            return entry
        return Conflict(_entry(found, name))

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry; an item without values stays, for a day if the table has a TTL."""
        name = key.fingerprint(self._salt)
        values: Item = {":expires": {"N": str(int(self._clock.wall()) + _DAY)}}
        condition = "attribute_exists(body) OR attribute_exists(generation)"
        if expected is not None:
            condition, values[":expected"] = _SAME, {"N": str(expected)}
        change = "SET expires_at = :expires REMOVE generation, body, commit_id, attempt_at"
        found = await self._change(name, change, condition, values)
        if found is None or "generation" not in found:
            return None
        return Conflict(_entry(found, name))

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes."""
        lease = Lease(key=key, owner=owner, until=self._clock.boot() + ttl)
        now = self._clock.wall()
        values = {
            ":owner": {"S": owner},
            ":until": {"N": repr(now + ttl)},
            ":now": {"N": repr(now)},
        }
        found = await self._change(
            key.fingerprint(self._salt),
            "SET lease_owner = :owner, lease_until = :until",
            "attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner",
            values,
        )
        return lease if found is None else None

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._change(
            lease.key.fingerprint(self._salt),
            "REMOVE lease_owner, lease_until",
            "lease_owner = :owner",
            {":owner": {"S": lease.owner}},
        )

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins."""
        values = {":at": {"N": repr(float(at))}, ":expected": {"N": str(generation)}}
        name = key.fingerprint(self._salt)
        return await self._change(name, "SET attempt_at = :at", _SAME, values) is None

    async def aclose(self) -> None:
        """Do nothing; the client belongs to whoever made it."""

    # --- one request ---

    async def _change(self, name: str, change: str, condition: str, values: Item) -> Item | None:
        """Change an item on a condition.

        Returns:
            None when it is done; where the condition did not hold, what is there.
        """
        answer = await self._ask(
            "update_item",
            name,
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        if answer is not _FAILED:
            return _hidden(answer["Item"]) if "condition_failed" in answer else None
        # Some local servers do not send what was there along with the refusal.
        return await self._get(name)

    async def _get(self, name: str) -> Item:
        return _hidden((await self._ask("get_item", name, ConsistentRead=True)).get("Item"))

    async def _ask(self, operation: str, name: str, **parameters: Any) -> Item:
        item = {self._key_attribute: {"S": f"{self._prefix}#{name}"}}
        try:
            with anyio.fail_after(self._timeout):
                call = getattr(self._client, operation)
                answer: Item = await call(TableName=self._table, Key=item, **parameters)
                return answer
        except ClientError as error:
            if error.response["Error"].get("Code") == _CONDITION_FAILED:
                found = error.response.get("Item")
                return {"condition_failed": True, "Item": found} if found else _FAILED
            refused = _refusal(error.response["Error"].get("Code", "an unknown error"))
        except (BotoCoreError, OSError, TimeoutError) as error:
            refused = StoreUnavailable(f"DynamoDB does not answer ({type(error).__name__}).")
        # The parameters hold the value: neither the frames nor the error stay.
        del parameters
        raise without_frames(refused)

    def __repr__(self) -> str:
        return f"DynamoDBTokenStore(table={self._table!r}, prefix={self._prefix!r})"


_FAILED: Item = {"condition_failed": True}


def _refusal(code: str) -> StoreError:
    kind = StoreError if code in _WILL_NOT_PASS else StoreUnavailable
    return kind(f"DynamoDB refuses the call ({code[:60]}).")


def _hidden(item: Item | None) -> Item:
    """Return an item whose body a report of local variables does not show."""
    body = (item or {}).get("body")
    if item and isinstance(body, dict) and isinstance(body.get("B"), bytes):
        return item | {"body": {"B": Hidden(body["B"])}}
    return item or {}


def _entry(item: Item, name: str) -> Entry | None:
    """Read an item as the client parses it, types and all."""
    if "generation" not in item and "body" not in item:
        return None
    try:
        entry = decode(item["body"]["B"], name)
        if int(item["generation"]["N"]) != entry.generation:
            raise ValueError
        if "attempt_at" in item:
            entry = entry.attempted(float(item["attempt_at"]["N"]))
    except (KeyError, TypeError, ValueError, InvalidArgument, InvalidType):
        raise StoreDamaged("DynamoDB holds a damaged entry; delete it and sign in.") from None
    return entry
