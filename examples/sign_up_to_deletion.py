"""The whole life of an account: sign up, confirm, change, forget, recover, delete.

Runs against a local Cognito on this machine, which keeps the codes it would have sent in
an outbox, so that the program can read them as a person would read mail.

    python examples/sign_up_to_deletion.py
"""

from __future__ import annotations

from typing import Any

import anyio

from aiocognito import (
    IncorrectUsernameOrPassword,
    InvalidPassword,
    TriggerFailed,
    UserNotConfirmed,
    UserPool,
)
from aiocognito.testing import LocalCognito

NAME, PASSWORD, NEW_PASSWORD = "ana", "Correct-Horse-9!", "Battery-Staple-7!"


def only_our_domain(event: dict[str, Any]) -> dict[str, Any]:
    """Stands for a pre-sign-up Lambda trigger; it gets and returns AWS's event."""
    if not event["request"]["userAttributes"]["email"].endswith("@example.com"):
        raise ValueError("Email domain not allowed")
    return event


async def sign_up(pool: UserPool, local: LocalCognito) -> None:
    try:
        await pool.sign_up(NAME, PASSWORD, attributes={"email": "ana@elsewhere.org"})
    except TriggerFailed as refused:
        print(f"the {refused.trigger} trigger says: {refused.reason}")
    try:
        await pool.sign_up(NAME, "too-simple", attributes={"email": "ana@example.com"})
    except InvalidPassword as weak:
        print(f"the password lacks: {', '.join(weak.unmet)}")
    made = await pool.sign_up(NAME, PASSWORD, attributes={"email": "ana@example.com"})
    if made.delivery is not None:
        print(f"signed up; a code went by {made.delivery.medium} to {made.delivery.destination}")
    try:
        await pool.sign_in(NAME, PASSWORD)
    except UserNotConfirmed:
        await pool.resend_confirmation_code(NAME)
    await pool.confirm_sign_up(NAME, local.outbox[-1].code)
    print("confirmed")


async def change(pool: UserPool, local: LocalCognito) -> None:
    session = await pool.sign_in(NAME, PASSWORD)
    await session.update_attributes({"name": "Ana", "email": "ana@example.org"})
    user = await session.get_user()
    print(f"{user.attributes['email']} is verified: {user.is_verified('email')}")
    await session.verify_attribute("email", local.outbox[-1].code)
    user = await session.get_user()
    print(f"{user.attributes['email']} is verified: {user.is_verified('email')}")
    factors = await session.auth_factors()
    print(f"can sign in with: {', '.join(factors.configured)}")
    await session.sign_out()


async def recover(pool: UserPool, local: LocalCognito) -> None:
    delivery = await pool.forgot_password(NAME)
    if delivery is not None:
        print(f"forgot the password; a code went to {delivery.destination}")
    await pool.confirm_forgot_password(NAME, local.outbox[-1].code, NEW_PASSWORD)


async def delete(pool: UserPool) -> None:
    session = await pool.sign_in(NAME, NEW_PASSWORD)
    await session.delete_user()
    try:
        await pool.sign_in(NAME, NEW_PASSWORD)
    except IncorrectUsernameOrPassword:
        print("deleted; nobody of that name can sign in")


async def main() -> None:
    async with LocalCognito(client_secret=True) as local:
        local.pool.triggers["PreSignUp"] = only_our_domain
        async with UserPool(
            local.user_pool_id,
            local.client_id,
            client_secret=local.client_secret,
            endpoint_url=local.url,
        ) as pool:
            await sign_up(pool, local)
            await change(pool, local)
            await recover(pool, local)
            await delete(pool)


if __name__ == "__main__":
    anyio.run(main)
