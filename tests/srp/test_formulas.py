"""What no vector reaches: the two sides of any exchange agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiocognito.errors import InvalidArgument
from aiocognito.srp import formulas
from aiocognito.srp.group import N, g
from aiocognito.srp.modexp import powmod

secrets = st.integers(min_value=1, max_value=2**256 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(a=secrets, b=secrets, x=secrets)
@settings(max_examples=40)
def test_client_and_server_arrive_at_the_same_secret(a: int, b: int, x: int) -> None:
    v = powmod(g, x)
    A, B = powmod(g, a), formulas.server_public(v, b)
    u = formulas.compute_u(A, B)
    S = formulas.client_secret(a=a, B=B, u=u, x=x)
    assert formulas.server_secret(b=b, A=A, u=u, v=v) == S
    assert 0 < S < N


@given(texts, texts, texts)
def test_the_hash_joins_group_and_identity_without_a_separator(
    group: str, identity: str, password: str
) -> None:
    assert formulas.identity_hash(group, identity, password) == formulas.identity_hash(
        "", group + identity, password
    )


@pytest.mark.parametrize("argument", ["group", "identity", "password"])
def test_half_a_surrogate_pair_in_a_name_is_the_callers_mistake(argument: str) -> None:
    arguments = {"group": "group", "identity": "identity", "password": "password"}
    with pytest.raises(InvalidArgument, match=argument):
        formulas.identity_hash(**arguments | {argument: "\udfff"})


@pytest.mark.parametrize("length", [0, 1, 16, 32, 33, 8160])
def test_hkdf_gives_as_many_bytes_as_asked_for(length: int) -> None:
    okm = formulas.hkdf_expand(b"k" * 32, b"info", length)
    assert len(okm) == length
    assert formulas.hkdf_expand(b"k" * 32, b"info", 8160).startswith(okm)
