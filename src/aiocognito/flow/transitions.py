"""What may happen when, in a sign-in: the states, the inputs, and the table of both.

`machine` moves by this table and nothing else. What is not in it is an error, ours
where the caller is out of turn, the server's otherwise.
"""

from __future__ import annotations

from enum import Enum

__all__ = [
    "ASKED",
    "MENDING",
    "OPERATIONS",
    "REFUSALS",
    "SETTING_UP",
    "TRANSITIONS",
    "Input",
    "State",
]


class State(Enum):
    """What we wait for."""

    READY = "nothing was sent"
    SRP_SENT = "SRP_A is sent"
    PASSWORD_SENT = "the password is sent"  # noqa: S105  a state's description
    NAME_SENT = "the user's name is sent, and no proof"
    CLAIM_SENT = "the proof of the password is sent"
    WAITING = "a challenge waits for the caller's answer"
    ANSWER_SENT = "the caller's answer is sent"
    SECRET_ASKED = "a secret for an authenticator is asked for"  # noqa: S105
    CODE_SENT = "the authenticator's first code is sent"
    SETUP_REPORTED = "the set-up of the authenticator is reported"
    DEVICE_SRP_SENT = "SRP_A of the remembered device is sent"
    DEVICE_CLAIM_SENT = "the proof of the remembered device is sent"
    CLOSED = "the conversation is over"


class Input(Enum):
    """What can happen."""

    BEGIN_SRP = "the caller begins with SRP"
    BEGIN_PASSWORD = "the caller begins with the password"  # noqa: S105
    BEGIN_NAME = "the caller begins with the name alone"
    ANSWER = "the caller answers"
    ANSWER_SRP = "the caller answers with SRP"
    ANSWER_DEVICE = "the caller answers with a remembered device"
    ASK_SECRET = "the caller wants to set up an authenticator"  # noqa: S105
    SEND_CODE = "the caller sends the authenticator's first code"
    TOKENS = "AuthenticationResult"
    VERIFIER = "PASSWORD_VERIFIER, and SRP is open"
    STRAY_VERIFIER = "PASSWORD_VERIFIER, and SRP is not open"
    SRP_DEMAND = "PASSWORD_SRP, and the password is at hand"
    DEVICE_DEMAND = "DEVICE_SRP_AUTH, and the device is at hand"
    DEVICE_AGAIN = "DEVICE_SRP_AUTH, and the device was asked for before"
    OTHER_DEVICE = "DEVICE_SRP_AUTH for another device than the one at hand"
    DEVICE_VERIFIER = "DEVICE_PASSWORD_VERIFIER, and SRP of the device is open"
    STRAY_DEVICE_VERIFIER = "DEVICE_PASSWORD_VERIFIER, and SRP of the device is not open"
    CHALLENGE = "any other challenge"
    SECRET = "a secret for an authenticator"  # noqa: S105
    CODE_RIGHT = "the authenticator's first code was right"
    CODE_WRONG = "the authenticator's first code was wrong"
    EARLY_NEW_PASSWORD = "NEW_PASSWORD_REQUIRED before the proof of the old one"  # noqa: S105
    PLAINTEXT_DEMAND = "a challenge that wants the password, in a flow that keeps it"
    MENDABLE = "an error after which the same challenge still stands"
    FAILURE = "any other error, or cancellation"


ASKED = (
    State.SRP_SENT,
    State.PASSWORD_SENT,
    State.NAME_SENT,
    State.CLAIM_SENT,
    State.ANSWER_SENT,
    State.SETUP_REPORTED,
    State.DEVICE_SRP_SENT,
    State.DEVICE_CLAIM_SENT,
)
# When a remembered device may be asked for: not while the proof of the password is due.
_PAST_THE_PASSWORD = (
    State.PASSWORD_SENT,
    State.NAME_SENT,
    State.CLAIM_SENT,
    State.ANSWER_SENT,
    State.SETUP_REPORTED,
)
SETTING_UP = (State.SECRET_ASKED, State.CODE_SENT)
MENDING = (State.ANSWER_SENT, *SETTING_UP)

TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.READY, Input.BEGIN_SRP): State.SRP_SENT,
    (State.READY, Input.BEGIN_PASSWORD): State.PASSWORD_SENT,
    (State.READY, Input.BEGIN_NAME): State.NAME_SENT,
    (State.SRP_SENT, Input.VERIFIER): State.CLAIM_SENT,
    # Not in SRP_SENT: there SRP_A has been sent already.
    (State.PASSWORD_SENT, Input.SRP_DEMAND): State.SRP_SENT,
    (State.NAME_SENT, Input.SRP_DEMAND): State.SRP_SENT,
    (State.ANSWER_SENT, Input.SRP_DEMAND): State.SRP_SENT,
    (State.WAITING, Input.ANSWER): State.ANSWER_SENT,
    (State.WAITING, Input.ANSWER_SRP): State.SRP_SENT,
    (State.WAITING, Input.ANSWER_DEVICE): State.DEVICE_SRP_SENT,
    (State.WAITING, Input.ASK_SECRET): State.SECRET_ASKED,
    (State.WAITING, Input.SEND_CODE): State.CODE_SENT,
    (State.SECRET_ASKED, Input.SECRET): State.WAITING,
    (State.CODE_SENT, Input.CODE_RIGHT): State.SETUP_REPORTED,
    (State.CODE_SENT, Input.CODE_WRONG): State.WAITING,
    **{(state, Input.DEVICE_DEMAND): State.DEVICE_SRP_SENT for state in _PAST_THE_PASSWORD},
    (State.DEVICE_SRP_SENT, Input.DEVICE_VERIFIER): State.DEVICE_CLAIM_SENT,
    **{(state, Input.TOKENS): State.CLOSED for state in ASKED},
    **{(state, Input.CHALLENGE): State.WAITING for state in ASKED},
    **{(state, Input.FAILURE): State.CLOSED for state in (*ASKED, *SETTING_UP)},
    **{(state, Input.MENDABLE): State.CLOSED for state in ASKED},
    **{(state, Input.MENDABLE): State.WAITING for state in MENDING},
}

REFUSALS = {
    Input.STRAY_VERIFIER: "The server asks for an SRP proof that was not offered.",
    Input.EARLY_NEW_PASSWORD: "The server asks for a new password before the old one was proven.",
    Input.PLAINTEXT_DEMAND: "The server asks for the password in the clear.",
    Input.SRP_DEMAND: "The server asks for SRP_A again.",
    Input.DEVICE_DEMAND: "The server asks for the device before the proof of the password.",
    Input.DEVICE_AGAIN: "The server asks for the remembered device again.",
    Input.OTHER_DEVICE: "The server asks for another device than the one it was told of.",
    Input.STRAY_DEVICE_VERIFIER: "The server asks for a device's proof that was not offered.",
}

OPERATIONS = {
    "RespondToAuthChallenge": Input.ANSWER,
    "AssociateSoftwareToken": Input.ASK_SECRET,
    "VerifySoftwareToken": Input.SEND_CODE,
}
