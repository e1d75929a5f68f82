"""pycognito as a client of our local pool; run by the peers' interpreter, never by ours.

One action per line in, one outcome per line out, as in js/conversation.mjs.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import botocore
import jwt
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito import AWSSRP, Cognito
from pycognito.exceptions import (
    ForceChangePasswordException,
    SoftwareTokenMFAChallengeException,
    TokenVerificationException,
)

# KeyError is what it raises where it meets a challenge it did not expect.
ITS_OWN = (TokenVerificationException, jwt.PyJWTError, KeyError)


class Driver:
    """One pycognito user; every method is an action."""

    def __init__(self, endpoint: str, pool: str, client: str, secret: str | None = None) -> None:
        self._endpoint, self._pool, self._client, self._secret = endpoint, pool, client, secret
        self._keys = jwt.PyJWKClient(f"{endpoint}/{pool}/.well-known/jwks.json")

    def _be(self, username: str) -> None:
        self._user = Cognito(
            self._pool,
            self._client,
            username=username,
            client_secret=self._secret,
            # Without UNSIGNED it looks for AWS credentials, for calls that need none.
            botocore_config=Config(signature_version=botocore.UNSIGNED),
            boto3_client_kwargs={"endpoint_url": self._endpoint},
        )
        # pycognito takes every endpoint for an issuer. The pool's is AWS's own, so the
        # keys are fetched from where the pool is and the issuer is left as it should be.
        self._user.pool_jwk = self._keys.fetch_data()
        self._user.pool_domain_url = None

    # --- accounts ---

    def sign_up(self, username: str, password: str, **attributes: str) -> dict[str, Any]:
        self._be(username)
        self._user.set_base_attributes(**attributes)
        return {"answer": dict(self._user.register(username, password))}

    def confirm(self, code: str) -> dict[str, Any]:
        self._user.confirm_sign_up(code)
        return {"status": "SUCCESS"}

    def resend(self) -> dict[str, Any]:
        self._user.resend_confirmation_code(self._user.username)
        return {"status": "SUCCESS"}

    def forget(self) -> dict[str, Any]:
        self._user.initiate_forgot_password()
        return {"status": "SUCCESS"}

    def recover(self, code: str, password: str) -> dict[str, Any]:
        self._user.confirm_forgot_password(code, password)
        return {"status": "SUCCESS"}

    def update(self, **attributes: str) -> dict[str, Any]:
        self._user.update_profile(attributes)
        return {"status": "SUCCESS"}

    def send_code(self, attribute: str) -> dict[str, Any]:
        self._user.send_verification(attribute)
        return {"status": "SUCCESS"}

    def verify_attribute(self, attribute: str, code: str) -> dict[str, Any]:
        self._user.validate_verification(code, attribute)
        return {"status": "SUCCESS"}

    def delete(self) -> dict[str, Any]:
        self._user.delete_user()
        return {"status": "SUCCESS"}

    # --- signing in ---

    def sign_in(self, username: str, password: str) -> dict[str, Any]:
        self._be(username)
        self._password = password
        try:
            self._user.authenticate(password)
        except SoftwareTokenMFAChallengeException:
            return {"challenge": "SOFTWARE_TOKEN_MFA"}
        except ForceChangePasswordException:
            return {"challenge": "NEW_PASSWORD_REQUIRED"}
        return self._tokens()

    def sign_in_on_device(
        self, username: str, password: str, key: str, group: str, secret: str
    ) -> dict[str, Any]:
        """Sign in with SRP alone: only this class of pycognito's knows of devices."""
        self._be(username)
        exchange = AWSSRP(
            username,
            password,
            self._pool,
            self._client,
            client=self._user.client,
            device_key=key,
            device_group_key=group,
            device_password=secret,
        )
        result = exchange.authenticate_user()["AuthenticationResult"]
        names = {"id": "IdToken", "access": "AccessToken", "refresh": "RefreshToken"}
        return {"tokens": {ours: result[theirs] for ours, theirs in names.items()}}

    def new_password(self, password: str) -> dict[str, Any]:
        self._user.new_password_challenge(self._password, password)
        return self._tokens()

    def code(self, code: str) -> dict[str, Any]:
        self._user.respond_to_software_token_mfa_challenge(code)
        return self._tokens()

    def associate(self) -> dict[str, Any]:
        return {"secret": self._user.associate_software_token()}

    def verify(self, code: str) -> dict[str, Any]:
        return {"status": "SUCCESS" if self._user.verify_software_token(code) else "ERROR"}

    def prefer_totp(self) -> dict[str, Any]:
        self._user.set_user_mfa_preference(False, True, "SOFTWARE_TOKEN")
        return {"status": "SUCCESS"}

    def refresh(self) -> dict[str, Any]:
        self._user.renew_access_token()
        return self._tokens()

    def attributes(self) -> dict[str, Any]:
        user = self._user.get_user()
        return {"sub": user.sub, "email_verified": user.email_verified, **user._data}

    def change_password(self, old: str, password: str) -> dict[str, Any]:
        self._user.change_password(old, password)
        return {"status": "SUCCESS"}

    def sign_out_everywhere(self) -> dict[str, Any]:
        self._user.logout()
        return {"status": "SUCCESS"}

    def decode(self, token: str, audience: str | None = None) -> dict[str, Any]:
        """Let PyJWT find the key by its `kid`, check the signature and read the claims."""
        key = self._keys.get_signing_key_from_jwt(token)
        issuer = f"https://cognito-idp.{self._pool.split('_')[0]}.amazonaws.com/{self._pool}"
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], audience=audience, issuer=issuer
        )
        return {"claims": claims, "kid": key.key_id}

    def _tokens(self) -> dict[str, Any]:
        # That they are here means that pycognito has verified both against the key set.
        user = self._user
        return {
            "tokens": {
                "id": user.id_token,
                "access": user.access_token,
                "refresh": user.refresh_token,
            }
        }


def outcome(driver: Driver, request: dict[str, Any]) -> dict[str, Any]:
    action = getattr(driver, request.pop("do"))
    try:
        answer: dict[str, Any] = action(**request)
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "message": str(error)}
    except ITS_OWN as error:
        return {"error": type(error).__name__, "message": str(error)}
    return answer


def main() -> None:
    driver = Driver(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(outcome(driver, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
