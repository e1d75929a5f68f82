"""A pool that asks riddles: CUSTOM_AUTH, with and without the password before.

The three functions below are what a pool's owner would deploy as Lambda triggers; a local
Cognito calls them as the service calls its own. They ask for two sums and give up after
two mistakes.

    python examples/custom_challenge.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from aiocognito import Custom, CustomChallenge, SignedIn, UserPool, responders
from aiocognito.testing import LocalCognito

Event = dict[str, Any]


# --- the pool's side: three triggers ---------------------------------------------


def define_auth_challenge(event: Event) -> Event:
    """Say what comes next, from what happened so far."""
    past = event["request"]["session"]
    sums = [s["challengeResult"] for s in past if s["challengeName"] == "CUSTOM_CHALLENGE"]
    begun_with_srp = [s["challengeName"] for s in past] == ["SRP_A"]
    event["response"] = {
        "issueTokens": sums.count(True) == 2,
        "failAuthentication": sums.count(False) == 2,
        "challengeName": "PASSWORD_VERIFIER" if begun_with_srp else "CUSTOM_CHALLENGE",
    }
    return event


def create_auth_challenge(event: Event) -> Event:
    """Make a challenge: its question is public, its answer private."""
    number = 7 * len(event["request"]["session"]) + 3
    event["response"]["publicChallengeParameters"] = {"question": f"{number} + 4"}
    event["response"]["privateChallengeParameters"] = {"answer": str(number + 4)}
    return event


def verify_auth_challenge_response(event: Event) -> Event:
    """Compare an answer with the private one."""
    expected = event["request"]["privateChallengeParameters"]["answer"]
    event["response"]["answerCorrect"] = event["request"]["challengeAnswer"] == expected
    return event


# --- the client's side ------------------------------------------------------------


async def solve(parameters: Mapping[str, str]) -> str:
    """Answer a challenge from its public parameters."""
    left, _, right = parameters["question"].partition(" + ")
    return str(int(left) + int(right))


async def by_hand(pool: UserPool) -> None:
    """Answer each challenge as it comes, in any number of rounds."""
    login = pool.login("ana", flow=Custom())
    step = await login.start()
    while isinstance(step, CustomChallenge):
        answer = await solve(step.parameters)
        print(f"the pool asks {step.parameters['question']}; we say {answer}")
        step = await login.send(step.answer(answer))
    assert isinstance(step, SignedIn)
    print(f"signed in as {step.session.username}, without a password")


async def by_itself(pool: UserPool) -> None:
    """Prove the password by SRP first, then let a responder answer."""
    session = await pool.sign_in(
        "ana", "Passw0rd!", flow=Custom(srp=True), respond=responders.custom(solve)
    )
    print(f"signed in as {session.username}, with the password proven first")


async def main() -> None:
    triggers = {
        "DefineAuthChallenge": define_auth_challenge,
        "CreateAuthChallenge": create_auth_challenge,
        "VerifyAuthChallengeResponse": verify_auth_challenge_response,
    }
    async with LocalCognito(triggers=triggers) as local:
        local.add_user("ana", "Passw0rd!")
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            await by_hand(pool)
            await by_itself(pool)


if __name__ == "__main__":
    anyio.run(main)
