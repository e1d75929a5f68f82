"""Groups, and the pool and its clients as administrators see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from aiocognito.testing import descriptions
from aiocognito.testing.admin_paging import page
from aiocognito.testing.admin_subjects import described, named_user
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import Group

__all__ = ["AdminDescriptions", "GroupOperations", "list_user_pools"]

Handler = Callable[[Mapping[str, Any]], Answer]


@frozen
class GroupOperations:
    """Answers the operations about groups and who is in them."""

    state: PoolState

    def table(self) -> Mapping[str, Handler]:
        """Return what answers which operation."""
        return {
            "CreateGroup": self.create,
            "GetGroup": self.get,
            "UpdateGroup": self.update,
            "DeleteGroup": self.delete,
            "ListGroups": self.list_groups,
            "AdminAddUserToGroup": self.add_user,
            "AdminRemoveUserFromGroup": self.remove_user,
            "AdminListGroupsForUser": self.groups_of_user,
            "ListUsersInGroup": self.users_in_group,
        }

    def create(self, request: Mapping[str, Any]) -> Answer:
        """Answer CreateGroup."""
        name = request["GroupName"]
        if name in self.state.groups:
            raise PoolError("GroupExistsException", f"A group with the name {name} already exists.")
        group = Group(name=name, **_facts(request), created_at=self.state.clock.wall())
        self.state.groups[name] = group
        return {"Group": self._described(group)}

    def get(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetGroup."""
        return {"Group": self._described(self._named(request))}

    def update(self, request: Mapping[str, Any]) -> Answer:
        """Answer UpdateGroup; what is not given stays."""
        now = self.state.clock.wall()
        group = evolve(self._named(request), **_facts(request), modified_at=now)
        self.state.groups[group.name] = group
        return {"Group": self._described(group)}

    def delete(self, request: Mapping[str, Any]) -> Answer:
        """Answer DeleteGroup."""
        group = self._named(request)
        for user in self.state.users:
            if group.name in user.groups:
                user.groups.remove(group.name)
        del self.state.groups[group.name]
        return {}

    def list_groups(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListGroups."""
        return self._page(self.state.groups.values(), request)

    # --- membership ---

    def add_user(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminAddUserToGroup; once more changes nothing."""
        user, group = named_user(self.state, request), self._named(request)
        if group.name not in user.groups:
            user.groups.append(group.name)
        return {}

    def remove_user(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminRemoveUserFromGroup; once more changes nothing."""
        user, group = named_user(self.state, request), self._named(request)
        if group.name in user.groups:
            user.groups.remove(group.name)
        return {}

    def groups_of_user(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminListGroupsForUser."""
        user = named_user(self.state, request)
        return self._page((self.state.groups[name] for name in user.groups), request)

    def users_in_group(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListUsersInGroup."""
        group = self._named(request)
        members = [user for user in self.state.users if group.name in user.groups]
        users, more = page(members, request, key=lambda user: user.username)
        return {"Users": [described(user) for user in users], **more}

    # --- inside ---

    def _named(self, request: Mapping[str, Any]) -> Group:
        try:
            return self.state.groups[request["GroupName"]]
        except KeyError:
            raise PoolError("ResourceNotFoundException", "Group not found.") from None

    def _page(self, groups: Iterable[Group], request: Mapping[str, Any]) -> Answer:
        shown, more = page(groups, request, key=lambda group: group.name)
        return {"Groups": [self._described(group) for group in shown], **more}

    def _described(self, group: Group) -> Answer:
        facts = {
            "GroupName": group.name,
            "UserPoolId": self.state.settings.pool.text,
            "Description": group.description,
            "RoleArn": group.role_arn,
            "Precedence": group.precedence,
            "CreationDate": group.created_at,
            "LastModifiedDate": group.modified_at or group.created_at,
        }
        return {name: value for name, value in facts.items() if value is not None}


def _facts(request: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Description": "description", "RoleArn": "role_arn", "Precedence": "precedence"}
    return {ours: request[theirs] for theirs, ours in names.items() if theirs in request}


@frozen
class AdminDescriptions:
    """Answers what the pool and its clients are."""

    state: PoolState

    def table(self) -> Mapping[str, Handler]:
        """Return what answers which operation."""
        return {
            "DescribeUserPool": self.pool,
            "DescribeUserPoolClient": self.client,
            "GetUserPoolMfaConfig": self.mfa,
            "ListUserPoolClients": self.clients,
            "ListUserPools": self.pools,
        }

    def pool(self, request: Mapping[str, Any]) -> Answer:
        """Answer DescribeUserPool."""
        settings, users = self.state.settings, len(self.state.users)
        return {"UserPool": descriptions.user_pool(settings, users=users)}

    def mfa(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetUserPoolMfaConfig."""
        return descriptions.mfa_configuration(self.state.settings)

    def pools(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListUserPools as the only pool there is."""
        settings = self.state.settings
        return list_user_pools([(settings.pool.text, settings.name)], request)

    def client(self, request: Mapping[str, Any]) -> Answer:
        """Answer DescribeUserPoolClient."""
        client = self.state.client(request["ClientId"])
        return {"UserPoolClient": client.description(self.state.settings.pool.text)}

    def clients(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListUserPoolClients."""
        found, more = page(
            self.state.clients.values(),
            request,
            key=lambda client: client.client_id,
            limit="MaxResults",
        )
        pool_id = self.state.settings.pool.text
        listed = [
            {"ClientId": client.client_id, "UserPoolId": pool_id, "ClientName": client.name}
            for client in found
        ]
        return {"UserPoolClients": listed, **more}


def list_user_pools(pools: Iterable[tuple[str, str]], request: Mapping[str, Any]) -> Answer:
    """Answer ListUserPools, which is about no pool in particular, from ids and names."""
    found, more = page(pools, request, key=lambda pool: pool[0], limit="MaxResults")
    return {"UserPools": [{"Id": pool_id, "Name": name} for pool_id, name in found], **more}
