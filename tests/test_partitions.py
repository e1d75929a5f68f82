"""Where a pool lives follows from its id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from aiocognito._partitions import dns_suffix, parse_identity_pool_id, parse_user_pool_id
from aiocognito.errors import InvalidArgument, InvalidType

UNIQUE = "2f0c3a2e-1b1c-4c53-9a09-6a3f0c9b7d11"


def regions_botocore_knows() -> Iterator[Any]:
    text = resources.files("botocore").joinpath("data/partitions.json").read_text("utf-8")
    for partition in json.loads(text)["partitions"]:
        for region in sorted(partition["regions"]):
            if not region.endswith("-global"):  # a label for services without regions
                yield pytest.param(region, partition["outputs"]["dnsSuffix"], id=region)


@pytest.mark.parametrize(("region", "suffix"), list(regions_botocore_knows()))
def test_every_region_has_the_suffix_that_botocore_gives_it(region: str, suffix: str) -> None:
    assert dns_suffix(region) == suffix


def test_a_user_pool_is_named_by_two_issuers_and_one_login_key() -> None:
    pool = parse_user_pool_id("cn-north-1_Ab12Cd34E")
    assert (pool.region, pool.name) == ("cn-north-1", "Ab12Cd34E")
    home = "cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab12Cd34E"
    assert pool.issuers == (f"https://{home}", f"https://issuer-{home}")
    assert pool.login_key == home


def test_an_identity_pool_has_a_region_and_its_suffix() -> None:
    pool = parse_identity_pool_id(f"us-gov-west-1:{UNIQUE}")
    assert (pool.text, pool.region) == (f"us-gov-west-1:{UNIQUE}", "us-gov-west-1")
    assert pool.dns_suffix == "amazonaws.com"


@pytest.mark.parametrize(
    "text",
    [
        # threat 39: nothing in an id may lead elsewhere
        f"evil.example:{UNIQUE}",
        f"eu-west-1.evil.example:{UNIQUE}",
        "eu-west-1:../../elsewhere",
        f"eu-west-1:{UNIQUE}\n",
        f"eu-west-1:{UNIQUE.upper()}",
        f"eu-west-1_{UNIQUE}",
        "eu-west-1:",
        "eu-west-1:" + "a" * 60,
    ],
)
def test_an_impossible_identity_pool_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="identity_pool_id"):
        parse_identity_pool_id(text)


@pytest.mark.parametrize("parse", [parse_user_pool_id, parse_identity_pool_id])
def test_an_id_is_text(parse: Any) -> None:
    with pytest.raises(InvalidType, match="pool_id"):
        parse(b"eu-west-1_Ab12")
