"""What the owner of an identity pool does: the operations that need IAM credentials.

A class of its own, reached as `IdentityPool.admin`: no call of a user or guest goes
through it, and nothing here is possible without AWS credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from aiocognito._identities import Wire
from aiocognito.errors import InvalidType
from aiocognito.flow.calls import Call
from aiocognito.flow.developer_identity import (
    DeveloperIdentity,
    PrincipalTagMap,
    checked_developer_provider,
    checked_tags,
    checked_user,
    checked_users,
    developer_token_call,
    read_developer_identity,
    read_tag_map,
    signed_call,
)
from aiocognito.flow.identity import (
    OpenIdToken,
    checked_identity_id,
    checked_provider,
    read_identity_id,
)
from aiocognito.flow.web_identity import read_openid_token

__all__ = ["IdentityAdmin"]


class IdentityAdmin:
    """Developer identities and principal tags of one identity pool.

    A developer identity is a user whom your own program has signed in. The program's
    back end vouches for the user, under the developer provider name that is configured
    in the identity pool.

    Every method may also raise:

    - `Forbidden`: the credentials may not do this;
    - `CredentialsRejected`: AWS does not know them, or they have expired;
    - `LocalProtocolError`: there are none;
    - `ResourceNotFound`, `NotAuthorized`, `Throttled` and `TransportError`.

    Cancelling a call leaves it unknown whether the service acted.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def openid_token(
        self,
        logins: Mapping[str, str],
        *,
        identity_id: str | None = None,
        duration: int | None = None,
        principal_tags: Mapping[str, str] | None = None,
    ) -> OpenIdToken:
        """Vouch for a user and return identity and OpenID token.

        Hand both to the user's program, which gives them to `logins.developer` and
        `IdentityPool.for_logins`. Whoever has the token is the user while it lives.

        Args:
            logins: Developer provider to user identifier. Several become one identity.
            identity_id: Link the user to this identity, a guest's for example.
            duration: Seconds the token lives, up to 86400; 15 minutes if left out.
            principal_tags: Tags of the credentials, for policies to look at. The role's
                trust policy must allow ``sts:TagSession``.

        Raises:
            InvalidArgument: Something the service does not take.
            ResourceConflict: The user belongs to another identity already.
        """
        call = developer_token_call(
            self._wire.identity_pool_id,
            checked_users(logins),
            identity_id=None if identity_id is None else checked_identity_id(identity_id),
            duration=duration,
            principal_tags=principal_tags,
        )
        return (await self._wire.ask(call, read_openid_token)).value

    async def look_up(
        self,
        *,
        user: str | None = None,
        identity_id: str | None = None,
        page_size: int = 60,
        next_token: str | None = None,
    ) -> DeveloperIdentity:
        """Return the identity of a user, or the users of an identity.

        Args:
            user: A user identifier. With an identity's id beside it the service checks
                that both belong together.
            identity_id: An identity of this pool.
            page_size: Users in one answer, up to 60.
            next_token: `DeveloperIdentity.next_token` of the answer before.
        """
        members: dict[str, Any] = {"MaxResults": page_size}
        if user is not None:
            members["DeveloperUserIdentifier"] = checked_user(user)
        if identity_id is not None:
            members["IdentityId"] = checked_identity_id(identity_id)
        if next_token is not None:
            members["NextToken"] = next_token
        call = self._call("LookupDeveloperIdentity", repeatable=True, **members)
        return (await self._wire.ask(call, lambda reply: read_developer_identity(reply.body))).value

    async def merge(self, provider: str, *, source: str, destination: str) -> str:
        """Merge two users of a provider into one identity and return its id.

        Args:
            provider: The developer provider of both.
            source: The user whose identity goes.
            destination: The user whose identity stays.
        """
        call = self._call(
            "MergeDeveloperIdentities",
            DeveloperProviderName=checked_developer_provider(provider),
            SourceUserIdentifier=checked_user(source),
            DestinationUserIdentifier=checked_user(destination),
        )
        return (await self._wire.ask(call, read_identity_id)).value

    async def unlink(self, identity_id: str, *, provider: str, user: str) -> None:
        """Take a user off an identity; the user is a new one at the next sign-in."""
        call = self._call(
            "UnlinkDeveloperIdentity",
            repeatable=True,
            IdentityId=checked_identity_id(identity_id),
            DeveloperProviderName=checked_developer_provider(provider),
            DeveloperUserIdentifier=checked_user(user),
        )
        await self._wire.ask(call, lambda reply: None)

    async def tag_map(self, provider: str) -> PrincipalTagMap:
        """Return which claims of a provider's tokens become principal tags.

        Args:
            provider: As in ``Logins``, such as ``cognito-idp.<region>…/<pool id>``.
        """
        call = self._call(
            "GetPrincipalTagAttributeMap",
            repeatable=True,
            IdentityProviderName=checked_provider(provider, "provider"),
        )
        return await self._tags(call, provider)

    async def set_tag_map(
        self, provider: str, tags: Mapping[str, str] | None = None, *, use_defaults: bool = False
    ) -> PrincipalTagMap:
        """Say which claims of a provider's tokens become principal tags.

        Name the claims in `IdentityPool`'s ``rights_claims``, too: then credentials are
        renewed when one of them changes.

        Args:
            provider: As in ``Logins``.
            tags: Tag to claim. None is none.
            use_defaults: Map ``aud`` and ``sub`` as AWS does.
        """
        if not isinstance(use_defaults, bool):
            raise InvalidType("use_defaults", "a bool", use_defaults)
        call = self._call(
            "SetPrincipalTagAttributeMap",
            repeatable=True,
            IdentityProviderName=checked_provider(provider, "provider"),
            UseDefaults=use_defaults,
            PrincipalTags=checked_tags(tags or {}),
        )
        return await self._tags(call, provider)

    async def _tags(self, call: Call, provider: str) -> PrincipalTagMap:
        answer = await self._wire.ask(call, lambda reply: read_tag_map(reply.body, provider))
        return answer.value

    def _call(self, operation: str, *, repeatable: bool = False, **members: Any) -> Call:
        return signed_call(self._wire.identity_pool_id, operation, repeatable=repeatable, **members)

    def __repr__(self) -> str:
        return f"<IdentityAdmin of {self._wire.identity_pool_id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An administration is not pickled; make a pool in each process.")
