from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import InvalidArgument, InvalidType, RemoteProtocolError
from aiocognito.srp import encoding
from aiocognito.srp.encoding import base64_to_bytes, hex_to_int, pad, timestamp, utf8

# --- pad -----------------------------------------------------------------------------


@given(st.integers(min_value=0, max_value=2**3100))
def test_pad_is_the_shortest_twos_complement(n: int) -> None:
    padded = pad(n)
    assert int.from_bytes(padded, "big", signed=True) == n
    assert len(padded) == 1 or padded[0] != 0 or padded[1] >= 0x80


@pytest.mark.parametrize(
    ("n", "padded"),
    [(0, "00"), (1, "01"), (0x7F, "7f"), (0x80, "0080"), (0xFF, "00ff"), (0x100, "0100")],
)
def test_pad_puts_a_zero_byte_before_a_set_top_bit(n: int, padded: str) -> None:
    assert pad(n).hex() == padded


# --- hex_to_int ----------------------------------------------------------------------


@given(st.integers(min_value=0, max_value=2**3072 - 1), st.integers(0, 4), st.booleans())
def test_hex_is_an_integer_whatever_its_case_and_leading_zeros(
    n: int, zeros: int, upper: bool
) -> None:
    text = ("0" * zeros + f"{n:x}")[-768:]
    assert hex_to_int(text.upper() if upper else text, "SALT") == int(text, 16)


MALFORMED = [
    "",
    " ",
    "-5",
    "+7",
    "1_0",
    "0x10",
    " 10",
    "10 ",
    "10\n",
    "1 0",
    "１０",  # full-width digits
    "٣",  # an Arabic digit
    "fg",
    "ｆ",
    "\x00",
    "1" * 769,
    "0" * 769,
    None,
    5,
    b"10",
    ["10"],
]


@pytest.mark.parametrize("text", MALFORMED, ids=repr)
def test_only_plain_hexadecimal_digits_are_a_number(text: object) -> None:
    # threat 3
    with pytest.raises(RemoteProtocolError, match="SALT is not a number"):
        hex_to_int(text, "SALT")


@given(st.text(max_size=800))
def test_no_other_text_becomes_a_number(text: str) -> None:
    # threat 3
    if re.fullmatch("[0-9a-fA-F]{1,768}", text, re.ASCII):
        assert hex_to_int(text, "SRP_B") == int(text, 16)
    else:
        with pytest.raises(RemoteProtocolError):
            hex_to_int(text, "SRP_B")


class Untouchable:
    def __getattr__(self, name: str) -> object:
        raise AssertionError("parsed before its length was checked")


def test_length_is_checked_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 4
    monkeypatch.setattr(encoding, "_HEX", Untouchable())
    monkeypatch.setattr(encoding, "_BASE64", Untouchable())
    for text in ("f" * 769, "f" * 10_000_000):
        with pytest.raises(RemoteProtocolError):
            hex_to_int(text, "SRP_B")
    for text in ("A" * 131_076, "A" * 5_000_000):
        with pytest.raises(RemoteProtocolError):
            base64_to_bytes(text, "SECRET_BLOCK")


def test_the_message_does_not_quote_what_was_sent() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        hex_to_int("what-a-server-echoes", "SALT")
    assert "echoes" not in str(caught.value)


# --- base64_to_bytes -------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=2000))
def test_base64_is_decoded(data: bytes) -> None:
    assert base64_to_bytes(base64.b64encode(data).decode(), "SECRET_BLOCK") == data


@pytest.mark.parametrize(
    "text",
    ["", "A", "AB", "AAA", "AA=A", "A===", "====", "AAAA\n", " AAAA", "AA AA", "AA-_", "AAAA====",
     "AA==AA==", "ÄAAA", "ＡＡＡＡ", None, 7, b"AAAA", "A" * 131_076],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_what_is_not_strict_base64_is_refused(text: object) -> None:
    # threat 12
    with pytest.raises(RemoteProtocolError, match="SECRET_BLOCK is not base64"):
        base64_to_bytes(text, "SECRET_BLOCK")


def test_a_block_as_long_as_the_service_model_allows_is_decoded() -> None:
    assert base64_to_bytes("A" * 131_072, "SECRET_BLOCK") == bytes(98_304)


# --- timestamp -------------------------------------------------------------------------


def test_the_day_has_no_leading_zero_and_the_time_has() -> None:
    moment = datetime(2023, 9, 5, 7, 8, 9, 999_999, tzinfo=UTC)
    assert timestamp(moment) == "Tue Sep 5 07:08:09 UTC 2023"


def test_the_instant_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert timestamp(datetime(2024, 1, 1, 3, 0, tzinfo=east)) == "Sun Dec 31 21:30:00 UTC 2023"


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_has_the_fields_of_an_http_date(moment: datetime) -> None:
    weekday, day, month, year, time, _ = format_datetime(moment, usegmt=True).split()
    assert timestamp(moment) == f"{weekday[:3]} {month} {int(day)} {time} UTC {year}"


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="time zone"):
        timestamp(datetime(2023, 9, 5))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("moment", [None, 1_700_000_000, "2023-09-05"])
def test_what_is_no_datetime_is_refused(moment: object) -> None:
    with pytest.raises(InvalidType, match="datetime"):
        timestamp(moment)  # type: ignore[arg-type]


# --- utf8 ------------------------------------------------------------------------------


def test_text_is_encoded_as_it_stands() -> None:
    assert utf8("e\u0301é\ufb01", "password") == "e\u0301é\ufb01".encode()


def test_half_a_surrogate_pair_is_refused_without_quoting_the_text() -> None:
    with pytest.raises(InvalidArgument, match="password") as caught:
        utf8("canary\ud800", "password")
    assert "canary" not in str(caught.value)
    # The codec's error would carry the whole text.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
