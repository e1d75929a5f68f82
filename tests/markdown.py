"""Run the Python of a Markdown page against a local Cognito.

The blocks of a page make one program, so a later block may use (or, indented, go on
with) an earlier one. They are written for a real pool; here their `UserPool` and
`IdentityPool` talk to the local one.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from aiocognito.testing import LocalCognito

ROOT = Path(__file__).resolve().parents[1]


def source_of(page: str) -> str:
    """Return the page's Python, with blank lines in place of the prose."""
    lines, inside = [], False
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        fence = re.match(r"^(```+)(\w*)", line)
        if fence:
            inside = not inside and fence[2] == "python"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines) + "\n"


def program(page: str, local: LocalCognito, *, s3: str | None = None) -> dict[str, Any]:
    """Run a page's definitions and return them, with the local services behind them."""
    names: dict[str, Any] = {"__name__": page}
    source = source_of(page)
    if s3 is not None:
        source = source.replace('create_client("s3")', f'create_client("s3", endpoint_url="{s3}")')
    exec(compile(source, str(ROOT / page), "exec"), names)
    for pool in ("UserPool", "IdentityPool"):
        if pool in names:
            names[pool] = functools.partial(names[pool], endpoint_url=local.url)
    return names
