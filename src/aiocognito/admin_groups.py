"""Groups and who is in them."""

from __future__ import annotations

from aiocognito._asking import Desk, Listing
from aiocognito.flow.admin import AdminCalls, checked_group, checked_page
from aiocognito.flow.admin_reading import read_group, read_user
from aiocognito.flow.admin_values import AdminUser, Group
from aiocognito.flow.calls import Call
from aiocognito.flow.members import structure

__all__ = ["AdminGroups"]


class AdminGroups:
    """The part of `Admin` about groups.

    Every method that names a group raises `ResourceNotFound` where there is none. Users
    see a change in their claims at the next refresh.
    """

    def __init__(self, desk: Desk, calls: AdminCalls) -> None:
        self._desk = desk
        self._calls = calls

    async def create_group(
        self,
        name: str,
        *,
        description: str | None = None,
        role_arn: str | None = None,
        precedence: int | None = None,
    ) -> Group:
        """Create a group.

        Args:
            name: Shows up in the claim ``cognito:groups``.
            description: For people.
            role_arn: An IAM role for ``cognito:roles``.
            precedence: From 0; the lower, the more the role counts.

        Raises:
            GroupExists: The name is taken.
        """
        return await self._ask(
            "CreateGroup",
            name,
            repeatable=False,
            Description=description,
            RoleArn=role_arn,
            Precedence=precedence,
        )

    async def get_group(self, name: str) -> Group:
        """Return one group."""
        return await self._ask("GetGroup", name)

    async def update_group(
        self,
        name: str,
        *,
        description: str | None = None,
        role_arn: str | None = None,
        precedence: int | None = None,
    ) -> Group:
        """Change what is given; the rest stays."""
        return await self._ask(
            "UpdateGroup", name, Description=description, RoleArn=role_arn, Precedence=precedence
        )

    async def delete_group(self, name: str) -> None:
        """Delete a group; its users stay."""
        await self._desk.ask(self._calls.of_group("DeleteGroup", name, repeatable=False))

    def list_groups(self, *, page_size: int = 60) -> Listing[Group]:
        """List the pool's groups."""
        return self._groups(self._calls.of_pool("ListGroups", Limit=checked_page(page_size)))

    # --- membership ---

    async def add_to_group(self, username: str, group: str) -> None:
        """Put a user into a group; doing it twice changes nothing.

        Raises:
            UserNotFound: There is no such user.
        """
        await self._change("AdminAddUserToGroup", username, group)

    async def remove_from_group(self, username: str, group: str) -> None:
        """Take a user out of a group.

        Raises:
            UserNotFound: There is no such user.
        """
        await self._change("AdminRemoveUserFromGroup", username, group)

    def groups_of(self, username: str, *, page_size: int = 60) -> Listing[Group]:
        """List the groups a user is in."""
        limit = checked_page(page_size)
        return self._groups(self._calls.of_user("AdminListGroupsForUser", username, Limit=limit))

    def users_in(self, group: str, *, page_size: int = 60) -> Listing[AdminUser]:
        """List the users in a group."""
        call = self._calls.of_group("ListUsersInGroup", group, Limit=checked_page(page_size))
        return Listing(self._desk, call, member="Users", cursor="NextToken", read=read_user)

    # --- inside ---

    async def _ask(
        self, operation: str, name: str, *, repeatable: bool = True, **members: object
    ) -> Group:
        call = self._calls.of_group(operation, name, repeatable=repeatable, **members)
        return read_group(structure(await self._desk.ask(call), "Group"))

    async def _change(self, operation: str, username: str, group: str) -> None:
        name = checked_group(group)
        await self._desk.ask(self._calls.of_user(operation, username, GroupName=name))

    def _groups(self, call: Call) -> Listing[Group]:
        return Listing(self._desk, call, member="Groups", cursor="NextToken", read=read_group)
