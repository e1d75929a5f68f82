"""What each flow puts into its first call, and what it wants of the password."""

from __future__ import annotations

from typing import Any, Literal

from aiocognito.errors import InvalidArgument
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp

__all__ = [
    "auth_parameters",
    "check_password_use",
    "is_repeatable",
    "opens_srp",
    "password_use",
    "sends_password",
]


def opens_srp(flow: Flow) -> bool:
    """Whether the first call carries SRP_A."""
    if isinstance(flow, Custom):
        return flow.srp
    return isinstance(flow, Srp) or _prefers(flow, "PASSWORD_SRP")


def sends_password(flow: Flow) -> bool:
    """Whether the caller chose to show the service the password."""
    return isinstance(flow, Password) or _prefers(flow, "PASSWORD")


def _prefers(flow: Flow, *names: str) -> bool:
    return isinstance(flow, Choice) and flow.preferred in names


def password_use(flow: Flow) -> Literal["needed", "possible", "none"]:
    """Whether a flow wants a password: `Choice` may come to need one on the way."""
    if opens_srp(flow) or sends_password(flow):
        return "needed"
    return "possible" if isinstance(flow, Choice) else "none"


def check_password_use(flow: Flow, *, given: bool) -> None:
    """Raise `InvalidArgument` where a flow needs a password or has no use for one."""
    use = password_use(flow)
    if use == "needed" and not given:
        raise InvalidArgument("password", f"given: {flow!r} needs it")
    if use == "none" and given:
        raise InvalidArgument("password", f"left out: {flow!r} does not prove it")


def is_repeatable(flow: Flow) -> bool:
    """Whether the first call may be sent again when its answer was lost.

    A second one replaces the first. Not so where each one counts: as an attempt with
    the password in the clear, as a message to the user, as a trigger's run.
    """
    if isinstance(flow, Choice) and flow.session is not None:
        return False
    if isinstance(flow, Custom):
        return flow.srp
    return not (sends_password(flow) or _prefers(flow, "EMAIL_OTP", "SMS_OTP"))


def auth_parameters(flow: Flow) -> dict[str, Any]:
    """Return what the flow adds to ``AuthParameters``, besides names and proofs."""
    if isinstance(flow, Choice):
        return _choice_parameters(flow)
    return {"CHALLENGE_NAME": "SRP_A"} if flow == Custom(srp=True) else {}


def _choice_parameters(flow: Choice) -> dict[str, Any]:
    given = {
        "PREFERRED_CHALLENGE": flow.preferred,
        "TARGET_ACR_VALUES": " ".join(flow.acr_values) or None,
        "MAX_AGE": None if flow.max_age is None else str(flow.max_age),
        "ACCESS_TOKEN": flow.access_token,
    }
    return {name: value for name, value in given.items() if value is not None}
