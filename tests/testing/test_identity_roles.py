"""Which role credentials stand for: by token, by rules, or the default. F044, F077"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from aiocognito.errors import InvalidArgument
from aiocognito.testing.identity_roles import RoleByRules, RoleByToken, RoleRule, chosen_role
from aiocognito.testing.service_errors import PoolError
from tests.testing.test_identity_pool import PROVIDER, World, refused_credentials

DEFAULT = "arn:aws:iam::000000000000:role/authenticated"
ADMIN = "arn:aws:iam::000000000000:role/admin"
EDITOR = "arn:aws:iam::000000000000:role/editor"
READER = "arn:aws:iam::000000000000:role/reader"


def role(claims: dict[str, Any], mapping: Any = None, wanted: object = None) -> str:
    return chosen_role(claims=claims, mapping=mapping, wanted=wanted, default=DEFAULT)


@pytest.mark.parametrize(
    ("rule", "claims", "fits"),
    [
        (RoleRule("dept", "Equals", "art", READER), {"dept": "art"}, True),
        (RoleRule("dept", "Equals", "art", READER), {"dept": "arts"}, False),
        (RoleRule("dept", "Contains", "art", READER), {"dept": "party"}, True),
        (RoleRule("dept", "Contains", "art", READER), {"dept": "music"}, False),
        (RoleRule("dept", "StartsWith", "art", READER), {"dept": "arts"}, True),
        (RoleRule("dept", "StartsWith", "art", READER), {"dept": "party"}, False),
        (RoleRule("dept", "NotEqual", "art", READER), {"dept": "music"}, True),
        (RoleRule("dept", "NotEqual", "art", READER), {"dept": "art"}, False),
        (RoleRule("dept", "NotEqual", "art", READER), {}, False),
        (RoleRule("dept", "Equals", "art", READER), {}, False),
        (RoleRule("cognito:groups", "Equals", "b", READER), {"cognito:groups": ["a", "b"]}, True),
        (RoleRule("cognito:groups", "Contains", "c", READER), {"cognito:groups": ["ab"]}, False),
        (RoleRule("n", "Equals", "7", READER), {"n": 7}, True),
    ],
    ids=map(str, count()),
)
def test_a_rule_fits_as_its_match_type_says(
    rule: RoleRule, claims: dict[str, Any], fits: bool
) -> None:
    assert rule.fits(claims) is fits


def test_the_first_rule_that_fits_decides() -> None:
    rules = RoleByRules(
        [
            RoleRule("dept", "Equals", "art", READER),
            RoleRule("dept", "StartsWith", "a", EDITOR),
            RoleRule("sub", "NotEqual", "ana", ADMIN),
        ]
    )
    assert role({"dept": "art", "sub": "x"}, rules) == READER
    assert role({"dept": "air", "sub": "x"}, rules) == EDITOR
    assert role({"dept": "music", "sub": "x"}, rules) == ADMIN
    with pytest.raises(PoolError, match="denied"):
        role({"dept": "music", "sub": "ana"}, rules)


def test_what_no_rule_fits_may_get_the_default_role() -> None:
    rules = RoleByRules([RoleRule("dept", "Equals", "art", READER)], ambiguous="AuthenticatedRole")
    assert role({}, rules) == DEFAULT


def test_a_mapping_by_token_takes_the_preferred_role() -> None:
    claims = {"cognito:roles": [READER, EDITOR], "cognito:preferred_role": EDITOR}
    assert role(claims, RoleByToken()) == EDITOR
    assert role(claims) == DEFAULT, "without a mapping the token has no say"


def test_several_roles_without_a_preferred_one_are_ambiguous() -> None:
    claims = {"cognito:roles": [READER, EDITOR]}
    assert role(claims, RoleByToken()) == DEFAULT
    with pytest.raises(PoolError, match="denied"):
        role(claims, RoleByToken(ambiguous="Deny"))


@pytest.mark.parametrize("mapping", [None, RoleByToken(), RoleByToken(ambiguous="Deny")])
def test_a_role_asked_for_goes_before_all_if_the_token_has_it(mapping: Any) -> None:
    claims = {"cognito:roles": [READER, EDITOR], "cognito:preferred_role": EDITOR}
    assert role(claims, mapping, wanted=READER) == READER
    with pytest.raises(PoolError, match="CustomRoleArn"):
        role(claims, mapping, wanted=ADMIN)


def test_a_pool_without_a_default_role_is_not_configured() -> None:
    with pytest.raises(PoolError) as caught:
        chosen_role(claims={}, mapping=RoleByToken(), wanted=None, default=None)
    assert caught.value.code == "InvalidIdentityPoolConfigurationException"


@pytest.mark.parametrize(
    "make",
    [
        lambda: RoleRule("dept", "Like", "art", READER),  # type: ignore[arg-type]
        lambda: RoleByToken(ambiguous="Allow"),  # type: ignore[arg-type]
        lambda: RoleByRules([], ambiguous="Deny"),
        lambda: RoleByRules([RoleRule("d", "Equals", "a", READER)] * 26),
        lambda: RoleByRules(
            [RoleRule("d", "Equals", "a", READER)],
            ambiguous="Allow",  # type: ignore[arg-type]
        ),
    ],
    ids=map(str, count()),
)
def test_what_the_service_would_not_take_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument):
        make()


# --- in the pool -------------------------------------------------------------------


def role_of(world: World, login: dict[str, str], **more: Any) -> str:
    answer = world.credentials(world.get_id(login), login, **more)
    issued = world.pool.lookup(answer["Credentials"]["AccessKeyId"])
    assert issued is not None
    return issued.role_arn


def test_a_mapping_is_of_one_app_client() -> None:
    world = World()
    login = world.forged(**{"cognito:preferred_role": EDITOR, "cognito:roles": [EDITOR]})
    world.pool.map_roles(f"{PROVIDER}:another-client", RoleByToken())
    assert role_of(world, login) == DEFAULT
    world.pool.map_roles(f"{PROVIDER}:{world.client.client_id}", RoleByToken())
    assert role_of(world, login) == EDITOR
    world.pool.map_roles(f"{PROVIDER}:{world.client.client_id}", None)
    assert role_of(world, login) == DEFAULT


def test_groups_of_a_user_decide_by_token() -> None:
    world = World()
    world.users.add_group("editors", role_arn=EDITOR, precedence=1)
    world.users.add_user("eva", "Passw0rd!", groups=["editors"])
    world.pool.map_roles(f"{PROVIDER}:{world.client.client_id}", RoleByToken(ambiguous="Deny"))
    assert role_of(world, world.login("eva")) == EDITOR
    login = world.login("ana")
    assert "denied" in refused_credentials(world, world.get_id(login), login)


def test_another_provider_has_rules_under_its_name() -> None:
    world = World()
    google = world.pool.add_provider("accounts.google.com")
    rules = RoleByRules([RoleRule("hd", "Equals", "example.com", READER)])
    world.pool.map_roles("accounts.google.com", rules)
    login = {"accounts.google.com": google.token("ana", hd="example.com")}
    assert role_of(world, login) == READER
    login = {"accounts.google.com": google.token("ana", hd="elsewhere.com")}
    assert "denied" in refused_credentials(world, world.get_id(login), login)
