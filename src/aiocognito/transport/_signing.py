"""Whose name a signed call goes out in.

botocore signs (SigV4); here it gets the keys. They are those of the aiobotocore
session that the caller gave, asked for at each call, so that renewing them stays that
session's business.

A signed call whose keys cannot be had is not sent at all.
"""

from __future__ import annotations

import inspect
from typing import Any

import anyio.to_thread

from aiocognito.errors import CognitoError, InvalidType, LocalProtocolError

__all__ = ["checked_aws_session", "frozen_keys"]


def checked_aws_session(session: Any) -> Any:
    """Return what looks like an aiobotocore session, without importing aiobotocore.

    Raises:
        InvalidType: It is none; a boto3 or botocore session answers synchronously.
    """
    if not inspect.iscoroutinefunction(getattr(session, "get_credentials", None)):
        raise InvalidType("aws", "an aiobotocore session", session)
    return session


async def frozen_keys(session: Any) -> Any:
    """Ask the caller's session for keys that are good now.

    Raises:
        LocalProtocolError: It finds none, or fails to renew them.
        CognitoError: It is one of ours, and says why it has none.
    """
    try:
        # Parsing the files below ~/.aws is the slow part of a first look; not on the loop.
        await anyio.to_thread.run_sync(getattr, session, "full_config", None)
        found = await session.get_credentials()
        if found is not None:
            return await found.get_frozen_credentials()
    except CognitoError:
        raise
    except Exception as error:  # noqa: BLE001 - a dozen providers raise what they like
        # The reason is of use; the frames it came through hold keys.
        failure = LocalProtocolError("The session given as aws= cannot get its credentials.")
        failure.__cause__ = error.with_traceback(None)
        error.__cause__ = error.__context__ = None
    else:
        raise LocalProtocolError("The session given as aws= finds no AWS credentials.")
    raise failure
