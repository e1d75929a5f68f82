"""What a report that prints local variables would show of an error."""

from __future__ import annotations

import traceback
from base64 import b64encode

CANARY = b"canary-refresh-token"
# As it is, and as it looks inside an encoded entry, wherever its bytes begin there.
_SHAPES = [CANARY, *(b64encode(b"x" * shift + CANARY)[4:-4] for shift in range(3))]


def shown(error: BaseException) -> str:
    """Return the report, causes and local variables included."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format())


def leaks(error: BaseException) -> bool:
    """Say whether the canary is in the report, outside of frames of tests."""
    error_report = shown(error)
    frames = error_report.split("  File ")
    ours = "".join(frame for frame in frames if "/tests/" not in frame.partition(",")[0])
    return any(shape.decode() in ours for shape in _SHAPES)
