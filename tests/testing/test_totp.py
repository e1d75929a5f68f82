"""One-time passwords: RFC 6238's own numbers, drift, single use."""

from __future__ import annotations

import base64

import pytest

from aiocognito.errors import InvalidArgument
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.totp import SoftwareToken, code_at, new_secret

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("moment", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238_appendix_b(moment: int, eight_digits: str) -> None:
    assert code_at(SECRET, moment // 30) == eight_digits[2:]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_one_step_of_drift_is_forgiven(steps: int) -> None:
    now = 1_000_000 * 30.0
    assert SoftwareToken(SECRET).matching_step(code_at(SECRET, 1_000_000 + steps), now) == (
        1_000_000 + steps
    )


@pytest.mark.parametrize("steps", [-2, 2])
def test_two_steps_are_not(steps: int) -> None:
    with pytest.raises(PoolError) as error:
        SoftwareToken(SECRET).matching_step(code_at(SECRET, 1_000_000 + steps), 1_000_000 * 30.0)
    assert error.value.code == "CodeMismatchException"


def test_asking_does_not_use_and_using_is_for_good() -> None:
    token, now = SoftwareToken(SECRET), 1_000_000 * 30.0
    code = code_at(SECRET, 1_000_000)
    step = token.matching_step(code, now)
    assert token.matching_step(code, now) == step
    token.use(step)
    token.use(step + 1000)
    with pytest.raises(PoolError) as error:
        token.matching_step(code, now)
    assert error.value.code == "ExpiredCodeException"


def test_unused_codes_run_out() -> None:
    token, now = SoftwareToken(SECRET), 1_000_000 * 30.0
    codes = []
    for _ in range(3):
        codes.append(token.unused_code(now))
        token.use(token.matching_step(codes[-1], now))
    assert codes == [code_at(SECRET, 1_000_000 + step) for step in (0, 1, -1)]
    with pytest.raises(LookupError):
        token.unused_code(now)


def test_the_first_seconds_of_the_epoch() -> None:
    assert SoftwareToken(SECRET).matching_step(code_at(SECRET, 0), 0.0) == 0


def test_new_secrets_have_the_length_people_see() -> None:
    secret = new_secret(bytes(32))
    assert len(secret) == 52
    assert secret.isalnum()
    assert code_at(secret.lower(), 1) == code_at(secret, 1)


@pytest.mark.parametrize("secret", ["", "A" * 15, "1" * 16, "!" * 16])
def test_a_secret_that_cannot_be(secret: str) -> None:
    with pytest.raises(InvalidArgument):
        SoftwareToken(secret)


def test_a_secret_is_not_shown() -> None:
    # threat 34
    assert SECRET not in repr(SoftwareToken(SECRET))
