"""What each refusal on the way to AWS credentials leads to, row by row.

R: tried again later, what is held is served meanwhile. F: the configuration is wrong,
said once and not asked again for a while. L: somebody has to sign in. T: throttled.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import field, frozen

from aiocognito import errors
from aiocognito.errors import CognitoError, RefreshFailed, ServiceError, SignInRequired
from aiocognito.flow.aws_flows import BasicFlow
from aiocognito.flow.calls import Call
from aiocognito.transport.error_codes import service_error
from tests.test_identity_pool import FakeSession, Service

ROLE = "arn:aws:iam::123456789012:role/reader"
BASIC = BasicFlow(ROLE)
EXPIRED = "Invalid login token. Token expired: 1727419245 >= 1727407607"


def refusal(code: str, message: str = "", operation: str = "GetCredentialsForIdentity") -> Any:
    return service_error(
        code=code, message=message, operation=operation, status=400, repeatable=True
    )


@frozen(kw_only=True)
class Row:
    """What the service says, and what is to follow.

    Attributes:
        operation: Who says it; all the time.
        raised: The error a caller sees, where nothing is held.
        calls: How often the operation was asked for before that.
        refreshes: How often the session was refreshed on the way.
        transient: Whether what is held is kept and asked for again soon.
    """

    code: str
    message: str = ""
    operation: str = "GetCredentialsForIdentity"
    raised: type[CognitoError]
    calls: int = 1
    refreshes: int = 0
    transient: bool = False
    flow: BasicFlow | None = field(default=None)

    @property
    def name(self) -> str:
        return f"{self.operation}-{self.code}-{self.message[-12:]}"


STS = "AssumeRoleWithWebIdentity"
F = errors.RoleNotAssumed
ROWS = [
    # NotAuthorized: refresh the session first, once
    Row(code="NotAuthorizedException", message=EXPIRED, raised=errors.LoginTokenRejected,
        calls=2, refreshes=1),
    Row(code="NotAuthorizedException", message="Token is inactive",
        raised=errors.LoginTokenRejected, calls=2, refreshes=1),
    # F, a matter of configuration
    Row(code="NotAuthorizedException", raised=errors.LoginTokenRejected,
        message="Token is not from a supported provider of this identity pool."),
    Row(code="NotAuthorizedException", raised=errors.LoginTokenRejected,
        message="Invalid login token. Issuer doesn't match providerName"),
    Row(code="NotAuthorizedException", raised=errors.LoginTokenRejected,
        message="Invalid login token. Missing a required claim: aud"),
    Row(code="NotAuthorizedException", raised=errors.NotAuthorized, operation="GetId",
        message="Unauthenticated access is not supported for this identity pool."),
    Row(code="ResourceConflictException", raised=errors.ResourceConflict),
    Row(code="InvalidIdentityPoolConfigurationException", raised=errors.InvalidConfiguration,
        calls=3),
    Row(code="LimitExceededException", raised=errors.LimitExceeded, operation="GetId"),
    Row(code="ResourceNotFoundException", raised=errors.ResourceNotFound, operation="GetId"),
    Row(code="InvalidParameterException", raised=errors.InvalidParameter, flow=BASIC,
        operation="GetOpenIdToken",
        message="Basic (classic) flow is not enabled, please use enhanced flow."),
    # R, tried again later
    Row(code="ExternalServiceException", raised=RefreshFailed, transient=True),
    Row(code="InternalErrorException", raised=RefreshFailed, transient=True, calls=2),
    Row(code="ServiceUnavailable", raised=RefreshFailed, transient=True, calls=2),
    # T, throttled
    Row(code="TooManyRequestsException", raised=RefreshFailed, transient=True),
    Row(code="TooManyRequestsException", raised=RefreshFailed, transient=True,
        operation="GetId"),
    # STS
    Row(code="ExpiredTokenException", raised=F, operation=STS, calls=2, flow=BASIC),
    Row(code="InvalidIdentityToken", raised=F, operation=STS, calls=2, refreshes=1, flow=BASIC),
    Row(code="IDPCommunicationError", raised=RefreshFailed, operation=STS, transient=True,
        flow=BASIC),
    Row(code="IDPRejectedClaim", raised=F, operation=STS, flow=BASIC),
    Row(code="RegionDisabledException", raised=F, operation=STS, flow=BASIC),
    Row(code="PackedPolicyTooLarge", raised=F, operation=STS, flow=BASIC),
    Row(code="MalformedPolicyDocument", raised=F, operation=STS, flow=BASIC),
    Row(code="AccessDenied", raised=F, operation=STS, flow=BASIC),
    Row(code="ValidationError", raised=errors.InvalidParameter, operation=STS, flow=BASIC),
    Row(code="Throttling", raised=RefreshFailed, operation=STS, transient=True, flow=BASIC),
]  # fmt: skip


class Refusing(Service):
    """Says the same to one operation all the time."""

    row: Row | None = None

    async def send(self, call: Call) -> Any:
        row = self.row
        if row is not None and call.operation == row.operation:
            self.calls.append(call)
            raise refusal(row.code, row.message, row.operation)
        return await super().send(call)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_refusal_leads_to_what_the_table_says(row: Row) -> None:
    """F045, F099"""
    service = Refusing()
    service.row = row
    session = FakeSession(service.clock, "ana")
    async with service.pool() as pool:
        holder = pool.for_session(session, flow=row.flow)
        with pytest.raises(row.raised) as caught:
            await holder.credentials()
        assert service.count[row.operation] == row.calls
        assert session.refreshes == row.refreshes
        cause = caught.value.__cause__ if row.transient else caught.value
        assert isinstance(cause, ServiceError)
        assert cause.code == row.code
        # Whoever asks next is told without another call.
        with pytest.raises(CognitoError):
            await holder.credentials()
        assert service.count[row.operation] == row.calls


# An identity that is known is not asked for again.
LATER = [row for row in ROWS if row.operation != "GetId"]


@pytest.mark.parametrize("row", LATER, ids=lambda row: row.name)
async def test_what_is_held_is_served_while_it_lives_whatever_is_refused(row: Row) -> None:
    service = Refusing()
    async with service.pool() as pool:
        holder = pool.for_session(FakeSession(service.clock, "ana"), flow=row.flow)
        held = await holder.credentials()
        service.row = row
        service.clock.advance(3600 - 50)  # critical: a new one is waited for
        assert await holder.credentials() is held


async def test_an_expired_openid_token_is_replaced_once() -> None:
    service = Service()
    service.on_call = lambda call: (
        service.failures.append(refusal("ExpiredTokenException", operation=STS))
        if call.operation == STS and service.count[STS] == 1
        else None
    )
    async with service.pool() as pool:
        await pool.for_session(FakeSession(service.clock, "ana"), flow=BASIC).credentials()
    assert [call.operation for call in service.calls] == [
        "GetId",
        "GetOpenIdToken",
        STS,
        "GetOpenIdToken",
        STS,
    ]


async def test_a_login_that_expired_is_mended_by_one_refresh() -> None:
    service = Service()
    session = FakeSession(service.clock, "ana")
    service.failures = [refusal("NotAuthorizedException", EXPIRED, "GetId")]
    async with service.pool() as pool:
        assert await pool.for_session(session).credentials()
    assert session.refreshes == 1


async def test_a_user_who_was_signed_out_everywhere_has_to_sign_in() -> None:
    """The refresh that "Token is inactive" asks for says so in the session's own terms."""
    service = Refusing()
    service.row = Row(
        code="NotAuthorizedException", message="Token is inactive", raised=SignInRequired
    )
    session = FakeSession(service.clock, "ana")
    session.refresh_error = SignInRequired("ana", "refresh-token-rejected")
    async with service.pool() as pool:
        with pytest.raises(SignInRequired):
            await pool.for_session(session).credentials()


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Token is not from a supported provider of this identity pool.", "app client"),
        ("Invalid login token. Issuer doesn't match providerName", "issuer-cognito-idp"),
        ("Invalid login token. Missing a required claim: aud", "access token"),
        (EXPIRED, "has expired"),
        ("Token is inactive", "signed out"),
        ("Invalid login token. Couldn't verify signed token.", "signature"),
    ],
)
def test_a_refused_login_says_what_to_do(message: str, hint: str) -> None:
    """F098"""
    assert hint in str(refusal("NotAuthorizedException", message))
