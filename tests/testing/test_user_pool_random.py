"""Random conversations: every answer fits the model, no refusal leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiocognito.testing.clock import ManualClock
from aiocognito.testing.service_errors import PoolError
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, POOL_ID

CONTACTS = {"email": "ana@example.com", "phone_number": "+4915112345678"}
CHALLENGES = (
    *("SELECT_MFA_TYPE", "SMS_MFA", "SOFTWARE_TOKEN_MFA", "MFA_SETUP"),
    *("NEW_PASSWORD_REQUIRED", "PASSWORD_VERIFIER", "SELECT_CHALLENGE", "EMAIL_OTP"),
    *("PASSWORD", "PASSWORD_SRP", "SMS_OTP", "CUSTOM_CHALLENGE"),
)
CODES = ("SMS_MFA_CODE", "EMAIL_OTP_CODE", "SMS_OTP_CODE", "SOFTWARE_TOKEN_MFA_CODE")
FIRST_FACTORS = ("PASSWORD", "EMAIL_OTP", "SMS_OTP")


CHOICES = ("SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "PASSWORD", "PASSWORD_SRP", "?")


class Scene:
    """A pool, and everything a client could have seen of it so far."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pool = CheckedPool(
            POOL_ID, clock=self.clock, device_tracking="OPT_IN", first_factors=FIRST_FACTORS
        )
        self.pool.add_client("plain", explicit_auth_flows=EVERY_FLOW)
        self.pool.add_client(
            "rotating",
            explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"],
            rotation=True,
            rotation_grace=5,
            refresh_token_validity=100,
        )
        self.pool.add_user("ana", PASSWORD, totp=True, mfa=["SMS_MFA"], attributes=CONTACTS)
        self.pool.add_user("bob", PASSWORD, temporary=True)
        self.pool.add_user("cleo", PASSWORD, attributes={"email": "cleo@example.com"})
        self.last, self.name = ("plain", "SMS_MFA"), "ana"
        self.seen: dict[str, list[str]] = {
            "session": ["s" * 20],
            "access": ["x"],
            "refresh": ["y"],
            "device": ["eu-west-1_0a"],
            "block": ["AAAA"],
        }

    def note(self, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Remember what an answer brought, for later requests."""
        result = answer.get("AuthenticationResult", {})
        for kind, value in (
            ("session", answer.get("Session")),
            ("access", result.get("AccessToken")),
            ("refresh", result.get("RefreshToken")),
            ("device", result.get("NewDeviceMetadata", {}).get("DeviceKey")),
            ("block", answer.get("ChallengeParameters", {}).get("SECRET_BLOCK")),
        ):
            if value is not None:
                self.seen[kind].append(value)
        if "Session" in answer:
            self.last = asked["ClientId"], answer["ChallengeName"]
            parameters = answer["ChallengeParameters"]
            self.name = parameters.get("USERNAME") or parameters["USER_ID_FOR_SRP"]

    def state(self) -> list[object]:
        """Everything that a refused call must leave alone."""
        inner = self.pool._state
        return [
            [attrs.asdict(user) for user in map(self.pool.user, ("ana", "bob", "cleo"))],
            dict(inner.sessions._kept),
            list(inner.outbox),
            [attrs.asdict(family) for family in inner.tokens.refresh_tokens._families.values()],
            [token.retired_at for token in inner.tokens.refresh_tokens._tokens.values()],
        ]


def request(draw: st.DrawFn, scene: Scene) -> tuple[str, dict[str, Any]]:
    """Draw a request: mostly what comes next in the conversation, sometimes nonsense."""

    def mostly(sense: str, *nonsense: str) -> str:
        return draw(st.sampled_from([sense] * 6 + list(nonsense)))

    def seen(kind: str) -> str:
        return mostly(scene.seen[kind][-1], *scene.seen[kind][:3])

    client_id, challenge = scene.last
    client = {"ClientId": mostly(client_id, "plain", "rotating", "stranger")}
    password = mostly(PASSWORD, "Wr0ng-one", "weak")
    match draw(st.sampled_from(["start", "answer", "answer", "refresh", "account"])):
        case "start":
            name = draw(st.sampled_from(["ana", "bob", "cleo", "cleo", "nobody"]))
            flow = mostly("USER_PASSWORD_AUTH", "USER_SRP_AUTH", "USER_AUTH", "USER_AUTH")
            parameters = {"USERNAME": name, "PASSWORD": password, "SRP_A": "2"}
            if draw(st.booleans()):
                parameters["PREFERRED_CHALLENGE"] = draw(
                    st.sampled_from(["EMAIL_OTP", "SMS_OTP", "PASSWORD", "PASSWORD_SRP"])
                )
            members = {"AuthFlow": flow, "AuthParameters": parameters}
            return "InitiateAuth", {**client, **members}
        case "answer":
            sent = scene.pool.outbox[-1].code if scene.pool.outbox else "000000"
            is_totp = challenge == "SOFTWARE_TOKEN_MFA"
            code = mostly(scene.pool.totp_code("ana") if is_totp else sent, "000000")
            answers = {
                "USERNAME": mostly(scene.name, "ana", "nobody"),
                "ANSWER": draw(st.sampled_from(CHOICES)),
                "NEW_PASSWORD": password,
                "PASSWORD": password,
                "SRP_A": "2",
                **dict.fromkeys(CODES, code),
                "PASSWORD_CLAIM_SECRET_BLOCK": seen("block"),
                "PASSWORD_CLAIM_SIGNATURE": "AAAA",
                "TIMESTAMP": "Tue Nov 14 22:13:20 UTC 2023",
            }
            members = {"ChallengeName": mostly(challenge, *CHALLENGES), "Session": seen("session")}
            return "RespondToAuthChallenge", {**client, **members, "ChallengeResponses": answers}
        case "refresh":
            if draw(st.integers(0, 5)) == 0:
                return "RevokeToken", {**client, "Token": seen("refresh")}
            members = {"RefreshToken": seen("refresh"), "DeviceKey": seen("device")}
            return "GetTokensFromRefreshToken", {**client, **members}
        case _:
            return account_request(draw, seen("access"), password)


def account_request(draw: st.DrawFn, token: str, password: str) -> tuple[str, dict[str, Any]]:
    authorized = {"AccessToken": token}
    switch = {"Enabled": draw(st.booleans()), "PreferredMfa": draw(st.booleans())}
    change = {"PreviousPassword": PASSWORD, "ProposedPassword": password}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("GetUser", authorized),
        ("GlobalSignOut", authorized),
        ("AssociateSoftwareToken", authorized),
        ("VerifySoftwareToken", {**authorized, "UserCode": "000000"}),
        ("SetUserMFAPreference", {**authorized, "SMSMfaSettings": switch}),
        ("SetUserMFAPreference", {**authorized, "SoftwareTokenMfaSettings": switch}),
        ("ChangePassword", {**authorized, **change}),
    ]
    call: tuple[str, dict[str, Any]] = draw(st.sampled_from(calls))
    return call


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_conversations(data: st.DataObject) -> None:
    scene = Scene()
    draw = st.composite(lambda draw: request(draw, scene))
    for _ in range(data.draw(st.integers(5, 25))):
        operation, members = data.draw(draw())
        before = scene.state()
        try:
            scene.note(members, scene.pool.handle(operation, members))
        except PoolError:
            assert scene.state() == before
        scene.clock.advance(data.draw(st.sampled_from([0, 0, 0, 0, 1, 4, 31, 200])))


def test_what_strangers_send_is_forgotten_in_time(monkeypatch: Any) -> None:
    """Openings and sessions that nobody comes back for do not pile up."""
    monkeypatch.setattr("aiocognito.testing.challenge_sessions._MOST", 3)
    monkeypatch.setattr("aiocognito.testing.srp_desk._MOST", 3)
    pool = Scene().pool
    for _ in range(5):
        for flow in ("USER_PASSWORD_AUTH", "USER_SRP_AUTH"):
            parameters = {"USERNAME": "ana", "PASSWORD": PASSWORD, "SRP_A": "2"}
            pool.handle(
                "InitiateAuth",
                {"ClientId": "plain", "AuthFlow": flow, "AuthParameters": parameters},
            )
    assert len(pool._state.sessions._kept) == 3
    assert len(pool._state.srp._openings) == 3
