"""The signed operations of a local identity pool: developer identities, principal tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from aiocognito.testing.constraints import Flag, Number, Rule, Text, TextMap, check, needed
from aiocognito.testing.identity_directory import Identity, IdentityDirectory
from aiocognito.testing.openid_tokens import OpenIdDesk, principal_tags
from aiocognito.testing.service_errors import PoolError, invalid_parameter, unknown_operation

__all__ = ["SIGNED_OPERATIONS", "DeveloperOperations"]

_DEVELOPER_TOKEN_LIFETIME = 900
_MAX_TAGS = 50

_ID = Text(min=1, max=55, pattern=r"[\w-]+:[0-9a-f-]+")
_POOL: dict[str, Rule] = {"IdentityPoolId": needed(_ID)}
_USER = Text(min=1, max=1024)
_PROVIDER = Text(min=1, max=128, pattern=r"[\w._-]+", required=True)
_NAME = Text(min=1, max=128, required=True)

SIGNED_OPERATIONS: Mapping[str, Mapping[str, Rule]] = {
    "GetOpenIdTokenForDeveloperIdentity": {
        **_POOL,
        "IdentityId": _ID,
        "Logins": TextMap(secret=True, required=True),
        "PrincipalTags": TextMap(),
        "TokenDuration": Number(min=1, max=86_400),
    },
    "LookupDeveloperIdentity": {
        **_POOL,
        "IdentityId": _ID,
        "DeveloperUserIdentifier": _USER,
        "MaxResults": Number(min=1, max=60),
        "NextToken": Text(min=1, max=65_535, pattern=r"[\S]+"),
    },
    "MergeDeveloperIdentities": {
        **_POOL,
        "SourceUserIdentifier": needed(_USER),
        "DestinationUserIdentifier": needed(_USER),
        "DeveloperProviderName": _PROVIDER,
    },
    "UnlinkDeveloperIdentity": {
        **_POOL,
        "IdentityId": needed(_ID),
        "DeveloperProviderName": _PROVIDER,
        "DeveloperUserIdentifier": needed(_USER),
    },
    "GetPrincipalTagAttributeMap": {**_POOL, "IdentityProviderName": _NAME},
    "SetPrincipalTagAttributeMap": {
        **_POOL,
        "IdentityProviderName": _NAME,
        "UseDefaults": Flag(),
        "PrincipalTags": TextMap(),
    },
}
"""What the service checks of their requests; a test compares it with the model."""


@define
class DeveloperOperations:
    """Answers them.

    Attributes:
        provider: The developer provider's name, or None where the pool has none.
        tag_maps: (use defaults, tag to claim) by provider name.
    """

    directory: IdentityDirectory
    openid: OpenIdDesk
    provider: str | None
    tag_maps: dict[str, tuple[bool, dict[str, str]]] = field(factory=dict)

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call. Raises `PoolError`."""
        answers: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "GetOpenIdTokenForDeveloperIdentity": self._token,
            "LookupDeveloperIdentity": self._look_up,
            "MergeDeveloperIdentities": self._merge,
            "UnlinkDeveloperIdentity": self._unlink,
            "GetPrincipalTagAttributeMap": self._tag_map,
            "SetPrincipalTagAttributeMap": self._set_tag_map,
        }
        if operation not in answers:
            raise unknown_operation(operation)
        request = check(operation, parameters, SIGNED_OPERATIONS)
        pool_id = request["IdentityPoolId"]
        if pool_id != self.openid.identity_pool_id:
            raise PoolError("ResourceNotFoundException", f"IdentityPool '{pool_id}' not found.")
        return answers[operation](request)

    def tags_for(self, provider: str, claims: Mapping[str, Any]) -> dict[str, str]:
        """Return the principal tags that a verified login brings."""
        if provider == self.openid.provider:
            return principal_tags(claims)
        use_defaults, tags = self.tag_maps.get(provider, (False, {}))
        wanted = {"username": "sub", "client": "aud"} if use_defaults else tags
        return {tag: str(claims[claim]) for tag, claim in wanted.items() if claim in claims}

    # --- developer identities ---

    def _token(self, request: Mapping[str, Any]) -> dict[str, Any]:
        logins, tags = request["Logins"], request.get("PrincipalTags", {})
        if list(logins) != [self.provider]:
            raise invalid_parameter(
                "Please provide a valid developer provider name for this pool."  # our words
            )
        if len(tags) > _MAX_TAGS:
            raise invalid_parameter("PrincipalTags has more than 50 members.")
        keys = list(logins.items())
        known, asked = self.directory.known(keys), self._asked(request)
        if known is not None and asked is not None and known is not asked:
            if asked.logins:
                raise PoolError(
                    "DeveloperUserAlreadyRegisteredException",
                    "The developer user identifier belongs to another identity.",
                )
            asked.closed = True
        identity = known or asked or self.directory.new()
        # Its own tokens are a login too: they are what the user's program brings.
        self.directory.link(identity, [*keys, (self.openid.provider, identity.identity_id)])
        token = self.openid.issue(
            identity.identity_id,
            logins,
            lifetime=request.get("TokenDuration", _DEVELOPER_TOKEN_LIFETIME),
            tags=tags,
        )
        return {"IdentityId": identity.identity_id, "Token": token}

    def _asked(self, request: Mapping[str, Any]) -> Identity | None:
        identity_id = request.get("IdentityId")
        return None if identity_id is None else self.directory.get(identity_id)

    def _look_up(self, request: Mapping[str, Any]) -> dict[str, Any]:
        user, asked = request.get("DeveloperUserIdentifier"), self._asked(request)
        if user is None and asked is None:
            raise invalid_parameter("Please provide an identity id or a developer user identifier.")
        found = asked if user is None else self._of_user(user)
        if found is None or (asked is not None and asked is not found):
            code = "ResourceConflictException" if found is not None else "ResourceNotFoundException"
            raise PoolError(code, "The developer user identifier is not of this identity.")
        users = sorted(name for provider, name in found.logins if provider == self.provider)
        token, size = request.get("NextToken", "0"), request.get("MaxResults", 60)
        if not re.fullmatch(r"[0-9]{1,6}", token):
            raise invalid_parameter("Invalid NextToken.")  # our words
        start = int(token)
        more = {"NextToken": str(start + size)} if len(users) > start + size else {}
        return {
            "IdentityId": found.identity_id,
            "DeveloperUserIdentifierList": users[start : start + size],
            **more,
        }

    def _merge(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._check_provider(request["DeveloperProviderName"])
        source, into = (
            self._of_user(request[name])
            for name in ("SourceUserIdentifier", "DestinationUserIdentifier")
        )
        if source is None or into is None:
            raise PoolError("ResourceNotFoundException", "Developer user not found.")
        if source is not into:
            self.directory.merge(source, into)
        return {"IdentityId": into.identity_id}

    def _unlink(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._check_provider(request["DeveloperProviderName"])
        identity = self.directory.get(request["IdentityId"])
        key = (request["DeveloperProviderName"], request["DeveloperUserIdentifier"])
        if key not in identity.logins:
            raise PoolError("ResourceNotFoundException", "Developer user not found.")
        self.directory.unlink(identity, [key])
        return {}

    def _of_user(self, user: str) -> Identity | None:
        return self.directory.known([(self.provider or "", user)])

    def _check_provider(self, name: str) -> None:
        if name != self.provider:
            raise PoolError("ResourceNotFoundException", "Developer provider not found.")

    # --- principal tags ---

    def _tag_map(self, request: Mapping[str, Any]) -> dict[str, Any]:
        provider = request["IdentityProviderName"]
        if provider not in self.tag_maps:
            raise PoolError(
                "ResourceNotFoundException",
                f"No Principal Tags configured for Provider {provider}",
            )
        use_defaults, tags = self.tag_maps[provider]
        return {
            "IdentityPoolId": self.openid.identity_pool_id,
            "IdentityProviderName": provider,
            "UseDefaults": use_defaults,
            "PrincipalTags": tags,
        }

    def _set_tag_map(self, request: Mapping[str, Any]) -> dict[str, Any]:
        tags = request.get("PrincipalTags", {})
        if len(tags) > _MAX_TAGS:
            raise invalid_parameter("PrincipalTags has more than 50 members.")
        self.tag_maps[request["IdentityProviderName"]] = (request.get("UseDefaults", False), tags)
        return self._tag_map(request)
