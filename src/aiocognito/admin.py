"""What administrators do: the operations that need IAM credentials.

A class of its own, reached as `UserPool.admin`: no call of a program that users run goes
through it, and nothing here is possible without the AWS credentials that the pool was given.
"""

from __future__ import annotations

from typing import NoReturn

from aiocognito._asking import Desk, Listing
from aiocognito._services import PoolServices
from aiocognito.admin_groups import AdminGroups
from aiocognito.admin_sign_in import AdminSignIn, SignIns
from aiocognito.admin_users import AdminUsers
from aiocognito.flow.admin import AdminCalls, checked_page
from aiocognito.flow.admin_reading import (
    read_client,
    read_client_summary,
    read_pool,
    read_pool_summary,
)
from aiocognito.flow.admin_values import (
    AppClientDescription,
    AppClientSummary,
    UserPoolDescription,
    UserPoolSummary,
)
from aiocognito.flow.calls import Call
from aiocognito.flow.members import structure

__all__ = ["Admin"]


class Admin(AdminUsers, AdminGroups, AdminSignIn):
    """A pool's administration, in calls signed with IAM credentials.

    Throttled calls are put off as long as the service asks, five times at most; one
    that is put off holds up the others, because the quota is one for all of them. Not so
    sign-ins, for which somebody waits.
    Cancelling a call leaves it unknown whether the service acted.

    Every method may also raise:

    - `Forbidden`: the credentials may not do this;
    - `CredentialsRejected`: AWS does not know them, or they have expired;
    - `LocalProtocolError`: there are none;
    - `Throttled` and `TransportError`: it has been tried often enough.
    """

    def __init__(self, services: PoolServices, sign_ins: SignIns) -> None:
        self._services = services
        desk, calls = Desk(services), AdminCalls(services.client.pool.text)
        AdminUsers.__init__(self, desk, calls)
        AdminGroups.__init__(self, desk, calls)
        AdminSignIn.__init__(self, sign_ins)

    # --- the pool ---

    async def describe_pool(self) -> UserPoolDescription:
        """Return the pool's configuration."""
        body = await self._desk.ask(self._calls.of_pool("DescribeUserPool"))
        return read_pool(structure(body, "UserPool"))

    async def describe_client(self, client_id: str | None = None) -> AppClientDescription:
        """Return an app client's configuration, its secret included.

        Args:
            client_id: Of this pool; the pool object's own client if left out.
        """
        wanted = self._services.client.client_id if client_id is None else client_id
        body = await self._desk.ask(self._calls.of_pool("DescribeUserPoolClient", ClientId=wanted))
        return read_client(structure(body, "UserPoolClient"))

    def list_clients(self, *, page_size: int = 60) -> Listing[AppClientSummary]:
        """List the pool's app clients."""
        call = self._calls.of_pool("ListUserPoolClients", MaxResults=checked_page(page_size))
        return Listing(
            self._desk,
            call,
            member="UserPoolClients",
            cursor="NextToken",
            read=read_client_summary,
        )

    def list_pools(self, *, page_size: int = 60) -> Listing[UserPoolSummary]:
        """List all user pools of the account in this region."""
        call = Call(
            operation="ListUserPools",
            parameters={"MaxResults": checked_page(page_size)},
            repeatable=True,
            signed=True,
        )
        return Listing(
            self._desk, call, member="UserPools", cursor="NextToken", read=read_pool_summary
        )

    # --- showing ---

    def __repr__(self) -> str:
        return f"<Admin of {self._services.client.pool.text}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An administration is not pickled; make a pool in each process.")
