"""Which of Cognito's two APIs carries a sign-in.

Both hold the same conversation: the same challenges, the same answers, the same tokens.
The administrators' one names the pool, is signed with IAM credentials, and tells threat
protection of the person's request in its own terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Flow, Password

__all__ = ["PUBLIC", "SignInApi"]


@frozen
class SignInApi:
    """The public API, or the administrators' one.

    Attributes:
        pool_id: What the administrators' calls name; None stands for the public API.
    """

    pool_id: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether its calls are administrators' ones."""
        return self.pool_id is not None

    def auth_flow(self, flow: Flow) -> str:
        """Return ``AuthFlow``: the plain password has a name of its own here and there."""
        if self.is_admin and isinstance(flow, Password):
            return "ADMIN_USER_PASSWORD_AUTH"
        return flow.auth_flow

    def about(self, request: RequestContext) -> Mapping[str, Any]:
        """Return the members that every call of the conversation carries.

        Raises:
            InvalidArgument: As `RequestContext.admin_members`.
        """
        return request.admin_members() if self.is_admin else request.members()

    def call(
        self, operation: str, parameters: Mapping[str, Any], *, repeatable: bool = False
    ) -> Call:
        """Build InitiateAuth or RespondToAuthChallenge, or its administrators' twin."""
        if not self.is_admin:
            return Call(operation=operation, parameters=parameters, repeatable=repeatable)
        return Call(
            operation=f"Admin{operation}",
            parameters={"UserPoolId": self.pool_id, **parameters},
            repeatable=repeatable,
            signed=True,
        )


PUBLIC = SignInApi()
