"""Lambda triggers of a local pool: plain Python functions with AWS's event shapes.

A trigger gets the event as a dictionary and returns it, its ``response`` filled in, as
a Lambda function does. Raising refuses the call, with the exception's text. Shapes:
developer guide, "Customizing user pool workflows with Lambda triggers".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from attrs import define, field

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.settings import PoolSettings

__all__ = ["Trigger", "Triggers"]

Trigger = Callable[[dict[str, Any]], Any]


@define
class Triggers:
    """The functions of one pool, by name: ``PreSignUp``, ``PostConfirmation`` and so on.

    Attributes:
        functions: Change it at any time; a missing name means no such trigger.
    """

    settings: PoolSettings
    functions: MutableMapping[str, Trigger] = field(factory=dict)

    def has(self, name: str) -> bool:
        """Say whether there is such a trigger."""
        return name in self.functions

    def run(
        self,
        source: str,
        *,
        username: str,
        client: LocalClient,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Run a trigger and return its ``response``; without one, `response` as given.

        Args:
            source: Such as ``PreSignUp_SignUp``; the part before ``_`` names the function.
            request: ``userAttributes`` and what else this trigger is told.
            response: The members of the answer with the values they start with.

        Raises:
            PoolError: ``UserLambdaValidationException`` if it raised,
                ``InvalidLambdaResponseException`` if it returned no event.
        """
        name = source.partition("_")[0]
        function = self.functions.get(name)
        if function is None:
            return response
        event = self._event(source, username, client, request, response)
        try:
            returned = function(event)
        except Exception as refusal:
            raise PoolError(
                "UserLambdaValidationException", f"{name} failed with error {refusal}."
            ) from refusal
        answer = returned.get("response") if isinstance(returned, Mapping) else None
        if not isinstance(answer, Mapping):
            raise PoolError("InvalidLambdaResponseException", "Unrecognizable lambda output")
        return {**response, **answer}

    def _event(
        self,
        source: str,
        username: str,
        client: LocalClient,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
    ) -> dict[str, Any]:
        return {
            "version": "1",
            "region": self.settings.pool.region,
            "userPoolId": self.settings.pool.text,
            "triggerSource": source,
            "userName": username,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": client.client_id,
            },
            # Copies: a function may scribble in what it gets.
            "request": copy.deepcopy(dict(request)),
            "response": copy.deepcopy(dict(response)),
        }
