"""The verifier: what it accepts, what it fetches, and who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito._redact import Secret
from aiocognito.errors import (
    CognitoError,
    ConnectFailed,
    InvalidArgument,
    InvalidType,
    KeysUnavailable,
    RemoteProtocolError,
    TokenAlgorithmRejected,
    TokenClientMismatch,
    TokenExpired,
    TokenGroupMissing,
    TokenIssuerMismatch,
    TokenKeyUnknown,
    TokenMalformed,
    TokenScopeMissing,
    TokenSignatureInvalid,
    TokenUseMismatch,
    TokenUserMismatch,
    TokenVerificationError,
)
from aiocognito.tokens.model import TokenSet
from aiocognito.verify import keys as keys_module
from aiocognito.verify import verifier as verifier_module
from aiocognito.verify.cache import COOL_DOWN, HARD_TTL, SOFT_TTL
from aiocognito.verify.verifier import ANY_CLIENT, TokenVerifier
from tests.verify.forge import (
    CLIENT,
    HOUR,
    ISSUER,
    NEW_ISSUER,
    NOW,
    POOL,
    SUB,
    Clock,
    KeyServer,
    access_claims,
    encode_integer,
    header,
    id_claims,
    jwk,
    key_set,
    private_key,
    sign,
    unsigned,
)

DAY = 24 * HOUR
OUTAGE = ConnectFailed("GET jwks.json", retry_safe=True)
LATER = access_claims(exp=NOW + 30 * DAY)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def verifier(clock: Clock, server: KeyServer) -> AsyncIterator[TokenVerifier]:
    async with TokenVerifier(POOL, CLIENT, http=server, clock=clock) as verifier:
        yield verifier


def tokens(**changes: Any) -> TokenSet:
    both = {name: changes.pop(name) for name in ("exp", "iss", "sub") if name in changes}
    id_changes = {name: value for name, value in changes.items() if name in id_claims()}
    return TokenSet(
        access_token=Secret(sign(access_claims(**both))),
        id_token=Secret(sign(id_claims(**both | id_changes))),
    )


async def settle() -> None:
    """Let every other task run until it waits for something; no time passes."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


# --- good tokens ----------------------------------------------------------------------


# F070
@pytest.mark.parametrize("issuer", [ISSUER, NEW_ISSUER])
async def test_good_tokens_of_both_kinds_and_issuers_pass(
    verifier: TokenVerifier, issuer: str
) -> None:
    access = await verifier.verify_access_token(
        sign(access_claims(iss=issuer)), scope="orders/read", groups="staff", username="ana"
    )
    assert access.scopes >= {"orders/read"}
    identity = await verifier.verify_id_token(
        sign(id_claims(iss=issuer)), groups=["admins"], username="ana", sub=SUB
    )
    assert identity.email == "ana@example.com"


# F057
@pytest.mark.parametrize(
    ("pool", "endpoint", "url"),
    [
        (POOL, None, f"{ISSUER}/.well-known/jwks.json"),
        (
            "cn-north-1_Ab12",
            None,
            "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab12/.well-known/jwks.json",
        ),
        (POOL, "http://127.0.0.1:4566", f"http://127.0.0.1:4566/{POOL}/.well-known/jwks.json"),
        (POOL, "http://[::1]:4566/", f"http://[::1]:4566/{POOL}/.well-known/jwks.json"),
        (POOL, "http://localhost/x/", f"http://localhost/x/{POOL}/.well-known/jwks.json"),
        (POOL, "https://idp.example.com", f"https://idp.example.com/{POOL}/.well-known/jwks.json"),
    ],
)
async def test_keys_come_from_the_pools_own_address(
    clock: Clock, server: KeyServer, pool: str, endpoint: str | None, url: str
) -> None:
    await TokenVerifier(pool, CLIENT, http=server, endpoint_url=endpoint, clock=clock).hydrate()
    assert server.urls == [url]


