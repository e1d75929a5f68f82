"""The local pool's passkeys: registered, listed, deleted, and signed in with.

What makes a credential right or wrong is `test_relying_party`'s affair.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fido2.utils import websafe_decode

from aiocognito.errors import InvalidArgument
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.passkeys import MOST
from tests.authenticator import RP_ID, UP, Authenticator
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import Person, refusal, tokens

MakePool = Callable[..., CheckedPool]
ALL = ("PASSWORD", "WEB_AUTHN")
WRONG = ("NotAuthorizedException", "The passkey was not accepted.")
SPENT = "Invalid session for the user, session can only be used once."


class Owner:
    """Somebody with an authenticator at hand."""

    def __init__(self, person: Person, device: Authenticator | None = None) -> None:
        self.person, self.device = person, device or Authenticator()

    def token(self, client_id: str | None = None) -> str:
        return self.person.pool.mint(self.person.name, client_id or self.person.client.client_id)

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.person.pool.handle(operation, {"AccessToken": self.token(), **members})

    def start(self) -> dict[str, Any]:
        options = self.call("StartWebAuthnRegistration")["CredentialCreationOptions"]
        return dict(json.loads(json.dumps(options)))

    def complete(self, credential: dict[str, Any]) -> dict[str, Any]:
        return self.call("CompleteWebAuthnRegistration", Credential=credential)

    def register(self, **wrong: Any) -> None:
        assert self.complete(self.device.register(self.start(), **wrong)) == {}

    def listed(self, **members: Any) -> list[str]:
        answer = self.call("ListWebAuthnCredentials", **members)
        return [entry["CredentialId"] for entry in answer["Credentials"]]

    def ask(self, **parameters: str) -> dict[str, Any]:
        return self.person.initiate("USER_AUTH", **parameters)

    def answer(self, asked: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        credential = self.device.authenticate(options_in(asked), **wrong)
        return self.person.answer(asked, CREDENTIAL=json.dumps(credential))

    def sign_in(self, **wrong: Any) -> dict[str, Any]:
        return self.answer(self.ask(PREFERRED_CHALLENGE="WEB_AUTHN"), **wrong)


def options_in(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"]))


@pytest.fixture
def make(make_pool: MakePool, settle: Settle) -> Callable[..., Owner]:
    def make(user: dict[str, Any] | None = None, **settings: Any) -> Owner:
        given = {"first_factors": ALL, "relying_party": RP_ID, **settings}
        return Owner(settle(make_pool(**given), **(user or {})))

    return make


@pytest.fixture
def ana(make: Callable[..., Owner]) -> Owner:
    return make()


# --- registering ------------------------------------------------------------------------


def test_the_options_are_what_a_browser_needs(ana: Owner) -> None:
    options = ana.start()
    user = ana.person.pool.user("ana")
    assert options["rp"] == {"id": RP_ID, "name": RP_ID}
    assert websafe_decode(options["user"]["id"]) == user.sub.encode()
    assert options["user"]["name"] == "ana"
    assert len(websafe_decode(options["challenge"])) == 32
    assert [entry["alg"] for entry in options["pubKeyCredParams"]] == [-7, -257]
    assert options["authenticatorSelection"]["userVerification"] == "preferred"
    assert options["excludeCredentials"] == []
    ana.register()
    assert [entry["id"] for entry in ana.start()["excludeCredentials"]] == ana.listed()


def test_a_passkey_is_registered_listed_and_deleted(ana: Owner, clock: ManualClock) -> None:
    ana.register()
    (entry,) = ana.call("ListWebAuthnCredentials")["Credentials"]
    assert entry == {
        "CredentialId": ana.device.register(ana.start())["id"],
        "FriendlyCredentialName": "Passkey",
        "RelyingPartyId": RP_ID,
        "AuthenticatorAttachment": "platform",
        "AuthenticatorTransports": ["internal", "hybrid"],
        "CreatedAt": clock.wall(),
    }
    assert "WEB_AUTHN" in ana.call("GetUserAuthFactors")["ConfiguredUserAuthFactors"]
    delete = {"CredentialId": entry["CredentialId"]}
    assert ana.call("DeleteWebAuthnCredential", **delete) == {}
    assert ana.listed() == []
    assert "WEB_AUTHN" not in ana.call("GetUserAuthFactors")["ConfiguredUserAuthFactors"]
    assert refusal(ana.call, "DeleteWebAuthnCredential", **delete)[0] == "ResourceNotFoundException"


def test_an_attachment_nobody_knows_is_left_out(ana: Owner) -> None:
    credential = ana.device.register(ana.start())
    ana.complete({**credential, "authenticatorAttachment": "telepathic"})
    (entry,) = ana.call("ListWebAuthnCredentials")["Credentials"]
    assert "AuthenticatorAttachment" not in entry


def test_the_list_has_pages(ana: Owner) -> None:
    for _ in range(5):
        ana.device = Authenticator()
        ana.register()
    first = ana.call("ListWebAuthnCredentials", MaxResults=3)
    second = ana.call("ListWebAuthnCredentials", MaxResults=3, NextToken=first["NextToken"])
    assert "NextToken" not in second
    ids = [entry["CredentialId"] for page in (first, second) for entry in page["Credentials"]]
    assert ids == sorted(ids) == ana.listed()
    assert len(set(ids)) == 5
    wrong = refusal(ana.call, "ListWebAuthnCredentials", NextToken="x")
    assert wrong[0] == "InvalidParameterException"


def test_twenty_passkeys_are_the_most(ana: Owner) -> None:
    for _ in range(MOST - 1):
        ana.device = Authenticator()
        ana.register()
    late = Owner(ana.person)
    options = late.start()
    user = ana.person.pool.user("ana")
    pending = user.pending_passkey
    ana.device = Authenticator()
    ana.register()
    assert len(ana.listed()) == MOST
    assert refusal(ana.start)[0] == "LimitExceededException"
    user.pending_passkey = pending  # as if both had been started at once
    answer = late.device.register(options)
    assert refusal(late.complete, answer)[0] == "LimitExceededException"


def test_a_challenge_is_answered_once_and_in_time(ana: Owner, clock: ManualClock) -> None:
    nothing = refusal(ana.complete, ana.device.register(ana.start() | {"challenge": "A" * 43}))
    assert nothing[0] == "WebAuthnChallengeNotFoundException"
    credential = ana.device.register(ana.start())
    clock.advance(180)
    assert refusal(ana.complete, credential)[0] == "WebAuthnChallengeNotFoundException"
    credential = ana.device.register(ana.start())
    clock.advance(179)
    ana.complete(credential)
    assert refusal(ana.complete, credential)[0] == "WebAuthnChallengeNotFoundException"


def test_a_challenge_is_spent_by_a_wrong_answer_too(ana: Owner) -> None:
    options = ana.start()
    wrong = ana.device.register(options, origin="https://evil.example")
    assert refusal(ana.complete, wrong)[0] == "WebAuthnOriginNotAllowedException"
    right = ana.device.register(options)
    assert refusal(ana.complete, right)[0] == "WebAuthnChallengeNotFoundException"


def test_a_new_start_voids_the_one_before(ana: Owner) -> None:
    first = ana.device.register(ana.start())
    ana.start()
    assert refusal(ana.complete, first)[0] == "WebAuthnChallengeNotFoundException"


def test_it_is_completed_where_it_was_started(ana: Owner) -> None:
    other = ana.person.pool.add_client()
    credential = ana.device.register(ana.start())
    request = {"AccessToken": ana.token(other.client_id), "Credential": credential}
    code = refusal(ana.person.pool.handle, "CompleteWebAuthnRegistration", request)[0]
    assert code == "WebAuthnClientMismatchException"
    ana.complete(credential)


def test_one_passkey_is_one_persons(ana: Owner) -> None:
    ana.register()
    ana.person.pool.add_user("ben", "Passw0rd!")
    ben = Person(ana.person.pool, ana.person.client, ana.person.clock, "ben", "Passw0rd!")
    thief = Owner(ben, ana.device)
    code = refusal(lambda: thief.register())[0]
    assert code == "InvalidParameterException"
    assert thief.listed() == []


@pytest.mark.parametrize(
    ("settings", "at_start", "at_completion"),
    [
        ({"first_factors": ["PASSWORD"]}, "NotEnabled", "NotEnabled"),
        ({"relying_party": None}, "ConfigurationMissing", "ChallengeNotFound"),
    ],
    ids=["no factor", "no relying party"],
)
def test_pools_without_passkeys(
    make: Callable[..., Owner], settings: dict[str, Any], at_start: str, at_completion: str
) -> None:
    ana = make(**settings)
    assert refusal(ana.start)[0] == f"WebAuthn{at_start}Exception"
    assert refusal(ana.complete, {})[0] == f"WebAuthn{at_completion}Exception"
    assert ana.listed() == []
    assert "WEB_AUTHN" not in ana.ask()["AvailableChallenges"]


def test_the_managed_login_domain_is_the_relying_party_where_none_is_named(
    make: Callable[..., Owner],
) -> None:
    # F034
    ana = make(relying_party=None, domain="shop")
    host = "shop.auth.eu-west-1.amazoncognito.com"
    assert ana.start()["rp"]["id"] == host
    ana.register(origin=f"https://{host}")
    tokens(ana.sign_in(origin=f"https://{host}"))


@pytest.mark.parametrize("name", ["com", "", "Example.com", "192.0.2.1", "a/b.example", "a." * 70])
def test_what_no_relying_party_can_be_called(make_pool: MakePool, name: str) -> None:
    with pytest.raises(InvalidArgument, match="relying_party"):
        make_pool(relying_party=name or ".")


def test_the_relying_party_may_be_localhost(make: Callable[..., Owner]) -> None:
    ana = make(relying_party="localhost")
    ana.register(origin="http://localhost:3000")


def test_tokens_of_nobody_are_refused(ana: Owner) -> None:
    ana.register()
    token = ana.token()
    ana.person.pool.remove_user("ana")
    pool = ana.person.pool
    for operation, members in (
        ("StartWebAuthnRegistration", {}),
        ("CompleteWebAuthnRegistration", {"Credential": {}}),
        ("ListWebAuthnCredentials", {}),
        ("DeleteWebAuthnCredential", {"CredentialId": "x"}),
    ):
        request = {"AccessToken": token, **members}
        assert refusal(pool.handle, operation, request)[0] == "NotAuthorizedException"


@pytest.mark.parametrize("credential", [5, "{}", [], True])
def test_a_credential_is_an_object(ana: Owner, credential: Any) -> None:
    ana.start()
    assert refusal(ana.complete, credential)[0] == "SerializationException"


@pytest.mark.parametrize(
    ("settings", "described"),
    [
        ({}, ("preferred", "SINGLE_FACTOR")),
        (
            {"user_verification": "required", "passkey_mfa": True},
            ("required", "MULTI_FACTOR_WITH_USER_VERIFICATION"),
        ),
    ],
    ids=str,
)
def test_the_configuration_is_described(
    make: Callable[..., Owner], settings: dict[str, Any], described: tuple[str, str]
) -> None:
    # F033
    pool = make(**settings).person.pool
    answer = pool.handle("GetUserPoolMfaConfig", {"UserPoolId": pool.user_pool_id})
    found = answer["WebAuthnConfiguration"]
    assert found["RelyingPartyId"] == RP_ID
    assert (found["UserVerification"], found["FactorConfiguration"]) == described
    policies = pool.describe_user_pool()["UserPool"]["Policies"]
    assert "WEB_AUTHN" in policies["SignInPolicy"]["AllowedFirstAuthFactors"]


def test_a_pool_without_mfa_and_passkeys_describes_neither(make_pool: MakePool) -> None:
    pool = make_pool(mfa="OFF")
    answer = pool.handle("GetUserPoolMfaConfig", {"UserPoolId": pool.user_pool_id})
    assert answer == {"MfaConfiguration": "OFF"}


# --- signing in -------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [-7, -257])
def test_a_passkey_signs_in(ana: Owner, algorithm: int) -> None:
    ana.device = Authenticator(algorithm=algorithm)
    ana.register()
    for _ in range(2):
        tokens(ana.sign_in())
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    options = options_in(asked)
    assert asked["ChallengeName"] == "WEB_AUTHN"
    assert (options["rpId"], options["userVerification"]) == (RP_ID, "preferred")
    assert [entry["id"] for entry in options["allowCredentials"]] == ana.listed()


def test_it_is_chosen_with_and_without_the_answer_at_once(ana: Owner) -> None:
    ana.register()
    asked = ana.ask()
    assert asked["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD", "WEB_AUTHN"]
    then = ana.person.answer(asked, ANSWER="WEB_AUTHN")
    assert options_in(then)["challenge"] != options_in(asked)["challenge"]
    tokens(ana.answer(then))
    asked = ana.ask()
    credential = ana.device.authenticate(options_in(asked))
    at_once = {"ANSWER": "WEB_AUTHN", "CREDENTIAL": json.dumps(credential)}
    tokens(ana.person.answer(asked, **at_once))
    assert refusal(ana.person.answer, asked, **at_once)[1] == SPENT


def test_who_has_none_is_not_offered_one(ana: Owner) -> None:
    assert "WEB_AUTHN" not in ana.ask()["AvailableChallenges"]
    assert ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")["ChallengeName"] == "SELECT_CHALLENGE"


def test_a_wrong_answer_spends_the_challenge(ana: Owner) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    assert refusal(ana.answer, asked, origin="https://evil.example") == WRONG
    assert refusal(ana.answer, asked)[1] == SPENT
    tokens(ana.sign_in())


def test_a_right_answer_works_once(ana: Owner) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    credential = json.dumps(ana.device.authenticate(options_in(asked)))
    tokens(ana.person.answer(asked, CREDENTIAL=credential))
    assert refusal(ana.person.answer, asked, CREDENTIAL=credential)[1] == SPENT
    # Nor does it answer another challenge.
    later = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    assert refusal(ana.person.answer, later, CREDENTIAL=credential) == WRONG


def test_an_answer_that_comes_too_late(ana: Owner, clock: ManualClock) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    clock.advance(180)
    assert "expired" in refusal(ana.answer, asked)[1]


@pytest.mark.parametrize("text", ["", "x", "[]", '{"id":1,"id":2}'])
def test_what_is_no_credential_is_not_weighed(ana: Owner, text: str) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    code = refusal(ana.person.answer, asked, CREDENTIAL=text)[0]
    assert code == "InvalidParameterException"
    tokens(ana.answer(asked))


def test_a_copy_of_the_passkey_is_noticed(ana: Owner) -> None:
    ana.register()
    tokens(ana.sign_in(count=7))
    assert refusal(ana.sign_in, count=7) == WRONG
    assert refusal(ana.sign_in, count=3) == WRONG
    tokens(ana.sign_in(count=8))


def test_a_deleted_passkey_signs_nobody_in(ana: Owner) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    ana.call("DeleteWebAuthnCredential", CredentialId=ana.listed()[0])
    assert refusal(ana.answer, asked) == WRONG


def test_another_users_passkey_signs_nobody_in(ana: Owner) -> None:
    ana.register()
    ana.person.pool.add_user("ben", "Passw0rd!")
    ben = Person(ana.person.pool, ana.person.client, ana.person.clock, "ben", "Passw0rd!")
    other = Owner(ben)
    other.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    credential = other.device.authenticate(options_in(asked))
    assert refusal(ana.person.answer, asked, CREDENTIAL=json.dumps(credential)) == WRONG


def test_nobody_looks_like_somebody_with_another_passkey(ana: Owner) -> None:
    # F031
    ana.register()
    nobody = Owner(Person(ana.person.pool, ana.person.client, ana.person.clock, "nobody", "x"))
    nobody.device.user_handle = b"x"
    first, second = (nobody.ask(PREFERRED_CHALLENGE="WEB_AUTHN") for _ in range(2))
    assert first["ChallengeName"] == "WEB_AUTHN"
    assert options_in(first)["allowCredentials"] == options_in(second)["allowCredentials"]
    assert options_in(first).keys() == options_in(nobody.ask()).keys()
    assert refusal(nobody.answer, first) == WRONG
    assert refusal(nobody.answer, first)[1] == SPENT


def test_who_may_not_sign_in_learns_it_after_the_proof(ana: Owner) -> None:
    ana.register()
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    ana.person.pool.user("ana").status = "RESET_REQUIRED"
    assert refusal(ana.answer, asked)[0] == "PasswordResetRequiredException"


# --- where two factors are needed -------------------------------------------------------


def switch(owner: Owner, enabled: bool) -> dict[str, Any]:
    return owner.call("SetUserMFAPreference", WebAuthnMfaSettings={"Enabled": enabled})


def test_one_factor_is_not_offered_where_two_are_needed(make: Callable[..., Owner]) -> None:
    ana = make({"totp": True})
    ana.register()
    assert "WEB_AUTHN" not in ana.ask()["AvailableChallenges"]
    assert refusal(switch, ana, True)[0] == "InvalidParameterException"


def test_a_verified_user_with_a_passkey_has_shown_two(make: Callable[..., Owner]) -> None:
    ana = make({"totp": True}, passkey_mfa=True)
    ana.register()
    assert "WEB_AUTHN" not in ana.ask()["AvailableChallenges"]
    switch(ana, True)
    asked = ana.ask(PREFERRED_CHALLENGE="WEB_AUTHN")
    assert options_in(asked)["userVerification"] == "required"
    assert refusal(ana.answer, asked, flags=UP) == WRONG
    tokens(ana.sign_in())
    switch(ana, False)
    assert "WEB_AUTHN" not in ana.ask()["AvailableChallenges"]


def test_a_passkey_may_stand_for_two_where_everybody_needs_two(make: Callable[..., Owner]) -> None:
    ana = make({"totp": True}, passkey_mfa=True, mfa="ON")
    ana.register()
    tokens(ana.sign_in())


def test_another_factor_has_to_be_on_besides(make: Callable[..., Owner]) -> None:
    ana = make(passkey_mfa=True)
    ana.register()
    assert refusal(switch, ana, True)[0] == "InvalidParameterException"
    tokens(ana.sign_in())


def test_a_wrong_user_verification_is_refused(make_pool: MakePool) -> None:
    with pytest.raises(InvalidArgument, match="user_verification"):
        make_pool(user_verification="discouraged")
