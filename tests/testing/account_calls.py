"""The account calls of somebody at a client of a local pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.testing.clients import LocalClient
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import PASSWORD, secret_hash

EMAIL, PHONE = "ana@example.com", "+4915112345678"
WRONG = ("CodeMismatchException", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
LIMIT = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
UNWRITABLE = ("NotAuthorizedException", "A client attempted to write unauthorized attribute")


def listed(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


@frozen
class AppAt:
    """An app client of a pool, and the calls without a token."""

    pool: CheckedPool
    client: LocalClient

    def call(self, operation: str, username: str = "ana", **members: Any) -> dict[str, Any]:
        named = {"ClientId": self.client.client_id, "Username": username}
        if self.client.client_secret is not None:
            named["SecretHash"] = secret_hash(self.client, username)
        return self.pool.handle(operation, {**named, **members})

    def sign_up(self, username: str = "ana", **attributes: str) -> dict[str, Any]:
        given = listed(attributes or {"email": EMAIL})
        return self.call("SignUp", username, Password=PASSWORD, UserAttributes=given)

    def confirm(
        self, username: str = "ana", code: str | None = None, **members: Any
    ) -> dict[str, Any]:
        code = code if code is not None else self.code()
        return self.call("ConfirmSignUp", username, ConfirmationCode=code, **members)

    def settle(self, username: str = "ana", **attributes: str) -> str:
        """Sign up, confirm, and return an access token."""
        self.sign_up(username, **attributes)
        self.confirm(username)
        return self.token(username)

    def token(self, username: str = "ana") -> str:
        return self.pool.mint(username, self.client.client_id)

    def with_token(self, operation: str, token: str, **members: Any) -> dict[str, Any]:
        return self.pool.handle(operation, {"AccessToken": token, **members})

    def update(self, token: str, **attributes: str) -> list[Any]:
        answer = self.with_token("UpdateUserAttributes", token, UserAttributes=listed(attributes))
        return list(answer["CodeDeliveryDetailsList"])

    def attributes(self, username: str = "ana") -> dict[str, str]:
        answer = self.with_token("GetUser", self.token(username))
        return {entry["Name"]: entry["Value"] for entry in answer["UserAttributes"]}

    def code(self) -> str:
        """The code that was sent last."""
        return self.pool.outbox[-1].code

    def wrong_code(self) -> str:
        return f"{(int(self.code()) + 1) % 10**6:06d}"
