"""Print one of the README's two commands: `python tests/readme_commands.py 2`.

The README's first two fenced `bash` blocks are the commands that set up and run the
main job, and that set up and pass the tests. CI runs them from there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def commands() -> list[str]:
    """Return the README's `bash` blocks, in order."""
    text = README.read_text(encoding="utf-8")
    return [
        block.strip()
        for block in re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


if __name__ == "__main__":
    print(commands()[int(sys.argv[1]) - 1])
