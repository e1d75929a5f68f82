"""List a pool's users with IAM credentials, page by page, by one condition.

Runs against a local Cognito on this machine with 150 users in it. With
COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID set it asks that pool, signed with the
credentials that aiobotocore finds (profile, role, environment); they need
cognito-idp:ListUsers and cognito-idp:DescribeUserPool.

    python examples/admin_list_users.py
    python examples/admin_list_users.py email ana@
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from aiobotocore.session import AioSession, get_session

from aiocognito import CognitoError, UserFilter, UserPool
from aiocognito.testing import LocalCognito

NAMES = ("Ana", "Ben", "Eva", "Kim", 'Zoë "Z" O\'Hara')


@asynccontextmanager
async def some_pool() -> AsyncIterator[UserPool]:
    pool_id = os.environ.get("COGNITO_USER_POOL_ID")
    if pool_id:
        client_id = os.environ["COGNITO_CLIENT_ID"]
        async with UserPool(pool_id, client_id, aws=get_session()) as pool:
            yield pool
        return
    aws = AioSession()
    aws.set_credentials("AKIDEXAMPLE", "only-for-this-machine")
    async with LocalCognito(aws_keys={"AKIDEXAMPLE": "only-for-this-machine"}) as local:
        for number in range(150):
            local.add_user(
                f"user-{number:03}",
                attributes={
                    "name": NAMES[number % len(NAMES)],
                    "email": f"{'ana' if number % 50 == 0 else 'someone'}@{number}.example.com",
                },
            )
        pool_id, client_id = local.user_pool_id, local.client_id
        async with UserPool(pool_id, client_id, endpoint_url=local.url, aws=aws) as pool:
            yield pool


async def main(where: UserFilter | None) -> None:
    async with some_pool() as pool:
        described = await pool.admin.describe_pool()
        print(f"{described.id} has about {described.estimated_users} users")
        shown = 0
        async for user in pool.admin.list_users(where):
            shown += 1
            if shown <= 5:
                print(f"  {user.username}: {user.attributes.get('name')}, {user.status}")
        print(f"{shown} users meet {where or 'no condition'}")


if __name__ == "__main__":
    try:
        condition = UserFilter.starts_with(sys.argv[1], sys.argv[2]) if sys.argv[2:] else None  # type: ignore[arg-type]
        anyio.run(main, condition)
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
