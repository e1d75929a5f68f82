"""SRP against the local pool, with a client that shares no code with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from aiocognito.errors import InvalidArgument
from aiocognito.srp import modexp
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.service_errors import PoolError
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, N, Person, claims, now, tokens

INCORRECT = "Incorrect username or password."
VECTORS = Path(__file__).parent.parent / "vectors" / "srp_both_sides.json"


def incorrect(error: pytest.ExceptionInfo[PoolError]) -> bool:
    return (error.value.code, error.value.message) == ("NotAuthorizedException", INCORRECT)


def test_right_password_signs_in(ana: Person) -> None:
    # F003, F004, F042
    result = tokens(ana.by_srp())
    assert set(result) == {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"}
    assert claims(result["IdToken"])["cognito:username"] == "ana"


def test_wrong_password_does_not(ana: Person) -> None:
    with pytest.raises(PoolError) as error:
        ana.by_srp(password="Passw0rd?")
    assert incorrect(error)


def test_password_verifier_has_no_session_and_both_names(ana: Person) -> None:
    opened = ana.initiate("USER_SRP_AUTH", SRP_A="2")
    assert set(opened) == {"ChallengeName", "ChallengeParameters"}
    parameters = opened["ChallengeParameters"]
    assert set(parameters) == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
    assert parameters["USERNAME"] == parameters["USER_ID_FOR_SRP"] == "ana"


@pytest.mark.parametrize("typed", ["ana", "ANA", "Ana"])
def test_names_are_case_insensitive_and_the_true_one_is_answered(ana: Person, typed: str) -> None:
    ana.name = typed
    assert ana.claim()["USERNAME"] == "ana"
    tokens(ana.by_srp())


def test_names_can_be_case_sensitive(make_pool: Callable[..., CheckedPool], settle: Settle) -> None:
    ana = settle(make_pool(case_sensitive=True))
    ana.name = "ANA"
    with pytest.raises(PoolError) as error:
        ana.by_srp()
    assert incorrect(error)


def test_email_username_pools_have_uuid_usernames(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    # F021
    pool = make_pool(username_attributes=["email"])
    ana = settle(pool, "Ana@Example.com")
    ana.name = "ana@example.COM"
    answers = ana.claim()
    assert answers["USERNAME"] == pool.user("ana@example.com").sub
    result = tokens(ana.respond("PASSWORD_VERIFIER", **answers))
    identity = claims(result["IdToken"])
    assert identity["cognito:username"] == identity["sub"] == answers["USERNAME"]
    assert (identity["email"], identity["email_verified"]) == ("Ana@Example.com", True)


@pytest.mark.parametrize("answered", ["true name", "typed alias"])
def test_the_claim_may_name_the_user_or_the_alias(
    make_pool: Callable[..., CheckedPool], settle: Settle, answered: str
) -> None:
    ana = settle(make_pool(alias_attributes=["email"]), attributes={"email": "ana@example.com"})
    ana.name = "ana@example.com"
    answers = ana.claim()
    assert answers["USERNAME"] == "ana"
    if answered == "typed alias":
        answers["USERNAME"] = ana.name
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))


def test_an_unverified_alias_counts_for_nothing(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    attributes = {"email": "ana@example.com", "email_verified": False}
    ana = settle(make_pool(alias_attributes=["email"]), attributes=attributes)
    ana.name = "ana@example.com"
    with pytest.raises(PoolError):
        ana.by_srp()


# --- what is checked of A ---


@pytest.mark.parametrize(
    "srp_a",
    [
        "0",
        "00",
        f"{N:x}",
        f"{2 * N:x}",
        f"{7 * N:x}",
        "-5",
        "+7",
        "0x10",
        "1_0",
        " 10",
        "g",
        "１",
        "1" * 1025,
    ],
)
def test_a_bad_public_value_is_refused(ana: Person, srp_a: str) -> None:
    with pytest.raises(PoolError) as error:
        ana.initiate("USER_SRP_AUTH", SRP_A=srp_a)
    assert error.value.code == "InvalidParameterException"


# --- the secret block ---


def test_a_replayed_claim_is_refused(ana: Person) -> None:
    answers = ana.claim()
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)


def test_a_wrong_claim_spends_the_block(ana: Person) -> None:
    answers = ana.claim()
    with pytest.raises(PoolError):
        ana.respond("PASSWORD_VERIFIER", **{**answers, "PASSWORD_CLAIM_SIGNATURE": "AAAA"})
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)


@pytest.mark.parametrize("block", ["", "AAAA", "!", "AAA", "\u00e9"])
def test_an_altered_block_is_refused(ana: Person, block: str) -> None:
    answers = {**ana.claim(), "PASSWORD_CLAIM_SECRET_BLOCK": block}
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    if block:
        assert incorrect(error)
    else:
        assert error.value.message == "Missing required parameter PASSWORD_CLAIM_SECRET_BLOCK"


@pytest.mark.parametrize("tail", ["====", "\n", " "])
def test_a_block_is_taken_as_it_was_sent_only(ana: Person, tail: str) -> None:
    """Text that decodes to the same bytes is another text; the block is not spent by it."""
    answers = ana.claim()
    block = answers["PASSWORD_CLAIM_SECRET_BLOCK"]
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **{**answers, "PASSWORD_CLAIM_SECRET_BLOCK": block + tail})
    assert incorrect(error)
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))


def test_a_block_expires(ana: Person, clock: ManualClock) -> None:
    answers = ana.claim(timestamp=now(clock, off=180))
    clock.advance(180)
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)


def test_a_block_belongs_to_its_client(ana: Person, pool: CheckedPool) -> None:
    answers = ana.claim()
    ana.client, own = pool.add_client(explicit_auth_flows=EVERY_FLOW), ana.client
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)
    ana.client = own
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))


def test_a_block_belongs_to_its_user(ana: Person, pool: CheckedPool) -> None:
    pool.add_user("bob", PASSWORD)
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **{**ana.claim(), "USERNAME": "bob"})
    assert incorrect(error)


def test_a_block_belongs_to_its_public_value(ana: Person) -> None:
    """The signature of one exchange says nothing in another with the same password."""
    first, second = ana.claim(), ana.claim()
    mixed = {**first, "PASSWORD_CLAIM_SIGNATURE": second["PASSWORD_CLAIM_SIGNATURE"]}
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **mixed)
    assert incorrect(error)


def test_a_user_removed_meanwhile_is_nobody(ana: Person) -> None:
    answers = ana.claim()
    ana.pool.remove_user("ana")
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
def test_no_name_is_longer_than_the_service_allows(ana: Person, flow: str) -> None:
    """Openings remember names, so what strangers type is bounded (service model: UsernameType)."""
    both = {"SRP_A": "2", "PASSWORD": PASSWORD}
    with pytest.raises(PoolError) as error:
        ana.initiate(flow, USERNAME="a" * 129, **both)
    assert error.value.code == "InvalidParameterException"
    assert "length less than or equal to 128" in error.value.message
    with pytest.raises(PoolError):
        ana.initiate("USER_PASSWORD_AUTH", USERNAME="a" * 128, **both)


def test_a_password_changed_meanwhile_is_wrong(ana: Person, pool: CheckedPool) -> None:
    answers = ana.claim()
    pool.set_password("ana", "An0ther-one")
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **answers)
    assert incorrect(error)


# --- the time ---


@pytest.mark.parametrize("off", [-299, -1, 0, 1, 299])
def test_a_time_within_five_minutes_is_accepted(
    ana: Person, clock: ManualClock, off: float
) -> None:
    tokens(ana.by_srp(timestamp=now(clock, off=off)))


@pytest.mark.parametrize("off", [-301, 301, -86400, 86400 * 365])
def test_a_time_beyond_five_minutes_looks_like_a_wrong_password(
    ana: Person, clock: ManualClock, off: float
) -> None:
    with pytest.raises(PoolError) as error:
        ana.by_srp(timestamp=now(clock, off=off))
    assert incorrect(error)


@pytest.mark.parametrize(
    "text",
    [
        "Tue Sep 05 07:08:09 UTC 2023",
        "Mon Sep 5 07:08:09 UTC 2023",
        "Tue Sep 5 7:08:09 UTC 2023",
        "Tue Sep 5 07:08:09 GMT 2023",
        "Tue Sep 31 07:08:09 UTC 2023",
    ],
)
def test_a_time_spelt_differently_looks_like_a_wrong_password(
    make_pool: Callable[..., CheckedPool], settle: Settle, clock: ManualClock, text: str
) -> None:
    clock.jump(1693897689 - clock.wall())  # Tue Sep 5 07:08:09 UTC 2023
    ana = settle(make_pool())
    tokens(ana.by_srp(timestamp="Tue Sep 5 07:08:09 UTC 2023"))
    with pytest.raises(PoolError) as error:
        ana.by_srp(timestamp=text)
    assert incorrect(error)


@pytest.mark.parametrize("text", ["now", "2023-09-05T07:08:09Z", "Di Sep 5 07:08:09 UTC 2023"])
def test_an_unreadable_time_is_named_and_spends_nothing(ana: Person, text: str) -> None:
    answers = ana.claim()
    with pytest.raises(PoolError) as error:
        ana.respond("PASSWORD_VERIFIER", **{**answers, "TIMESTAMP": text})
    assert error.value.code == "InvalidParameterException"
    assert error.value.message == (
        "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
    )
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))


# --- nobody ---


def test_nobody_gets_a_stable_challenge_and_the_same_refusal(ana: Person) -> None:
    # F031: the same name, however spelt, has the same salt and the same internal name
    seen = set()
    for name in ("nobody", "nobody", "NoBody"):
        ana.name = name
        parameters = ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]
        seen.add((parameters["SALT"], parameters["USERNAME"]))
        assert parameters["USERNAME"] == parameters["USER_ID_FOR_SRP"]
        with pytest.raises(PoolError) as error:
            ana.by_srp()
        assert incorrect(error)
    assert len(seen) == 1


def test_two_nobodies_differ(ana: Person) -> None:
    salts = set()
    for name in ("nobody", "nemo"):
        ana.name = name
        salts.add(ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]["SALT"])
    assert len(salts) == 2


def test_nobody_cannot_be_told_from_somebody_by_shape(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    # F031, in the pools where the internal name is a UUID anyway
    ana = settle(make_pool(username_attributes=["email"]), "ana@example.com")
    shapes = []
    for name in ("ana@example.com", "nobody@example.com"):
        ana.name = name
        parameters = ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]
        block = base64.b64decode(parameters["SECRET_BLOCK"])
        shapes.append((sorted(parameters), len(parameters["USERNAME"]), len(block)))
    assert shapes[0] == shapes[1]


def test_nobody_costs_the_same_arithmetic(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    # F031: one power to open, two to weigh, whoever it is
    powers = Mock(side_effect=modexp.powmod)
    monkeypatch.setattr("aiocognito.srp.formulas.powmod", powers)
    counts = []
    for name in ("ana", "nobody"):
        ana.name = name
        powers.reset_mock()
        with pytest.raises(PoolError):
            ana.by_srp(password="Wr0ng-one")
        counts.append(powers.call_count)
    assert counts == [3, 3]


def test_a_legacy_client_says_that_the_user_is_unknown(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"prevent_user_existence_errors": False})
    ana.name = "nobody"
    with pytest.raises(PoolError) as error:
        ana.by_srp()
    assert (error.value.code, error.value.message) == (
        "UserNotFoundException",
        "User does not exist.",
    )


def test_a_user_without_a_password_cannot_sign_in(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, password=None, status="RESET_REQUIRED")
    with pytest.raises(PoolError) as error:
        ana.by_srp(password=PASSWORD)
    assert incorrect(error)


# --- forced numbers ---


class AnyPassword(PasswordPolicy):
    """One of the vectors' passwords has a blank in it."""

    def check(self, password: str) -> None:
        pass


