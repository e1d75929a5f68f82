"""Sphinx: Markdown through MyST, one strict build, cross-references to what we stand on."""

from __future__ import annotations

import os
from importlib.metadata import version as installed_version

project = "aiocognito"
author = "the aiocognito authors"
copyright = "the aiocognito authors"  # noqa: A001  the name Sphinx reads
version = release = installed_version("aiocognito")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = "aiocognito"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# A name in single backticks links where it can and is set as code where it cannot.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    # Private homes, and what only appears in a signature that nobody calls.
    ("py:.*", r"aiocognito\.(.*\.)?_.*"),
    ("py:.*", r"aiocognito\.flow\.app_client\..*"),
    ("py:.*", r"aiocognito\.testing\.(backend|devices|faults|passwords|totp|users)\..*"),
    ("py:.*", r"aiocognito\.testing\.(openid_tokens|issued_credentials|relying_party)\..*"),
    ("py:.*", r"aiocognito\.flow\.answers\.BaseChallenge"),
    ("py:.*", r"aiocognito\.stores\.(keyring\.KeyringBackend|redis\.RedisClient)"),
    ("py:.*", r"aiocognito\.(login\.Conversation|session\.PoolServices|tokens\.saved\..*)"),
    ("py:.*", r"aiocognito\.verify\.verifier\.(AnyClient|VerifiedTokens)"),
    ("py:.*", r"aiocognito\.flow\.transitions\.State"),
    # Literals, whose values are in the text.
    ("py:class", r"(RefreshWith|DevicePolicy|Operation)"),
    ("py:.*", r"aiocognito\.pool\.PoolOptions"),  # what `open` takes is what the class takes
    # A sentence with a colon in "Returns" is taken for a type.
    ("py:class", r"[A-Z][\w']+ \w+.*"),
    # Aliases of unions and callables, explained where they are used.
    ("py:.*", r"(Challenge|Step|Flow|Event|Observer|Responder|Secret|AioSession|ClientSecret)"),
    ("py:.*", r"aiocognito\.signing\.CredentialsSource"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

if os.environ.get("DOCS_OFFLINE"):
    # Without the inventories nothing of other projects resolves; check the rest.
    intersphinx_mapping = {}
    nitpick_ignore_regex += [
        ("py:.*", r"(collections|datetime|os|typing|types|pathlib|anyio|attrs|aiobotocore)\b.*"),
        ("py:.*", r"[a-z]+"),
        ("py:.*", r"(Any|Awaitable|Callable|ClassVar|Iterable|Mapping|Path|Self|Sequence)"),
        ("py:exc", r"(Value|Type|Runtime|OS)Error"),
    ]
else:
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "anyio": ("https://anyio.readthedocs.io/en/stable", None),
        "attrs": ("https://www.attrs.org/en/stable", None),
        "cryptography": ("https://cryptography.io/en/latest", None),
    }
