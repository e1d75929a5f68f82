"""A local user pool from the template that makes the real one.

Reads the resources ``AWS::Cognito::UserPool``, ``UserPoolClient`` and ``UserPoolDomain`` of a
CloudFormation or SAM template that was loaded into a dict (by `json`, or a YAML loader
that knows ``!Ref``). Pure: it reads no file and asks nobody.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.draws import Entropy
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.settings import STANDARD_ATTRIBUTES
from aiocognito.testing.user_pool import LocalUserPool

__all__ = ["TemplatePools", "pools_from_template"]

_KIND = "AWS::Cognito::"
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_PLACE = re.compile(r"\$\{(\w+)\}", re.ASCII)
_OLD_FLOWS = {
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "CUSTOM_AUTH_FLOW_ONLY": "ALLOW_CUSTOM_AUTH",
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
}
_POLICY = {
    "MinimumLength": "minimum_length",
    "RequireUppercase": "require_uppercase",
    "RequireLowercase": "require_lowercase",
    "RequireNumbers": "require_numbers",
    "RequireSymbols": "require_symbols",
    "PasswordHistorySize": "history_size",
    "TemporaryPasswordValidityDays": "temporary_validity_days",
}
_TWO_FACTORS = "MULTI_FACTOR_WITH_USER_VERIFICATION"


@frozen(kw_only=True)
class TemplatePools:
    """What a template describes.

    Attributes:
        pools: By logical id. Serve one with `LocalCognito.add_user_pool`, or answer calls
            with `LocalUserPool.handle`.
        clients: The app clients by logical id, each in its pool already.
        ignored: Properties the local pool has nothing for, such as
            ``UserPool.LambdaConfig``: give it Python functions in `LocalUserPool.triggers`.
    """

    pools: Mapping[str, LocalUserPool]
    clients: Mapping[str, LocalClient]
    ignored: tuple[str, ...]


def pools_from_template(
    template: Mapping[str, Any],
    *,
    parameters: Mapping[str, str] | None = None,
    region: str = "eu-west-1",
    clock: Clock = SYSTEM_CLOCK,
    entropy: Entropy = secrets.token_bytes,
) -> TemplatePools:
    """Build local user pools and app clients from a template.

    What it leaves out has the local pool's default, but for MFA and automatic
    verification, which are off. ``Ref`` and ``Fn::Sub`` are filled in from `parameters`
    and the defaults of the template's own.

    Args:
        template: With ``Resources``, and ``Parameters`` if it has some.
        parameters: Values by name.
        region: Part of the pools' ids.
        clock: Where the pools read the time.
        entropy: Where they draw from.

    Raises:
        InvalidType: Not such a mapping.
        InvalidArgument: A value the local pool cannot have, or one that only
            CloudFormation can compute; it names the property.
    """
    found = _Template(template, parameters or {})
    domains = {
        found.pool_of(name): found.value(name, "Domain")
        for name, _ in found.resources("UserPoolDomain")
    }
    pools, clients = {}, {}
    for number, (name, _) in enumerate(found.resources("UserPool"), 1):
        pools[name] = LocalUserPool(
            f"{region}_Template{number}",
            clock=clock,
            entropy=entropy,
            domain=domains.get(name),
            **found.pool_options(name),
        )
    for name, _ in found.resources("UserPoolClient"):
        owner = found.pool_of(name)
        if owner not in pools:
            raise InvalidArgument(f"{name}.UserPoolId", "a Ref to a user pool of the template")
        clients[name] = pools[owner].add_client(**found.client_options(name))
    return TemplatePools(pools=pools, clients=clients, ignored=tuple(found.ignored()))


@frozen
class _Template:
    """Reads properties and notes which were read."""

    _template: Mapping[str, Any]
    _parameters: Mapping[str, str]
    _read: set[tuple[str, str]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self._template, Mapping):
            raise InvalidType("template", "a mapping with Resources", self._template)
        if not isinstance(self._template.get("Resources"), Mapping):
            raise InvalidArgument("template", "a mapping with Resources")

    # --- resources and their properties ---

    def resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, resource in self._template["Resources"].items():
            if isinstance(resource, Mapping) and resource.get("Type") == _KIND + kind:
                yield name, resource.get("Properties") or {}

    def ignored(self) -> Iterator[str]:
        for kind in ("UserPool", "UserPoolClient", "UserPoolDomain"):
            for name, properties in self.resources(kind):
                for key in properties:
                    if (name, key) not in self._read:
                        yield f"{name}.{key}"

    def value(self, name: str, key: str, default: Any = None) -> Any:
        """Return a property with everything in it filled in."""
        self._read.add((name, key))
        given = self._properties(name).get(key)
        return default if given is None else self._filled(given, f"{name}.{key}")

    def pool_of(self, name: str) -> str:
        """Return the logical id of the pool that a resource belongs to."""
        self._read.add((name, "UserPoolId"))
        match self._properties(name).get("UserPoolId"):
            case {"Ref": str(owner)}:
                return owner
            case other:
                return str(other)

    def _properties(self, name: str) -> Mapping[str, Any]:
        return self._template["Resources"][name].get("Properties") or {}

    def _filled(self, value: Any, where: str) -> Any:
        match value:
            case {"Ref": str(name)} if len(value) == 1:
                return self._parameter(name, where)
            case {"Fn::Sub": str(text)} if len(value) == 1:
                return _PLACE.sub(lambda place: str(self._parameter(place[1], where)), text)
            case {} if len(value) == 1 and str(next(iter(value))).startswith("Fn::"):
                raise InvalidArgument(where, "text, Ref or Fn::Sub of parameters")
            case Mapping():
                return {key: self._filled(inner, f"{where}.{key}") for key, inner in value.items()}
            case list():
                return [self._filled(inner, where) for inner in value]
            case _:
                return value

    def _parameter(self, name: str, where: str) -> Any:
        declared = (self._template.get("Parameters") or {}).get(name) or {}
        value = self._parameters.get(name, declared.get("Default"))
        if value is None:
            raise InvalidArgument(where, f"known: give parameters a value for {name}")
        return value

    # --- what they mean here ---

    def pool_options(self, name: str) -> dict[str, Any]:
        def get(key: str, default: Any = None) -> Any:
            return self.value(name, key, default)

        mfa = get("MfaConfiguration", "OFF")
        options: dict[str, Any] = {
            "name": get("UserPoolName", name),
            "username_attributes": get("UsernameAttributes", ()),
            "alias_attributes": get("AliasAttributes", ()),
            "case_sensitive": _flag(get("UsernameConfiguration", {}).get("CaseSensitive")),
            "mfa": mfa,
            "mfa_methods": get("EnabledMfas", ("SMS_MFA",) if mfa != "OFF" else ()),
            "auto_verified_attributes": get("AutoVerifiedAttributes", ()),
            "verified_before_update": get("UserAttributeUpdateSettings", {}).get(
                "AttributesRequireVerificationBeforeUpdate", ()
            ),
            "self_sign_up": not _flag(
                get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly")
            ),
            **_schema(get("Schema", ()), f"{name}.Schema"),
            **_policies(get("Policies", {})),
            **_devices(get("DeviceConfiguration")),
            "relying_party": get("WebAuthnRelyingPartyID"),
            "user_verification": get("WebAuthnUserVerification", "preferred"),
            "passkey_mfa": get("WebAuthnFactorConfiguration") == _TWO_FACTORS,
        }
        ways = get("AccountRecoverySetting", {}).get("RecoveryMechanisms") or ()
        if ways:
            best_first = sorted(ways, key=lambda way: int(way["Priority"]))
            options["recovery"] = [way["Name"] for way in best_first]
        return options

    def client_options(self, name: str) -> dict[str, Any]:
        def get(key: str, default: Any = None) -> Any:
            return self.value(name, key, default)

        units = get("TokenValidityUnits", {})
        rotation = get("RefreshTokenRotation", {})
        flows = get("ExplicitAuthFlows")
        options: dict[str, Any] = {
            "name": get("ClientName", name),
            "secret": _flag(get("GenerateSecret")),
            "explicit_auth_flows": flows and [_OLD_FLOWS.get(flow, flow) for flow in flows],
            "prevent_user_existence_errors": get("PreventUserExistenceErrors") == "ENABLED",
            "auth_session_validity": 60.0 * float(get("AuthSessionValidity", 3)),
            "rotation": rotation.get("Feature") == "ENABLED",
            "rotation_grace": float(rotation.get("RetryGracePeriodSeconds", 0)),
            "token_revocation": _flag(get("EnableTokenRevocation", True)),
            "read_attributes": get("ReadAttributes"),
            "write_attributes": get("WriteAttributes"),
        }
        for key, argument, unit in (
            ("AccessToken", "access_token_validity", "hours"),
            ("IdToken", "id_token_validity", "hours"),
            ("RefreshToken", "refresh_token_validity", "days"),
        ):
            validity = get(f"{key}Validity")
            if validity is not None:
                options[argument] = int(validity) * _UNITS[units.get(key, unit)]
        return options


def _schema(entries: Any, where: str) -> dict[str, Any]:
    named = {str(entry.get("Name")): entry for entry in entries}
    if any(":" in name for name in named):
        # The service adds the prefix itself; with it the attribute has two.
        raise InvalidArgument(where, "attributes named without 'custom:'")
    return {
        "custom_attributes": [name for name in named if name not in STANDARD_ATTRIBUTES],
        "required_attributes": [_whole(n) for n, e in named.items() if _flag(e.get("Required"))],
        "immutable_attributes": [
            _whole(n) for n, e in named.items() if not _flag(e.get("Mutable", True))
        ],
    }


def _whole(name: str) -> str:
    return name if name in STANDARD_ATTRIBUTES else f"custom:{name}"


def _policies(given: Mapping[str, Any]) -> dict[str, Any]:
    rules = given.get("PasswordPolicy") or {}
    known = {_POLICY[key]: _number_or_flag(value) for key, value in rules.items() if key in _POLICY}
    factors = (given.get("SignInPolicy") or {}).get("AllowedFirstAuthFactors")
    options: dict[str, Any] = {"password_policy": PasswordPolicy(**known)}
    return options | ({"first_factors": factors} if factors else {})


def _devices(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {}
    asks = _flag(given.get("DeviceOnlyRememberedOnUserPrompt"))
    return {
        "device_tracking": "OPT_IN" if asks else "ALWAYS",
        "device_replaces_mfa": _flag(given.get("ChallengeRequiredOnNewDevice")),
    }


def _flag(value: Any) -> bool:
    """Read a boolean; YAML and parameters write some as text."""
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def _number_or_flag(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if value.isdecimal() else _flag(value)
    return value
