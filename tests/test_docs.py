"""What README and documentation tell people to type works."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiobotocore.session import get_session

from aiocognito import (
    ChallengeRequired,
    IncorrectUsernameOrPassword,
    NewPasswordRequired,
    RemoteProtocolError,
    UserPool,
)
from aiocognito.flow.calls import Reply
from aiocognito.stores import MemoryTokenStore
from aiocognito.testing import LocalCognito, LocalRole, ManualClock
from tests.authenticator import RP_ID, Authenticator
from tests.markdown import ROOT, program, source_of

# The pages are about wording, not loops; one loop will do.
pytestmark = pytest.mark.may_block

PASSWORD = "Passw0rd!"
PAGES = ["README.md", *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def local() -> Iterator[LocalCognito]:
    with LocalCognito() as running:
        running.add_user("ana", PASSWORD, totp=True, attributes={"email": "ana@example.com"})
        running.add_user("ben", PASSWORD)
        yield running


@pytest.fixture
def totp_secret(local: LocalCognito) -> str:
    secret = local.pool.user("ana").totp_secret
    assert secret is not None
    return secret


def code_of_ana(local: LocalCognito) -> Callable[..., Any]:
    async def ask(*_: object) -> str:
        return local.totp_code("ana")

    return ask


def code_of_pending(local: LocalCognito) -> Callable[..., Any]:
    """A person with a new authenticator, who mistypes once."""
    tries = iter(("000000 is wrong", "right"))

    async def ask(*_: object) -> str:
        token = local.pool.user("ana").pending_token
        assert token is not None
        right = token.unused_code(time.time())
        return right if next(tries) == "right" else f"{(int(right) + 500_000) % 10**6:06d}"

    return ask


def saying(text: str) -> Callable[..., Any]:
    async def say(*_: object) -> str:
        return text

    return say


def after_srp(define: Callable[..., Any]) -> Callable[..., Any]:
    """Let a page's trigger, which knows of one custom challenge alone, follow SRP too."""

    def defines(event: dict[str, Any]) -> Any:
        past = event["request"]["session"]
        if [each["challengeName"] for each in past] == ["SRP_A"]:
            event["response"]["challengeName"] = "PASSWORD_VERIFIER"
            return event
        of_srp = ("SRP_A", "PASSWORD_VERIFIER")
        event["request"]["session"] = [p for p in past if p["challengeName"] not in of_srp]
        return define(event)

    return defines


class Buckets(BaseHTTPRequestHandler):
    """Just enough of S3 to list one bucket for somebody who signs."""

    def do_GET(self) -> None:
        signed = self.headers["Authorization"] and self.headers["X-Amz-Security-Token"]
        body = "<Buckets><Bucket><Name>reports</Name></Bucket></Buckets>"
        if "list-type=2" in self.path:
            body = "<Contents><Key>2025.csv</Key></Contents>"
        body = f"<Result>{body}</Result>"
        self.send_response(200 if signed else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def s3() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Buckets) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("page", PAGES)
def test_python_in_a_page_compiles(page: str) -> None:
    compile(source_of(page), page, "exec")


class TestReadme:
    @pytest.fixture
    def page(self, local: LocalCognito) -> dict[str, Any]:
        return program("README.md", local)

    async def test_sign_in(self, page: Any, local: LocalCognito, totp_secret: str) -> None:
        token = await page["sign_in"](local.user_pool_id, local.client_id, PASSWORD, totp_secret)
        assert token.count(".") == 2

    async def test_worker(self, page: Any, local: LocalCognito, totp_secret: str) -> None:
        async def read_secret() -> str:
            return PASSWORD

        token = await page["work"](local.user_pool_id, local.client_id, read_secret, totp_secret)
        assert token.count(".") == 2

    async def test_worker_with_a_wrong_password(
        self, page: Any, local: LocalCognito, totp_secret: str
    ) -> None:
        with pytest.raises(IncorrectUsernameOrPassword):
            await page["work"](local.user_pool_id, local.client_id, "Wr0ng-one!", totp_secret)

    async def test_conversation(self, page: Any, local: LocalCognito) -> None:
        ask = code_of_ana(local)
        token = await page["converse"](local.user_pool_id, local.client_id, PASSWORD, ask)
        assert token.count(".") == 2

    async def test_two_requests(self, page: Any, local: LocalCognito) -> None:
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            cookie = await page["first_request"](pool, PASSWORD)
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            state = await page["second_request"](pool, cookie, local.totp_code("ana"))
            token = await page["after_a_restart"](pool, state)
        assert token.count(".") == 2

    async def test_buckets(self, local: LocalCognito, totp_secret: str, s3: str) -> None:
        page = program("README.md", local, s3=s3)
        names = await page["buckets"](
            local.user_pool_id,
            local.client_id,
            local.identity_pool_id,
            PASSWORD,
            totp_secret,
            "eu-west-1",
        )
        assert names == ["reports"]

    async def test_testing(self, page: Any) -> None:
        await page["test_somebody_can_sign_in"]()