async def test_with_an_endpoint_of_ones_own_the_issuer_stays_the_pools(
    clock: Clock, server: KeyServer
) -> None:
    local = TokenVerifier(
        POOL, CLIENT, http=server, endpoint_url="http://127.0.0.1:4566", clock=clock
    )
    await local.verify_access_token(sign(access_claims()))
    with pytest.raises(TokenIssuerMismatch):
        await local.verify_access_token(sign(access_claims(iss=f"http://127.0.0.1:4566/{POOL}")))


async def test_several_clients_or_any(clock: Clock, server: KeyServer) -> None:
    token = sign(access_claims(client_id="second"))
    for accepted in ({CLIENT, "second"}, ["second"], ("second",), ANY_CLIENT):
        verifier = TokenVerifier(POOL, accepted, http=server, clock=clock)
        assert (await verifier.verify_access_token(token)).client_id == "second"
    with pytest.raises(TokenClientMismatch):
        await TokenVerifier(POOL, [CLIENT], http=server, clock=clock).verify_access_token(token)


# --- forged and foreign tokens --------------------------------------------------------

FORGED: dict[str, tuple[type[TokenVerificationError], str]] = {
    # threat 14
    "another pool": (
        TokenIssuerMismatch,
        sign(access_claims(iss=ISSUER.replace(POOL, "eu-west-1_Other"))),
    ),
    "another client": (TokenClientMismatch, sign(access_claims(client_id="other"))),
    "another kind": (TokenUseMismatch, sign(id_claims())),
    "another user": (TokenUserMismatch, sign(access_claims(username="eve", sub="eve"))),
    "another key": (TokenSignatureInvalid, sign(access_claims(), key="attacker")),
    "expired": (TokenExpired, sign(access_claims(exp=NOW - 61))),
    "no scope": (TokenScopeMissing, sign(access_claims(scope="profile"))),
    "no group": (TokenGroupMissing, sign(access_claims(**{"cognito:groups": ["guests"]}))),
    # threat 15
    "alg none": (
        TokenAlgorithmRejected,
        unsigned(access_claims(), header(alg="none")) + ".AAAA",
    ),
    "HS256": (TokenAlgorithmRejected, sign(access_claims(), header(alg="HS256"))),
    "crit": (TokenAlgorithmRejected, sign(access_claims(), header(crit=["exp"]))),
    "jku": (
        TokenKeyUnknown,
        sign(
            access_claims(),
            header(kid="mine", jku="https://attacker.example/jwks.json"),
            key="attacker",
        ),
    ),
    "embedded key": (
        TokenSignatureInvalid,
        sign(access_claims(), header(jwk=jwk("pool-key")), key="attacker"),
    ),
    # threat 16
    "path as kid": (TokenKeyUnknown, sign(access_claims(), header(kid="../../../dev/null"))),
    "SQL as kid": (TokenKeyUnknown, sign(access_claims(), header(kid="' UNION SELECT 'key"))),
    "long kid": (TokenMalformed, sign(access_claims(), header(kid="k" * 257))),
    "no kid": (TokenMalformed, sign(access_claims(), {"alg": "RS256"})),
    "array as kid": (TokenMalformed, sign(access_claims(), header(kid=["pool-key"]))),
    "number as kid": (TokenMalformed, sign(access_claims(), header(kid=7))),
    # threat 21
    "garbage": (TokenMalformed, "garbage"),
    "trailing newline": (TokenMalformed, sign(access_claims()) + "\n"),
    "duplicate claim": (TokenMalformed, sign(b'{"token_use":"id","token_use":"access"}')),
}


# threats 14, 15, 16, 21
@pytest.mark.parametrize(("leaf", "token"), FORGED.values(), ids=FORGED)
async def test_a_wrong_token_is_refused_for_its_own_reason(
    verifier: TokenVerifier, server: KeyServer, leaf: type[TokenVerificationError], token: str
) -> None:
    with pytest.raises(TokenVerificationError) as caught:
        await verifier.verify_access_token(
            token, username="ana", sub=SUB, scope="orders/read", groups="staff"
        )
    assert type(caught.value) is leaf
    assert token not in repr(caught.value)
    # threat 15: no address but the pool's is ever asked
    assert set(server.urls) <= {f"{ISSUER}/.well-known/jwks.json"}


