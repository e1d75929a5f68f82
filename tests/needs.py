"""Skip where the machine lacks something, fail where it must not.

On a developer's machine a missing Node or server is a reason to skip. In CI the
variable ``AIOCOGNITO_REQUIRE_ALL`` says that everything was installed, and then a
skip would only hide that nothing was tested.
"""

from __future__ import annotations

import os

import pytest

REQUIRE_ALL = os.environ.get("AIOCOGNITO_REQUIRE_ALL", "") not in {"", "0"}


def needs(what: str, available: bool, reason: str) -> None:
    """Go on if `available`, otherwise skip (or fail in CI) and say why.

    Args:
        what: The thing that is needed, such as ``node``.
        available: Whether it is there.
        reason: How to get it, for the person who reads the line.
    """
    if available:
        return
    message = f"needs {what}: {reason}"
    if REQUIRE_ALL:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