class TestTutorial:
    async def test_first_sign_in(self, local: LocalCognito) -> None:
        page = program("docs/tutorials/first-sign-in.md", local)
        page["UserPool"] = UserPool  # this page names the endpoint itself
        await page["with_a_pool"](page["lesson"])


class TestHowTo:
    async def test_sign_in_with_mfa(self, local: LocalCognito, totp_secret: str) -> None:
        page = program("docs/howto/sign-in-with-mfa.md", local)
        pool_id, client_id = local.user_pool_id, local.client_id
        assert await page["with_a_totp_secret"](pool_id, client_id, PASSWORD, totp_secret)

    async def test_asking_a_person(self, local: LocalCognito) -> None:
        page = program("docs/howto/sign-in-with-mfa.md", local)
        ask = page["prefer_the_app"](page["ask_with"](code_of_ana(local)))
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            session = await pool.sign_in("ana", PASSWORD, respond=ask)
            assert session.claims["email"] == "ana@example.com"

    async def test_answering_later(self, local: LocalCognito) -> None:
        page = program("docs/howto/sign-in-with-mfa.md", local)
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            session = await page["answer_later"](pool, PASSWORD, code_of_ana(local))
            assert await session.id_token()

    async def test_a_first_password(self, local: LocalCognito) -> None:
        local.add_user("new", PASSWORD, temporary=True)
        page = program("docs/howto/sign-in-with-mfa.md", local)
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            with pytest.raises(ChallengeRequired) as caught:
                await pool.sign_in("new", PASSWORD)
            assert isinstance(caught.value.challenge, NewPasswordRequired)
            respond = page["with_new_password"]("An0ther-one!", {})
            assert await pool.sign_in("new", PASSWORD, respond=respond)

    async def test_signing_up(self, local: LocalCognito) -> None:
        # F035, F036, F056, F074, F091
        page = program("docs/howto/accounts.md", local)
        page["UserPool"] = UserPool  # this page names the endpoint itself
        refused, too_old, done = await page["check_registration"]()
        assert refused == "Email domain not allowed"
        assert too_old == "Too old. A new one went to a***@e***."
        assert done == "Confirmed."
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            register, confirm = page["register"], page["confirm"]
            assert await register(pool, "ana", PASSWORD, "a@b.example") == "Somebody has this name."
            assert await register(pool, "new", "weak", "a@b.example") == (
                "The password lacks: length"
            )
            assert await register(pool, "new", PASSWORD, "a@b.example") == (
                "We have sent a code to a***@b***."
            )
            assert await confirm(pool, "new", "nonsense") == "That is not the code."

    async def test_an_account(self, local: LocalCognito) -> None:
        # F014, F015, F090
        page = program("docs/howto/accounts.md", local)

        async def read_mail(*_: object) -> str:
            return local.outbox[-1].code

        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            assert "a***@e***" in await page["forgot"](pool, "ana")
            local.pool.user("ana").mfa.clear()
            session = await page["recover"](pool, "ana", await read_mail(), "An0ther-one!")
            moved = await page["move"](session, "ana@example.org", read_mail)
            assert moved == ("ana@example.org", True)
            shown: list[str] = []
            await page["add_authenticator"](session, shown.append, code_of_pending(local))
            assert (await session.get_user()).preferred_mfa == "SOFTWARE_TOKEN_MFA"
            await page["delete"](session)
        with pytest.raises(LookupError):
            local.pool.user("ana")

    async def test_an_authenticator_on_the_way(self) -> None:
        # F041
        with LocalCognito(mfa="ON") as local:
            local.add_user("ana", PASSWORD)
            page = program("docs/howto/sign-in-with-mfa.md", local)
            shown: list[str] = []

            async def show(uri: str) -> None:
                shown.append(uri)

            async def ask(_: str) -> str:
                token = local.pool.user("ana").pending_token
                assert token is not None
                assert token.secret in shown[0]
                return token.unused_code(time.time())

            respond = page["set_up_an_authenticator"](show, ask)
            async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
                assert await pool.sign_in("ana", PASSWORD, respond=respond)

    async def test_custom_challenges(self, local: LocalCognito) -> None:
        page = program("docs/howto/custom-challenges.md", local)
        local.pool.triggers.update(
            {
                "DefineAuthChallenge": after_srp(page["define"]),
                "CreateAuthChallenge": page["create"],
                "VerifyAuthChallengeResponse": page["verify"],
            }
        )

        async def solve(parameters: Any) -> str:
            return {"2 + 3": "5"}[parameters["question"]]

        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            assert (await page["by_hand"](pool, PASSWORD, solve)).username == "ana"
            assert await page["for_a_tenant"](pool, "7", solve)
            local.add_user("svc-importer")
            assert await page["service"](pool, solve).access_token()

    async def test_testing_triggers(self, local: LocalCognito) -> None:
        page = program("docs/howto/custom-challenges.md", local)
        page["UserPool"] = UserPool  # this block names the endpoint itself
        await page["test_the_triggers"]()

    async def test_passwordless(self) -> None:
        flows = ("ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
        factors = ("PASSWORD", "EMAIL_OTP")
        with LocalCognito(first_factors=factors, explicit_auth_flows=flows) as local:
            local.add_user("ana", PASSWORD, attributes={"email": "ana@example.com"})
            page = program("docs/howto/passwordless.md", local)

            async def ask(_: object) -> str:
                return local.outbox[-1].code

            async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
                assert (await page["with_a_code"](pool, "ana", ask)).username == "ana"
                for choice in ("EMAIL_OTP", "PASSWORD_SRP"):
                    choose, password = saying(choice), saying(PASSWORD)
                    assert await page["let_them_choose"](pool, "ana", choose, ask, password)
                email = {"email": "new@example.com"}
                started = await pool.sign_up("new", PASSWORD, attributes=email)
                assert await page["welcome"](pool, "new", started, local.outbox[-1].code)

    async def test_remembered_devices(self) -> None:
        with LocalCognito(device_tracking="OPT_IN") as local:
            local.add_user("ana", PASSWORD, totp=True)
            local.add_user("svc-importer", PASSWORD)
            page = program("docs/howto/remember-devices.md", local)
            kept: list[bytes] = []
            heard: list[tuple[str, ...]] = []

            async def respond(challenge: Any) -> Any:
                return challenge.answer(local.totp_code("ana", unused=True))

            async def agrees() -> bool:
                return True

            pool = page["watching"](
                local.user_pool_id,
                local.client_id,
                lambda name, key: heard.append(("deleted", name, key)),
                lambda name: heard.append(("saved", name)),
            )
            async with pool:
                await page["remember"](pool, "ana", PASSWORD, respond, agrees, kept.append)
                session = await page["sign_in"](pool, "ana", PASSWORD, None, kept[0])
                await page["look_around"](session)
                await page["sign_in"](pool, "ana", PASSWORD, respond, kept[0])
            assert [what for what, *_ in heard] == ["saved", "deleted"]

            async def secret() -> str:
                return PASSWORD

            worker = page["importer"](local.user_pool_id, local.client_id, secret, respond)
            assert await worker
            assert local.pool.user("svc-importer").devices

    async def test_passkeys(self) -> None:
        flows = ("ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
        kept: list[Any] = []

        async def keep(value: Any) -> None:
            kept.append(value)

        with LocalCognito(
            first_factors=("PASSWORD", "WEB_AUTHN"),
            relying_party=RP_ID,
            explicit_auth_flows=flows,
        ) as local:
            local.add_user("ana", PASSWORD)
            local.add_user("svc-importer", PASSWORD)
            page = program("docs/howto/passkeys.md", local)
            browser = Authenticator()
            async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
                assert await page["begin"](pool, "ana", keep) is None
                session = await pool.sign_in("ana", PASSWORD)
                asked = json.loads(await page["options_for_the_browser"](session))
                await page["take_the_new_passkey"](session, json.dumps(browser.register(asked)))
                asked = json.loads(await page["begin"](pool, "ana", keep))
                credential = json.dumps(browser.authenticate(asked))
                assert (await page["finish"](pool, kept.pop(), credential)).username == "ana"

                session = await pool.sign_in("svc-importer", PASSWORD)
                await page["give_it_a_passkey"](session, keep)
                for _ in range(2):
                    assert await page["worker"](pool, kept.pop(), keep).access_token()

    async def test_keep_a_worker_signed_in(self, local: LocalCognito, totp_secret: str) -> None:
        page = program("docs/howto/keep-a-worker-signed-in.md", local)
        seen: list[str] = []

        async def call_the_api(token: str) -> None:
            seen.append(token)

        await page["work"](local.user_pool_id, local.client_id, PASSWORD, totp_secret, call_the_api)
        assert len(seen) == 1

    async def test_a_worker_that_starts_again(self, local: LocalCognito, tmp_path: Path) -> None:
        page = program("docs/howto/keep-a-worker-signed-in.md", local)
        await self.serves_one_token(page["work_over_restarts"], local, tmp_path / "tokens")

    async def test_share_one_identity(self, local: LocalCognito) -> None:
        page = program("docs/howto/share-one-identity.md", local)
        await self.serves_one_token(page["work"], local, MemoryTokenStore())

    async def serves_one_token(
        self, work: Callable[..., Any], local: LocalCognito, store: object
    ) -> None:
        seen: list[str] = []

        async def call_the_api(token: str) -> None:
            seen.append(token)

        for _ in range(2):
            await work(local.user_pool_id, local.client_id, PASSWORD, store, call_the_api)
        assert seen[0] == seen[1]

    async def test_observing(self, local: LocalCognito) -> None:
        page = program("docs/howto/keep-a-worker-signed-in.md", local)
        seen: list[str] = []
        async with page["observed"](
            local.user_pool_id, local.client_id, seen.append, seen.append
        ) as pool:
            await (await pool.sign_in("ben", PASSWORD)).sign_out()
        assert seen == ["tokens.sign-in", "ben", "ended.signed-out"]

    async def test_save_and_restore(self, local: LocalCognito) -> None:
        page = program("docs/howto/save-and-restore.md", local)
        sessions: dict[str, Any] = {}
        written: dict[str, bytes] = {}
        async with page["saving"](
            local.user_pool_id, local.client_id, sessions, written.__setitem__
        ) as pool:
            sessions["ben"] = await pool.sign_in("ben", PASSWORD)
            await sessions["ben"].refresh()
            assert await page["save"](sessions["ben"])
        async with page["UserPool"](local.user_pool_id, local.client_id) as pool:
            assert await page["restore"](pool, written["ben"])

    async def test_verify_tokens(self, local: LocalCognito) -> None:
        page = program("docs/howto/verify-tokens.md", local)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await pool.sign_in("ben", PASSWORD)
            good = await session.access_token()
            sub = session.claims.sub
        answers: list[tuple[int, str]] = []

        async def respond(status: int, text: str) -> None:
            answers.append((status, text))

        async def requests() -> AsyncIterator[tuple[str, Any]]:
            for token in (good, good[:-8] + "AAAAAAAA"):
                yield token, respond

        await page["serve"](local.user_pool_id, local.client_id, requests(), endpoint_url=local.url)
        assert answers[0] == (200, sub)
        assert answers[1][0] == 401

    async def test_aws_credentials(self, local: LocalCognito, totp_secret: str, s3: str) -> None:
        page = program("docs/howto/aws-credentials.md", local, s3=s3)
        keys = await page["objects"](
            local.user_pool_id,
            local.client_id,
            local.identity_pool_id,
            PASSWORD,
            totp_secret,
            "eu-west-1",
            "reports",
        )
        assert keys == ["2025.csv"]

    async def test_a_guest(self, local: LocalCognito) -> None:
        page = program("docs/howto/aws-credentials.md", local)
        assert await page["as_a_guest"](local.identity_pool_id)

    async def test_identities_of_every_kind(self, tmp_path: Path) -> None:
        # F008, F077, F080
        role = "arn:aws:iam::000000000000:role/reader"
        aws = get_session()
        aws.set_credentials("AKIDEXAMPLE", "secret")
        with LocalCognito(classic_flow=True, developer_provider="login.example") as local:
            local.identity_pool.add_role(LocalRole(arn=role))
            google = local.identity_pool.add_provider("accounts.google.com")
            page = program("docs/howto/aws-credentials.md", local)
            folder, pool_id = tmp_path / "guests", local.identity_pool_id
            guest = await page["as_the_same_guest"](pool_id, folder)
            assert await page["as_the_same_guest"](pool_id, folder) == guest
            assert await page["with_google"](pool_id, saying(google.token("ana")))
            assert await page["with_a_role"](pool_id, role)
            identity_id, token = await page["vouch"](pool_id, aws, "ana")
            given = page["logins"].developer(pool_id, token)
            async with page["IdentityPool"](pool_id) as identities:
                ana = identities.for_logins(given, identity_id=identity_id)
                assert (await ana.credentials()).identity_id == identity_id

    async def test_your_app(self, local: LocalCognito) -> None:
        page = program("docs/howto/test-your-app.md", local)
        page["UserPool"] = UserPool  # this page names the endpoint itself
        assert await page["check_sign_in"]() == "ana"
        assert await page["check_refresh"]()

    async def test_your_app_with_the_plugin(
        self, local_cognito: LocalCognito, local_cognito_clock: ManualClock
    ) -> None:
        page = program("docs/howto/test-your-app.md", local_cognito)
        page["UserPool"] = lambda *given, **options: UserPool(
            *given, **options, clock=local_cognito_clock
        )
        await page["test_the_profile_page"](local_cognito)

    async def test_administering(self, local: LocalCognito) -> None:
        # F047, F050, F051, F053
        page = program("docs/howto/administer.md", local)
        pool_id, client_id, aws = local.user_pool_id, local.client_id, get_session()
        aws.set_credentials("AKIDEXAMPLE", "secret")
        assert await page["newcomers"](pool_id, client_id, aws) == ["eva"]
        async with page["UserPool"](pool_id, client_id, aws=aws) as pool:
            await pool.admin.update_user("eva", {"family_name": "O'Hara"})
            (found,) = await page["by_name"](pool, "O'")
            assert found.username == "eva"
            assert await page["hand_over"](pool, "eva", PASSWORD) == "FORCE_CHANGE_PASSWORD"
            assert await page["make_editor"](pool, "eva") == ["editors"]

    def test_driving_the_core(self, local: LocalCognito) -> None:
        page = program("docs/howto/drive-the-core-yourself.md", local)
        codes = iter(["000000", local.totp_code("ana")])
        tokens = page["converse"](
            page["flow_for"](local.user_pool_id, local.client_id, "ana", PASSWORD),
            lambda call: anyio.run(local.transport().send, call),
            lambda challenge: challenge.answer(next(codes)),
        )
        assert tokens.access_token.reveal().count(".") == 2

    def test_driving_the_core_past_a_lying_server(self, local: LocalCognito) -> None:
        page = program("docs/howto/drive-the-core-yourself.md", local)
        flow = page["flow_for"](local.user_pool_id, local.client_id, "ana", PASSWORD)
        lie = Reply(body={"ChallengeName": "NEW_PASSWORD_REQUIRED"}, date=None)
        with pytest.raises(RemoteProtocolError):
            page["converse"](flow, lambda _: lie, None)