# The ninth is a device's, which this pool does not remember yet.
CASES = [
    case for case in json.loads(VECTORS.read_text("utf-8"))["vectors"] if case["name"] != "device"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_published_exchanges_come_out(
    make_pool: Callable[..., CheckedPool],
    settle: Settle,
    clock: ManualClock,
    case: dict[str, str],
) -> None:
    """With salt, b, block and time forced, every number of the vectors appears."""
    clock.jump(1693897689 - clock.wall())  # Tue Sep 5 07:08:09 UTC 2023
    pool = make_pool(f"us-east-1_{case['group']}", password_policy=AnyPassword())
    salt = bytes.fromhex(case["salt_hex"].zfill(32))
    user = settle(pool, case["ident"], case["secret"], salt=salt)
    pool.force_srp(
        b=int(case["b_hex"], 16), secret_block=base64.b64decode(case["secret_block_b64"])
    )
    opened = user.initiate("USER_SRP_AUTH", SRP_A=case["SRP_A"])["ChallengeParameters"]
    assert opened["SRP_B"] == case["SRP_B"]
    assert opened["SALT"] == case["salt_hex"]
    assert opened["SECRET_BLOCK"] == case["secret_block_b64"]
    answer = user.respond(
        "PASSWORD_VERIFIER",
        PASSWORD_CLAIM_SECRET_BLOCK=case["secret_block_b64"],
        PASSWORD_CLAIM_SIGNATURE=case["signature"],
        TIMESTAMP=case["timestamp"],
    )
    assert tokens(answer)


def test_forced_numbers_can_be_let_go(ana: Person, pool: CheckedPool) -> None:
    pool.force_srp(b=1 << 255, secret_block=b"block")
    forced = ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]
    pool.force_srp()
    drawn = ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]
    assert forced["SRP_B"] != drawn["SRP_B"]
    assert forced["SECRET_BLOCK"] != drawn["SECRET_BLOCK"]


def test_a_forced_b_that_no_exchange_can_use_is_the_testers_mistake(
    ana: Person, pool: CheckedPool
) -> None:
    pool.force_srp(b=-1)
    with pytest.raises(InvalidArgument):
        ana.initiate("USER_SRP_AUTH", SRP_A="2")


@pytest.mark.parametrize("first", range(0, 256, 15))
def test_every_salt_works_whatever_its_first_byte(
    pool: CheckedPool, settle: Settle, first: int
) -> None:
    salt = bytes([first]) + bytes(range(15))
    ana = settle(pool, salt=salt)
    assert ana.claim()
    assert tokens(ana.by_srp())
    sent = ana.initiate("USER_SRP_AUTH", SRP_A="2")["ChallengeParameters"]["SALT"]
    assert int(sent, 16) == int.from_bytes(salt, "big")