# threat 15
async def test_a_token_that_is_wrong_on_its_face_fetches_nothing(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    for token in ("garbage", sign(access_claims(), header(alg="none"))):
        with pytest.raises(TokenVerificationError):
            await verifier.verify_id_token(token)
    assert server.fetches == 0


# --- clocks ---------------------------------------------------------------------------


# threat 22
@pytest.mark.parametrize(("skew", "passes"), [(-DAY, True), (-600, True), (59, True), (60, False)])
async def test_the_wall_clock_judges_exp_with_leeway_and_never_iat(
    verifier: TokenVerifier, clock: Clock, skew: float, passes: bool
) -> None:
    clock.wall_seconds = NOW + HOUR + skew
    clock.wall_seconds -= 0 if skew > 0 else HOUR  # early clocks see an iat in the future
    token = sign(access_claims())
    if passes:
        await verifier.verify_access_token(token)
    else:
        with pytest.raises(TokenExpired):
            await verifier.verify_access_token(token)


# threat 22
async def test_the_services_own_date_stands_in_for_a_wrong_clock(
    verifier: TokenVerifier, clock: Clock
) -> None:
    clock.wall_seconds = NOW + 10 * DAY
    with pytest.raises(TokenExpired):
        await verifier.verify_tokens(tokens())
    verified = await verifier.verify_tokens(tokens(), now=NOW + 1.0)
    assert verified.access.sub == SUB


# threat 19
async def test_a_jump_of_the_wall_clock_does_not_age_the_keys(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    clock.wall_seconds += 5 * DAY
    await verifier.verify_access_token(sign(LATER))
    await settle()
    assert server.fetches == 1


async def test_the_system_clock_is_the_default(server: KeyServer) -> None:
    async with TokenVerifier(POOL, CLIENT, http=server) as verifier:
        with pytest.raises(TokenExpired):
            await verifier.verify_access_token(sign(access_claims()))
        await verifier.verify_access_token(sign(access_claims(exp=253_402_300_799)))


@pytest.mark.parametrize(("leeway", "passes"), [(0, False), (10, False), (11, True), (600.0, True)])
async def test_the_leeway_is_the_callers(
    clock: Clock, server: KeyServer, leeway: float, passes: bool
) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock, leeway=leeway)
    token = sign(access_claims(exp=NOW - 10))
    if passes:
        await verifier.verify_access_token(token)
    else:
        with pytest.raises(TokenExpired):
            await verifier.verify_access_token(token)


# --- fetching -------------------------------------------------------------------------


# F071
async def test_hydrate_fetches_once_and_a_token_needs_no_more(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    await verifier.hydrate()
    await verifier.hydrate()
    await verifier.verify_access_token(sign(access_claims()))
    assert server.fetches == 1


# F071, F102
async def test_a_hundred_cold_callers_share_one_fetch(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    server.close_gate()
    passed: list[str] = []
    token = sign(access_claims())

    async def call() -> None:
        passed.append((await verifier.verify_access_token(token)).sub)

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(call)
        await settle()
        assert server.fetches == 1
        server.gate.set()
    assert len(passed) == 100
    assert server.fetches == 1


async def test_callers_that_share_a_failure_get_an_error_each(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    server.close_gate()
    server.outcome = OUTAGE
    errors: list[KeysUnavailable] = []
    token = sign(access_claims())

    async def call() -> None:
        with pytest.raises(KeysUnavailable) as caught:
            await verifier.verify_access_token(token)
        errors.append(caught.value)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(call)
        await settle()
        server.gate.set()
    assert len({id(error) for error in errors}) == 10
    assert {error.__cause__ for error in errors} == {OUTAGE}
    assert all(error.retry_safe for error in errors)
    assert server.fetches == 1


async def test_a_cancelled_leader_neither_fails_nor_strands_the_others(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    server.close_gate()
    token = sign(access_claims())
    passed: list[str] = []
    leader = anyio.CancelScope()

    async def lead() -> None:
        with leader:
            await verifier.verify_access_token(token)
            passed.append("leader")

    async def follow() -> None:
        passed.append((await verifier.verify_access_token(token)).sub)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await settle()
        for _ in range(3):
            group.start_soon(follow)
        await settle()
        assert server.fetches == 1
        leader.cancel()
        await settle()
        server.gate.set()
    assert passed == [SUB] * 3


async def test_who_comes_after_a_cancelled_leader_is_not_held_off(
    verifier: TokenVerifier, server: KeyServer
) -> None:
    server.close_gate()
    async with anyio.create_task_group() as group:
        group.start_soon(verifier.hydrate)
        await settle()
        group.cancel_scope.cancel()
    server.gate.set()
    await verifier.verify_access_token(sign(access_claims()))


def test_a_verifier_may_outlive_an_event_loop(clock: Clock) -> None:
    """A module's verifier and one `asyncio.run` for each request."""
    server = KeyServer()
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock)

    async def serve() -> None:
        await verifier.verify_access_token(sign(LATER))

    for _ in range(3):
        asyncio.run(serve())
        clock.advance(SOFT_TTL)
    assert server.fetches == 3


def test_a_reading_that_died_with_its_event_loop_is_begun_again(clock: Clock) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=KeyServer(), clock=clock)

    async def begin_and_die() -> None:
        verifier._keys._begin(clock.boot())

    asyncio.run(begin_and_die())
    clock.advance(60)
    asyncio.run(asyncio.wait_for(verifier.hydrate(), 5))


async def test_every_waiter_can_be_cancelled(verifier: TokenVerifier, server: KeyServer) -> None:
    server.close_gate()
    token = sign(access_claims())
    for _ in range(3):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(verifier.verify_access_token, token)
            await settle()
            group.cancel_scope.cancel()
    server.gate.set()
    await verifier.verify_access_token(token)


# threat 24
async def test_a_fetch_that_hangs_is_given_up(
    verifier: TokenVerifier, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "_DEADLINE", 0.01)
    server.close_gate()
    with pytest.raises(KeysUnavailable) as caught:
        await verifier.hydrate()
    assert isinstance(caught.value.__cause__, TimeoutError)


@pytest.mark.parametrize(
    ("outcome", "retry_safe"),
    [
        (OUTAGE, True),
        (RemoteProtocolError("redirect"), True),
        (OSError("a client of somebody else's"), True),
        ((500, b""), True),
        ((503, key_set(jwk("pool-key"))), True),
        ((429, b""), True),
        ((408, b""), True),
        ((404, b"{}"), False),
        ((403, b""), False),
        ((204, b""), True),
        ((302, b""), True),
        (b"<html>Sign in to the Wi-Fi</html>", True),
        (key_set(), True),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_no_keys_means_nothing_is_proven(
    verifier: TokenVerifier, server: KeyServer, outcome: Any, retry_safe: bool
) -> None:
    server.outcome = outcome
    with pytest.raises(KeysUnavailable) as caught:
        await verifier.verify_access_token(sign(access_claims()))
    assert caught.value.retry_safe is retry_safe


# threat 19
async def test_a_cold_outage_is_not_hammered(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    server.outcome = OUTAGE
    token = sign(access_claims())
    for _ in range(600):
        with pytest.raises(KeysUnavailable) as caught:
            await verifier.verify_access_token(token)
        assert caught.value.__cause__ is OUTAGE
        clock.advance(1)
    assert server.fetches <= 16
    server.outcome = key_set(jwk("pool-key"))
    clock.advance(60)
    await verifier.verify_access_token(token)


# --- keys that grow old ---------------------------------------------------------------


# threat 19
async def test_after_an_hour_the_keys_are_read_again_once(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    token = sign(LATER)
    await verifier.hydrate()
    clock.advance(SOFT_TTL - 1)
    await verifier.verify_access_token(token)
    await settle()
    assert server.fetches == 1
    clock.advance(1)
    for _ in range(10):
        await verifier.verify_access_token(token)
    await settle()
    assert server.fetches == 2
    await verifier.hydrate()
    assert server.fetches == 2
    clock.advance(SOFT_TTL)
    await verifier.hydrate()
    await settle()
    assert server.fetches == 3


# threats 18 and 19
async def test_a_slow_renewal_makes_nobody_wait_long(
    verifier: TokenVerifier, clock: Clock, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On asyncio nobody waits at all; on Trio one caller does, for a bounded time."""
    monkeypatch.setattr(keys_module, "_PATIENCE", 0.01)
    await verifier.hydrate()
    clock.advance(SOFT_TTL)
    server.close_gate()
    with anyio.fail_after(5):
        for _ in range(100):
            await verifier.verify_access_token(sign(LATER))
    await settle()
    assert server.fetches == 2
    server.gate.set()


# threat 19
async def test_an_outage_is_survived_for_a_day_and_no_longer(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    token = sign(LATER)
    await verifier.hydrate()
    server.outcome = OUTAGE
    clock.advance(SOFT_TTL)
    while clock.boot() < 1000 + HARD_TTL - 600:
        await verifier.verify_access_token(token)
        await settle()
        clock.advance(600)
    assert server.fetches < 24 * 6
    clock.advance(600)
    with pytest.raises(KeysUnavailable):
        await verifier.verify_access_token(token)
    server.outcome = key_set(jwk("pool-key"))
    clock.advance(60)
    await verifier.verify_access_token(token)


GARBAGE: dict[str, bytes | tuple[int, bytes]] = {
    "empty": b"",
    "no keys": b'{"keys":[]}',
    "html": b"<html></html>",
    "duplicate": key_set(jwk("pool-key"), jwk("pool-key")),
    "weak": key_set(jwk("pool-key", e="AQ")),
    "other kinds": key_set(jwk("pool-key", kty="EC")),
    "too large": b" " * (256 * 1024 + 1),
    "error with keys": (500, key_set(jwk("other-key"))),
}


# threat 20
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_never_replaces_good_keys(
    verifier: TokenVerifier, clock: Clock, server: KeyServer, garbage: Any
) -> None:
    token = sign(LATER)
    await verifier.hydrate()
    server.outcome = garbage
    clock.advance(SOFT_TTL)
    for _ in range(3):
        await verifier.verify_access_token(token)
        await settle()
    assert server.fetches == 2
    server.outcome = key_set(jwk("pool-key"))
    clock.advance(COOL_DOWN)
    await verifier.verify_access_token(token)
    await settle()
    assert server.fetches == 3


async def test_a_key_that_was_withdrawn_stops_counting(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    token = sign(LATER)
    await verifier.verify_access_token(token)
    server.outcome = key_set(jwk("new-key"))
    clock.advance(SOFT_TTL)
    await verifier.hydrate()
    await settle()
    with pytest.raises(TokenKeyUnknown):
        await verifier.verify_access_token(token)


# --- unknown keys: threat 18 ----------------------------------------------------------


# threat 18
async def test_a_new_key_is_found_by_reading_once_more(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    server.outcome = key_set(jwk("pool-key"), jwk("new-key"))
    clock.advance(COOL_DOWN)
    await verifier.verify_access_token(sign(access_claims(), header(kid="new-key")))
    assert server.fetches == 2


# threat 18
async def test_a_flood_of_invented_key_ids_costs_a_fetch_every_half_minute(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    good = sign(LATER)
    forged = [f"{unsigned(LATER, header(kid=f'kid-{i}'))}.AAAA" for i in range(100)]
    seconds = 300
    for _ in range(seconds):
        for token in forged:
            with pytest.raises(TokenKeyUnknown):
                await verifier.verify_access_token(token)
        await verifier.verify_access_token(good)
        clock.advance(1)
    assert server.fetches <= 1 + seconds / COOL_DOWN


# threat 18
async def test_one_invented_key_id_is_looked_for_once_a_minute(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    clock.advance(COOL_DOWN)
    for _ in range(60):
        with pytest.raises(TokenKeyUnknown) as caught:
            await verifier.verify_access_token(sign(access_claims(), header(kid="invented")))
        assert (caught.value.claim, caught.value.actual) == ("kid", "invented")
        clock.advance(1)
    assert server.fetches == 2


# threat 18
async def test_known_keys_do_not_wait_while_an_unknown_one_is_looked_for(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    clock.advance(COOL_DOWN)
    server.close_gate()
    unknown = sign(access_claims(), header(kid="invented"))
    refused: list[CognitoError] = []

    async def forge() -> None:
        with pytest.raises(TokenKeyUnknown) as caught:
            await verifier.verify_access_token(unknown)
        refused.append(caught.value)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(forge)
        await settle()
        await verifier.verify_access_token(sign(access_claims()))
        assert refused == []
        server.gate.set()
    assert len(refused) == 20
    assert server.fetches == 2


# threats 18 and 19
async def test_an_unknown_key_during_an_outage_is_not_proven_wrong(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    await verifier.hydrate()
    server.outcome = OUTAGE
    clock.advance(COOL_DOWN)
    for number in range(5):
        with pytest.raises(KeysUnavailable):
            await verifier.verify_access_token(sign(access_claims(), header(kid=f"k{number}")))
    assert server.fetches == 2
    await verifier.verify_access_token(sign(access_claims()))


# --- both tokens of a sign-in ---------------------------------------------------------


async def test_the_tokens_of_a_sign_in_are_checked_together(verifier: TokenVerifier) -> None:
    verified = await verifier.verify_tokens(tokens(), username="ana", sub=SUB)
    assert verified.access.token_use == "access"
    assert verified.id is not None
    assert verified.id.token_use == "id"


async def test_an_id_token_may_be_missing(verifier: TokenVerifier) -> None:
    alone = TokenSet(access_token=Secret(sign(access_claims())))
    assert (await verifier.verify_tokens(alone)).id is None


# threat 14
@pytest.mark.parametrize(
    ("changes", "leaf"),
    [
        ({"exp": NOW - DAY}, TokenExpired),
        ({"iss": "https://evil.example"}, TokenIssuerMismatch),
        ({"sub": "somebody-else"}, TokenUserMismatch),
        ({"aud": "other"}, TokenClientMismatch),
        ({"cognito:username": "eve"}, TokenUserMismatch),
        ({"origin_jti": "other"}, TokenUserMismatch),
        ({"token_use": "access"}, TokenUseMismatch),
    ],
    ids=str,
)
async def test_one_wrong_token_condemns_both(
    verifier: TokenVerifier, changes: dict[str, Any], leaf: type[TokenVerificationError]
) -> None:
    with pytest.raises(leaf):
        await verifier.verify_tokens(tokens(**changes), username="ana", sub=SUB)


# threat 14
async def test_tokens_swapped_or_of_another_client_are_refused(
    clock: Clock, server: KeyServer
) -> None:
    verifier = TokenVerifier(POOL, {CLIENT, "other"}, http=server, clock=clock)
    good = tokens()
    assert good.id_token is not None
    with pytest.raises(TokenUseMismatch):
        await verifier.verify_tokens(
            TokenSet(access_token=good.id_token, id_token=good.access_token)
        )
    with pytest.raises(TokenClientMismatch):
        await verifier.verify_tokens(tokens(aud="other"))


# threat 14
async def test_a_key_id_the_service_uses_and_we_cannot_look_up_proves_nothing(
    verifier: TokenVerifier, clock: Clock, server: KeyServer
) -> None:
    """A rotated refresh token must not be thrown away for a key published just now."""
    await verifier.hydrate()
    rotated = TokenSet(access_token=Secret(sign(access_claims(), header(kid="new-key"))))
    with pytest.raises(KeysUnavailable) as caught:
        await verifier.verify_tokens(rotated)
    assert caught.value.retry_safe
    with pytest.raises(TokenKeyUnknown):
        await verifier.verify_access_token(rotated.access_token.reveal())
    clock.advance(COOL_DOWN)
    server.outcome = key_set(jwk("pool-key"), jwk("new-key"))
    await verifier.verify_tokens(rotated)


# threat 14
async def test_a_key_id_the_pool_does_not_have_proves_a_forgery(
    verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.hydrate()
    clock.advance(COOL_DOWN)
    forged = TokenSet(access_token=Secret(sign(access_claims(), header(kid="invented"))))
    for _ in range(2):
        with pytest.raises(TokenKeyUnknown):
            await verifier.verify_tokens(forged)


# --- remembered tokens ----------------------------------------------------------------


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every signature check that is really made."""
    made: list[object] = []
    real: Callable[..., dict[str, Any]] = verifier_module.verified_payload

    def counted(token: Any, key: Any) -> dict[str, Any]:
        made.append(token)
        return real(token, key)

    monkeypatch.setattr(verifier_module, "verified_payload", counted)
    return made


@pytest.mark.parametrize(("size", "expected"), [(0, 3), (1, 1), (100, 1)])
async def test_a_repeated_token_is_remembered_only_on_request(
    clock: Clock, server: KeyServer, checks: list[object], size: int, expected: int
) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock, cache_size=size)
    for _ in range(3):
        assert (await verifier.verify_access_token(sign(access_claims()))).sub == SUB
    assert len(checks) == expected


async def test_a_remembered_token_is_still_judged_each_time(
    clock: Clock, server: KeyServer, checks: list[object]
) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock, cache_size=10)
    token = sign(access_claims())
    await verifier.verify_access_token(token)
    with pytest.raises(TokenUserMismatch):
        await verifier.verify_access_token(token, username="eve")
    with pytest.raises(TokenUseMismatch):
        await verifier.verify_id_token(token)
    with pytest.raises(TokenScopeMissing):
        await verifier.verify_access_token(token, scope="orders/write")
    clock.wall_seconds += HOUR + 60
    with pytest.raises(TokenExpired):
        await verifier.verify_access_token(token)
    assert len(checks) == 1


async def test_a_refused_token_is_not_remembered(
    clock: Clock, server: KeyServer, checks: list[object]
) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock, cache_size=10)
    for _ in range(2):
        with pytest.raises(TokenClientMismatch):
            await verifier.verify_access_token(sign(access_claims(client_id="other")))
        with pytest.raises(TokenSignatureInvalid):
            await verifier.verify_access_token(sign(access_claims(), key="attacker"))
    assert len(checks) == 4


async def test_remembered_tokens_go_when_the_keys_change(
    clock: Clock, server: KeyServer, checks: list[object]
) -> None:
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock, cache_size=10)
    token = sign(LATER)
    await verifier.verify_access_token(token)
    attacker = private_key("attacker").public_key().public_numbers().n
    server.outcome = key_set(jwk("pool-key", n=encode_integer(attacker)))
    clock.advance(SOFT_TTL)
    await verifier.hydrate()
    await settle()
    with pytest.raises(TokenSignatureInvalid):
        await verifier.verify_access_token(token)


# --- opening and closing --------------------------------------------------------------


async def test_a_client_that_was_given_stays_open(clock: Clock, server: KeyServer) -> None:
    async with TokenVerifier(POOL, CLIENT, http=server, clock=clock) as verifier:
        await verifier.hydrate()
    assert server.closed == 0


async def test_a_client_of_its_own_lives_for_one_reading(
    clock: Clock, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def make(*, allow_http: bool) -> KeyServer:
        made.append(allow_http)
        return server

    monkeypatch.setattr(keys_module, "BoundedHttp", make)
    verifier = TokenVerifier(
        POOL, CLIENT, clock=clock, endpoint_url="http://pool.internal", allow_http=True
    )
    assert made == []
    await verifier.hydrate()
    assert (made, server.closed) == ([True], 1)
    clock.advance(SOFT_TTL)
    await verifier.hydrate()
    await settle()
    assert (made, server.closed) == ([True, True], 2)
    await verifier.aclose()
    await verifier.aclose()
    # Keys stay, and are read again when it is time.
    await verifier.verify_access_token(sign(LATER))
    clock.advance(HARD_TTL)
    await verifier.verify_access_token(sign(LATER))
    assert server.closed == len(made) == 3


async def test_closing_waits_for_a_renewal_under_way(
    clock: Clock, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "_PATIENCE", 0.01)
    verifier = TokenVerifier(POOL, CLIENT, http=server, clock=clock)
    await verifier.hydrate()
    clock.advance(SOFT_TTL)
    server.close_gate()
    await verifier.hydrate()
    async with anyio.create_task_group() as group:
        group.start_soon(verifier.aclose)
        await settle()
        server.gate.set()
    assert server.fetches == 2


# --- the caller's mistakes ------------------------------------------------------------


@pytest.mark.parametrize("client_id", [None, 7, b"client", ["a", None], [b"a"], object()])
def test_a_client_id_of_the_wrong_type_is_refused(client_id: Any) -> None:
    """None among them: it is what a missing environment variable looks like."""
    with pytest.raises(InvalidType, match="client_id must be"):
        TokenVerifier(POOL, client_id)


@pytest.mark.parametrize("client_id", ["", [], set(), ["a", ""]])
def test_an_empty_client_id_is_refused(client_id: Any) -> None:
    with pytest.raises(InvalidArgument, match="client_id must be"):
        TokenVerifier(POOL, client_id)


def test_the_client_id_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError):
        TokenVerifier(POOL)  # type: ignore[call-arg]


# threat 39
@pytest.mark.parametrize(
    "pool", ["us-east-1.evil.com_x", "us-east-1_x/../y", "evil_x", "", POOL + "/"]
)
def test_an_impossible_pool_is_refused(pool: str) -> None:
    with pytest.raises(InvalidArgument):
        TokenVerifier(pool, CLIENT)


# threat 37
@pytest.mark.parametrize(
    "url",
    [
        "",
        "idp.example.com",
        "ftp://idp.example.com",
        "http://idp.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "https://",
        "https://user@idp.example.com",
        "https://idp.example.com?x=1",
        "https://idp.example.com#x",
        "https://idp.example.com:99999",
        "https://idp.example.com:0",
        "https://[::1",
    ],
)
def test_an_endpoint_that_cannot_be_trusted_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="endpoint_url must be"):
        TokenVerifier(POOL, CLIENT, endpoint_url=url)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"endpoint_url": 7}, InvalidType),
        ({"leeway": "60"}, InvalidType),
        ({"leeway": True}, InvalidType),
        ({"leeway": -1}, InvalidArgument),
        ({"leeway": 601}, InvalidArgument),
        ({"leeway": float("nan")}, InvalidArgument),
        ({"cache_size": 1.5}, InvalidType),
        ({"cache_size": True}, InvalidType),
        ({"cache_size": -1}, InvalidArgument),
    ],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        TokenVerifier(POOL, CLIENT, **options)


async def test_a_token_is_text(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidType):
        await verifier.verify_access_token(sign(access_claims()).encode())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        await verifier.verify_access_token(sign(access_claims()), groups=[])


def test_the_marker_for_any_client_says_so() -> None:
    assert "ANY_CLIENT" in repr(ANY_CLIENT)
