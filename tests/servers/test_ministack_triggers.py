"""CUSTOM_AUTH against Lambda triggers that another server runs.

ministack 1.5.33 runs each trigger in a Python process of its own, below the server's.
What differs from the service: CUSTOM_CHALLENGE carries no USERNAME and the session stays
the same from round to round, and three answered challenges are the most, the two of SRP
among them.
"""

from __future__ import annotations

import io
import json
import textwrap
import uuid
import zipfile
from typing import Any

import pytest

from aiocognito import Custom, CustomChallenge, SignedIn, challenge_from_dict, responders
from aiocognito.errors import IncorrectUsernameOrPassword, NotAuthorized
from tests.servers.ministack import PASSWORD, AppThere, Ministack, UserThere

pytestmark = pytest.mark.timeout(60)  # a trigger's first run starts a process

TRIGGERS = {
    "DefineAuthChallenge": """
        def handler(event, context):
            past = event["request"]["session"]
            asked = [s["challengeResult"] for s in past if s["challengeName"] == "CUSTOM_CHALLENGE"]
            names = [s["challengeName"] for s in past]
            wanted = 1 if names[:1] == ["SRP_A"] else 2
            event["response"]["issueTokens"] = asked.count(True) == wanted
            event["response"]["failAuthentication"] = asked.count(False) == 2
            event["response"]["challengeName"] = (
                "PASSWORD_VERIFIER" if names == ["SRP_A"] else "CUSTOM_CHALLENGE"
            )
            return event
    """,
    "CreateAuthChallenge": """
        def handler(event, context):
            number = len(event["request"]["session"])
            event["response"]["publicChallengeParameters"] = {"sum": f"{number}+1"}
            event["response"]["privateChallengeParameters"] = {"answer": str(number + 1)}
            event["response"]["challengeMetadata"] = f"SUM_{number}"
            return event
    """,
    "VerifyAuthChallengeResponse": """
        def handler(event, context):
            request = event["request"]
            right = request["privateChallengeParameters"]["answer"] == request["challengeAnswer"]
            event["response"]["answerCorrect"] = right
            return event
    """,
}


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("trigger.py", textwrap.dedent(source))
    return packed.getvalue()


def add_role(server: Ministack) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = server.owner("iam").create_role(
        RoleName=f"trigger-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=json.dumps(trust)
    )
    return str(made["Role"]["Arn"])


def add_function(server: Ministack, name: str, source: str, role: str) -> str:
    made = server.owner("lambda").create_function(
        FunctionName=f"{name}-{uuid.uuid4().hex[:8]}",
        Runtime="python3.12",
        Role=role,
        Handler="trigger.handler",
        Code={"ZipFile": zipped(source)},
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def custom_app(ministack: Ministack) -> AppThere:
    """An app client with a secret, of a pool that wants two sums, after SRP only one."""
    role = add_role(ministack)
    arns = {name: add_function(ministack, name, code, role) for name, code in TRIGGERS.items()}
    pool = ministack.add_user_pool(LambdaConfig=arns)
    return pool.add_app(secret=True, ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"])


@pytest.fixture
def ana(custom_app: AppThere) -> UserThere:
    return custom_app.pool.add_user()


async def solve(parameters: Any) -> str:
    return str(int(parameters["sum"].removesuffix("+1")) + 1)


@pytest.mark.parametrize("srp", [False, True], ids=["without SRP", "with SRP"])
async def test_sums_sign_in(custom_app: AppThere, ana: UserThere, srp: bool) -> None:
    async with custom_app.open() as pool:
        session = await pool.sign_in(
            ana.name,
            PASSWORD if srp else None,
            flow=Custom(srp=srp),
            respond=responders.custom(solve),
        )
        assert session.claims["sub"] == ana.sub


async def test_a_wrong_answer_is_followed_by_another_challenge(
    custom_app: AppThere, ana: UserThere
) -> None:
    async with custom_app.open() as pool:
        login = pool.login(ana.name, flow=Custom())
        step = await login.start()
        assert isinstance(step, CustomChallenge)
        step = await login.send(step.answer("wrong"))
        assert isinstance(step, CustomChallenge)
        assert step.parameters["sum"] == "1+1"
        with pytest.raises(NotAuthorized):
            await login.send(step.answer("wrong"))


@pytest.mark.parametrize("srp", [False, True], ids=["without SRP", "with SRP"])
async def test_each_round_can_be_another_process(
    custom_app: AppThere, ana: UserThere, srp: bool
) -> None:
    step: Any
    async with custom_app.open() as pool:
        password = PASSWORD if srp else None
        step = await pool.login(ana.name, password, flow=Custom(srp=srp)).start()
    while isinstance(step, CustomChallenge):
        revived: Any = challenge_from_dict(step.to_dict())
        async with custom_app.open() as pool:
            step = await pool.resume(revived.answer(await solve(revived.parameters)))
    assert isinstance(step, SignedIn)


async def test_a_wrong_password_gets_no_custom_challenge(
    custom_app: AppThere, ana: UserThere
) -> None:
    async with custom_app.open() as pool:
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.login(ana.name, "Wr0ng-one", flow=Custom(srp=True)).start()
