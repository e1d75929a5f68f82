"""The part of `UserPool` about accounts: signing up, and a forgotten password."""

from __future__ import annotations

from collections.abc import Mapping

from aiocognito._pool_checks import checked_context
from aiocognito._services import PoolServices
from aiocognito.account import deliver
from aiocognito.errors import SessionClosed
from aiocognito.flow import account as calls
from aiocognito.flow.account_reading import (
    CodeDelivery,
    SignUpConfirmed,
    SignUpResult,
    read_confirmation,
    read_delivery,
    read_sign_up,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.context import RequestContext

__all__ = ["PoolAccounts"]


class PoolAccounts:
    """What people do about their accounts before they are signed in."""

    _services: PoolServices
    _context: RequestContext

    async def sign_up(
        self,
        username: str,
        password: str | None = None,
        *,
        attributes: calls.Attributes | None = None,
        validation_data: Mapping[str, str] | None = None,
        context: RequestContext | None = None,
    ) -> SignUpResult:
        """Make a user, who must confirm the account before signing in as a rule.

        Never repeated by itself: after a lost answer the user may exist, and
        `UsernameExists` may be one's own success. `LimitExceeded` too may leave a user
        behind who got no code.

        Args:
            username: What the person will sign in with; an e-mail address or phone
                number where the pool says so.
            password: None only in pools that let people sign in without one.
            attributes: By name, such as ``{"email": "ana@example.com"}``.
            validation_data: For the pre-sign-up trigger alone; it is not kept.
            context: For triggers, threat protection and analytics.

        Cancelling leaves it unknown whether the user exists.

        Raises:
            UsernameExists: Somebody has the name.
            InvalidPassword: ``unmet`` says what the password lacks.
            TriggerFailed: The pre-sign-up trigger refused, in its own words.
            CognitoError: Anything else.
        """
        call = calls.sign_up_call(
            self._services.client,
            username,
            password,
            attributes=attributes,
            validation_data=validation_data,
            context=self._laid_over(context),
        )
        return read_sign_up((await self._deliver(call)).body)

    async def confirm_sign_up(
        self,
        username: str,
        code: str,
        *,
        force_alias: bool = False,
        session: str | None = None,
        context: RequestContext | None = None,
    ) -> SignUpConfirmed:
        """Confirm an account with the code that was sent.

        Args:
            username: As at the sign-up.
            code: As text; blanks are dropped.
            force_alias: Take an e-mail address or phone number over from the account
                that has it as its alias.
            session: `SignUpResult.session`, for signing in straight afterwards.
            context: For triggers, threat protection and analytics.

        Cancelling leaves it unknown whether the account is confirmed.

        Raises:
            CodeMismatch: The code is wrong, or there is no such user.
            ExpiredCode: It is too old or was replaced; see `resend_confirmation_code`.
            AliasExists: Another account has the address or number.
            NotAuthorized: The account is confirmed already.
            CognitoError: Anything else.
        """
        call = calls.confirm_sign_up_call(
            self._services.client,
            username,
            code,
            force_alias=force_alias,
            session=session,
            context=self._laid_over(context),
        )
        return read_confirmation((await self._deliver(call)).body)

    async def resend_confirmation_code(
        self, username: str, *, context: RequestContext | None = None
    ) -> CodeDelivery | None:
        """Send the code of a sign-up again; the earlier one is void then.

        Raises:
            InvalidParameter: The account is confirmed already.
            LimitExceeded: Too often.
            CognitoError: Anything else.
        """
        call = calls.resend_call(self._services.client, username, self._laid_over(context))
        return read_delivery((await self._deliver(call)).body)

    async def forgot_password(
        self, username: str, *, context: RequestContext | None = None
    ) -> CodeDelivery | None:
        """Send a code for a new password, good for an hour.

        An answer does not prove that the user exists: most pools pretend for those who
        do not.

        Raises:
            InvalidParameter: No verified address or number to send it to.
            NotAuthorized: The user waits for a first sign-in and has a temporary password.
            LimitExceeded: Too often.
            CognitoError: Anything else.
        """
        call = calls.forgot_password_call(self._services.client, username, self._laid_over(context))
        return read_delivery((await self._deliver(call)).body)

    async def confirm_forgot_password(
        self,
        username: str,
        code: str,
        new_password: str,
        *,
        context: RequestContext | None = None,
    ) -> None:
        """Set a new password with the code that `forgot_password` sent.

        Sessions elsewhere live on; `Session.sign_out` with ``everywhere`` ends them.
        Cancelling leaves it unknown which password counts.

        Raises:
            CodeMismatch: The code is wrong, or there is no such user.
            ExpiredCode: It is too old, or none was asked for.
            InvalidPassword: ``unmet`` says what is missing; the code is still good.
            CognitoError: Anything else.
        """
        call = calls.confirm_forgot_password_call(
            self._services.client, username, code, new_password, self._laid_over(context)
        )
        await self._deliver(call)

    async def _deliver(self, call: Call) -> Reply:
        self._check_open()
        return await deliver(self._services, call)

    def _check_open(self) -> None:
        if self._services.closed:
            raise SessionClosed

    def _laid_over(self, context: RequestContext | None) -> RequestContext:
        return self._context if context is None else checked_context(context).over(self._context)
