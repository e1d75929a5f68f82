"""AWS credentials for a guest, for two providers at once, and for one's own users.

Runs by itself on a local Cognito with an STS of its own: nothing here reaches AWS, and
the credentials open nothing. Against AWS the same calls need an identity pool that allows
guests and the classic flow, and a developer provider name.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio
from aiobotocore.session import AioSession

from aiocognito import AwsIdentity, BasicFlow, IdentityPool, UserPool, logins
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito, LocalRole

ROLE = "arn:aws:iam::000000000000:role/visitor"
PROVIDER = "login.example"
ONE_BUCKET = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::museum/*"}
    ],
}


async def main() -> None:
    keys = {"AKIABACKEND00000001": "a-secret-of-the-back-end"}
    async with LocalCognito(classic_flow=True, developer_provider=PROVIDER, aws_keys=keys) as local:
        local.identity_pool.add_role(LocalRole(arn=ROLE))
        backend = AioSession()
        backend.set_credentials(*next(iter(keys.items())))
        async with IdentityPool(
            local.identity_pool_id, endpoint_url=local.url, aws=backend
        ) as identities:
            await as_a_guest(identities)
            await with_two_providers(identities, local)
            await as_ones_own_user(identities)


async def as_a_guest(identities: IdentityPool) -> None:
    """A guest that is the same one at the next start, with fifteen minutes and one bucket."""
    flow = BasicFlow(ROLE, duration=900, session_name="museum", policy=ONE_BUCKET)
    with tempfile.TemporaryDirectory() as folder:
        store = FileTokenStore(Path(folder) / "guests")
        first = identities.guest(store=store, flow=flow)
        await show("guest", first)
        again = identities.guest(store=store, flow=flow)
        same = await again.identity_id() == await first.identity_id()
        print(f"  the same guest at the next start: {'yes' if same else 'no'}")


async def with_two_providers(identities: IdentityPool, local: LocalCognito) -> None:
    """A user of the user pool who also has an account at Google: one identity."""
    local.add_user("ana", "Correct-Horse-9!")
    google = local.identity_pool.add_provider("accounts.google.com")

    async def google_token() -> str:
        return google.token("ana@google")  # yours would ask Google for a current one

    async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
        session = await pool.sign_in("ana", "Correct-Horse-9!")
        both = identities.for_logins(logins.session(session) | logins.google(google_token))
        await show("ana, twice", both)
        alone = identities.for_logins(logins.google(google_token))
        same = await alone.identity_id() == await both.identity_id()
        print(f"  the same with Google alone: {'yes' if same else 'no'}")


async def as_ones_own_user(identities: IdentityPool) -> None:
    """A user whom this program has signed in by itself, with a tag for policies."""
    await show(
        "own user",
        identities.for_developer_user({PROVIDER: "customer-7"}, principal_tags={"plan": "gold"}),
    )


async def show(who: str, identity: AwsIdentity) -> None:
    credentials = await identity.credentials()
    print(f"{who}: {credentials.access_key_id} until {credentials.expires_at:%H:%M:%S} UTC")
    print(f"  as {credentials.identity_id}")


if __name__ == "__main__":
    anyio.run(main)
