"""A service in a few lines, under each thing Cognito may do with a reused refresh token.

What it really does is not documented: whether a use after the grace period ends the one
call or the whole family, and whether a second use within it brings another valid child,
the same one, or ends the first.
"""

from __future__ import annotations

from typing import Literal

from attrs import define, evolve, field

Hypothesis = Literal["refused", "revoked", "both", "same", "newest"]

WITHOUT_GRACE: tuple[Hypothesis, ...] = ("refused", "revoked")
WITHIN_GRACE: tuple[Hypothesis, ...] = ("both", "same", "newest")


@define
class Token:
    name: str
    parent: str | None
    used: bool = False
    dead: bool = False


@define
class Service:
    """One family of refresh tokens. Its grace period is nothing, or does not end.

    Attributes:
        hypothesis: What a second use of a token does.
    """

    hypothesis: Hypothesis
    tokens: dict[str, Token] = field(factory=lambda: {"t": Token("t", None)})
    revoked: bool = False
    minted: int = 0

    def copy(self) -> Service:
        """Return another with the same past."""
        tokens = {name: evolve(token) for name, token in self.tokens.items()}
        return evolve(self, tokens=tokens)

    def present(self, name: str) -> str | None:
        """Return a refresh token for a refresh token, or None: refused."""
        token = self.tokens[name]
        if self.revoked or token.dead:
            return None
        if token.used and self.hypothesis in WITHOUT_GRACE:
            self.revoked = self.hypothesis == "revoked"
            return None
        if token.used and self.hypothesis == "same":
            return next(child.name for child in self.tokens.values() if child.parent == name)
        if token.used and self.hypothesis == "newest":
            for child in self.tokens.values():
                child.dead |= child.parent == name
        token.used = True
        self.minted += 1
        child = Token(f"{name}{self.minted}", parent=name)
        self.tokens[child.name] = child
        return child.name

    def is_alive(self, name: str) -> bool:
        """Whether presenting it now would bring another."""
        token = self.tokens[name]
        if self.revoked or token.dead:
            return False
        return not (token.used and self.hypothesis in WITHOUT_GRACE)

    def state(self) -> tuple[object, ...]:
        """What tells two services apart."""
        return (
            self.revoked,
            tuple((t.name, t.used, t.dead) for t in self.tokens.values()),
        )
