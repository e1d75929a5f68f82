from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.app_client import AppClient, checked_password, checked_username

POOL = "eu-west-1_Ab12Cd34E"


@pytest.mark.parametrize(
    "pool_id",
    [
        # threat 39: an id that would lead the client elsewhere
        "us-east-1_x/../..",
        "us-east-1.evil.com_x",
        "evil_x",
        "us-east-1_",
        "us-east-1",
        "_Ab12Cd34E",
        "us-east-1_ab\n",
        "us-east-1_äb",
        "us-east-１_ab",
        " us-east-1_ab",
        "us-east-1_" + "a" * 60,
        "mars-east-1_ab",
    ],
)
def test_an_impossible_pool_id_is_refused(pool_id: str) -> None:
    with pytest.raises(InvalidArgument, match="user_pool_id") as caught:
        AppClient.of(pool_id, "client")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "cognito-idp.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "cognito-idp.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "cognito-idp.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "cognito-idp.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "cognito-idp.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_the_partition_follows_from_the_region(region: str, host: str) -> None:
    assert AppClient.of(f"{region}_Ab12", "client").pool.host == host


@pytest.mark.parametrize("client_id", ["", "a b", "a" * 129, "a/b", "ä"])
def test_an_impossible_client_id_is_refused(client_id: str) -> None:
    with pytest.raises(InvalidArgument, match="client_id"):
        AppClient.of(POOL, client_id)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("user_pool_id", (None, "client", None)),
        ("client_id", (POOL, 7, None)),
        ("client_secret", (POOL, "client", 7)),
    ],
)
def test_a_wrong_type_is_named(argument: str, values: tuple[Any, Any, Any]) -> None:
    with pytest.raises(InvalidType, match=argument) as caught:
        AppClient.of(*values)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("secret", ["", "with blank", b"\xff"])
def test_an_impossible_secret_is_refused(secret: str | bytes) -> None:
    with pytest.raises(InvalidArgument, match="client_secret"):
        AppClient.of(POOL, "client", secret)


@pytest.mark.parametrize("secret", ["abc", b"abc", Secret("abc")], ids=["str", "bytes", "Secret"])
def test_a_secret_may_be_text_bytes_or_wrapped(secret: Any) -> None:
    assert AppClient.of(POOL, "client", secret).client_secret == Secret("abc")


def test_a_public_client_sends_no_hash() -> None:
    # F028
    assert AppClient.of(POOL, "client").secret_hash("ana") == {}


def test_a_client_does_not_show_its_secret() -> None:
    assert "hushhush" not in repr(AppClient.of(POOL, "client", "hushhush"))


@pytest.mark.parametrize("name", ["", "a b", "a" * 129, "a\tb", "a\x00", "a\ud800"])
def test_an_impossible_user_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="username"):
        checked_username(name)


@pytest.mark.parametrize("name", ["ana", "ana@example.com", "+4917012345", "Ünïcode", "名前"])
def test_a_possible_user_name_passes_unchanged(name: str) -> None:
    assert checked_username(name) == name


def test_a_user_name_must_be_text() -> None:
    with pytest.raises(InvalidType, match="username"):
        checked_username(None)


@pytest.mark.parametrize("password", ["", "x" * 257, "lone \ud800"])
def test_an_impossible_password_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_password(password)
    assert "lone" not in str(caught.value)


def test_a_password_must_be_text() -> None:
    with pytest.raises(InvalidType, match="password"):
        checked_password(b"bytes")


def test_a_password_is_not_trimmed() -> None:
    assert checked_password(" p w ").reveal() == " p w "
    assert checked_password(Secret("x")).reveal() == "x"
