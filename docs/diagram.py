"""Draw the sign-in conversation from the table that runs it.

`python docs/diagram.py` writes the picture and the table of
docs/explanation/the-conversation.md; tests/test_diagram.py sees that they are current.
"""

from __future__ import annotations

from pathlib import Path

from aiocognito.flow.transitions import TRANSITIONS, Input, State

HERE = Path(__file__).parent / "explanation"
PICTURE, PAGE = HERE / "the-conversation.svg", HERE / "the-conversation.md"
BEGIN, END = "<!-- written by docs/diagram.py -->\n", "<!-- until here -->\n"

# Where things stand (centre, and half the size). States share a frame where what all of
# them have in common is one arrow. States that lie far apart share a box with their names.
FIRST, DEVICE, LATER = "the first factor", "the device", "past the password"
GROUPS: dict[State | str, tuple[State, ...]] = {
    FIRST: (State.SRP_SENT, State.PASSWORD_SENT, State.NAME_SENT, State.CLAIM_SENT),
    DEVICE: (State.DEVICE_SRP_SENT, State.DEVICE_CLAIM_SENT),
    LATER: (
        *(State.PASSWORD_SENT, State.NAME_SENT, State.CLAIM_SENT),
        *(State.ANSWER_SENT, State.SETUP_REPORTED),
    ),
}
HALF = (78, 22)
HALVES: dict[State | str, tuple[int, int]] = {
    FIRST: (240, 180),
    DEVICE: (240, 42),
    LATER: (150, 30),
}
PLACES: dict[State | str, tuple[int, int]] = {
    State.READY: (90, 240),
    State.PASSWORD_SENT: (420, 110),
    State.SRP_SENT: (420, 240),
    State.NAME_SENT: (420, 370),
    State.CLAIM_SENT: (690, 110),
    FIRST: (560, 240),
    State.WAITING: (1030, 340),
    State.ANSWER_SENT: (1030, 530),
    State.SECRET_ASKED: (1030, 130),
    State.CODE_SENT: (1350, 340),
    State.SETUP_REPORTED: (1350, 610),
    State.CLOSED: (620, 610),
    DEVICE: (700, 740),
    State.DEVICE_CLAIM_SENT: (550, 740),
    State.DEVICE_SRP_SENT: (850, 740),
    LATER: (1260, 740),
}

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1450 800" role="img"'
    ' font-family="sans-serif" font-size="14" fill="currentColor" stroke="none">'
)
ARROW_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
    ' markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
)

Edges = dict[tuple[State | str, State], list[Input]]


def edges() -> Edges:
    """Every transition once, those that the frame shares as one."""
    drawn: Edges = {}
    for (source, happened), target in TRANSITIONS.items():
        if target is State.CLOSED and happened is not Input.TOKENS:
            continue  # every failure closes; the table has them, the picture would drown
        inputs = drawn.setdefault((_origin(source, happened, target), target), [])
        if happened not in inputs:
            inputs.append(happened)
    return drawn


def _origin(source: State, happened: Input, target: State) -> State | str:
    """Return the group that does what one of its states does, if all of them do it."""
    for group, states in GROUPS.items():
        others = {
            state for (state, what), to in TRANSITIONS.items() if (what, to) == (happened, target)
        }
        # The names in a box stand for exactly these; a frame may have others outside.
        whole = others - {State.WAITING} == set(states) if group == LATER else set(states) <= others
        if source in states and whole:
            return group
    return source


def name(what: State | Input) -> str:
    return what.name.lower().replace("_", " ")


# --- the picture ---


def picture() -> str:
    lines = [
        HEAD,
        "<title>The states of a sign-in and what leads from one to the next</title>",
        ARROW_HEAD,
        *(_box(group, dashed=True) for group in GROUPS),
        *_names_in(LATER),
    ]
    for state in State:
        x, y = PLACES[state]
        lines += [
            _box(state),
            f'<text x="{x}" y="{y + 5}" text-anchor="middle">{name(state)}</text>',
        ]
    drawn = edges()
    for source, target in drawn:
        both_ways = (target, source) in drawn
        lines.append(_arrow(source, target, drawn[source, target], both_ways=both_ways))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(what: State | str, *, dashed: bool = False) -> str:
    (x, y), (w, h) = PLACES[what], _half(what)
    dashes = ' stroke-dasharray="5 5"' if dashed else ""
    return (
        f'<rect x="{x - w}" y="{y - h}" width="{2 * w}" height="{2 * h}" rx="8"'
        f' fill="none" stroke="currentColor"{dashes}/>'
    )


def _names_in(group: str) -> list[str]:
    """Return the names of a group's states, in two lines."""
    x, y = PLACES[group]
    names = [name(state) for state in GROUPS[group]]
    lines = (", ".join(names[:3]) + ",", ", ".join(names[3:]))
    return [_text(line, x, y - 5 + 17 * row, anchor="middle") for row, line in enumerate(lines)]


def _half(what: State | str) -> tuple[int, int]:
    return HALVES.get(what, HALF)


def _arrow(source: State | str, target: State, inputs: list[Input], *, both_ways: bool) -> str:
    (x1, y1), (x2, y2) = _aimed(source, target), PLACES[target]
    (ax, ay), (bx, by) = _rim(source, (x1, y1), (x2, y2)), _rim(target, (x2, y2), (x1, y1))
    if both_ways:  # two arrows between the same boxes stand side by side
        if y1 == y2:
            ay, by = (y - 10 if x2 < x1 else y + 10 for y in (ay, by))
        else:
            ax, bx = (x - 30 if y2 < y1 else x + 30 for x in (ax, bx))
    words = ", ".join(name(happened) for happened in inputs)
    mx, my = (ax + bx) / 2, (ay + by) / 2
    if ay == by:  # level: above the line
        below = both_ways and x2 > x1
        text = _text(words, mx, my + (16 if below else -8), anchor="middle")
    elif ax == bx:  # upright: outside
        left = both_ways and y2 < y1
        text = _text(words, mx + (-8 if left else 8), my + 4, anchor="end" if left else "start")
    elif by - ay > abs(bx - ax):  # steep and down: on the right, beside its lower end
        text = _text(words, ax + 0.8 * (bx - ax) + 8, ay + 0.8 * (by - ay) + 4, anchor="start")
    else:  # slanted: on the left, where the line leaves room
        rising = (bx - ax) * (by - ay) < 0
        text = _text(words, mx - 4, my + (-6 if rising else 16), anchor="end")
    return (
        f'<path d="M{ax:.0f} {ay:.0f} {bx:.0f} {by:.0f}" fill="none"'
        f' stroke="currentColor" marker-end="url(#head)"/>{text}'
    )


def _text(words: str, x: float, y: float, *, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="12">{words}</text>'


def _aimed(source: State | str, target: State) -> tuple[int, int]:
    """Start at the frame's rim opposite the target, not at its middle."""
    (x, y), (tx, ty) = PLACES[source], PLACES[target]
    (w, h) = _half(source)
    if source not in (FIRST, DEVICE):
        return x, y
    return (tx, y) if abs(tx - x) < w else (x, ty if abs(ty - y) < h else y)


def _rim(what: State | str, start: tuple[int, int], to: tuple[int, int]) -> tuple[float, float]:
    """The point where the line from a box's inside to another point leaves the box."""
    (x, y), (w, h) = PLACES[what], _half(what)
    (sx, sy), (dx, dy) = start, (to[0] - start[0], to[1] - start[1])
    ways = []
    if dx:
        ways.append(((x + w if dx > 0 else x - w) - sx) / dx)
    if dy:
        ways.append(((y + h if dy > 0 else y - h) - sy) / dy)
    way = min(ways)
    return sx + way * dx, sy + way * dy


# --- the table ---


def table() -> str:
    rows = ["| we are | and this happens | then we are |", "|---|---|---|"]
    rows += [
        f"| **{name(source)}**: {source.value} | {happened.value} | {name(target)} |"
        for (source, happened), target in sorted(TRANSITIONS.items(), key=_order)
    ]
    return "\n".join(rows) + "\n"


def _order(item: tuple[tuple[State, Input], State]) -> tuple[int, int]:
    (source, happened), _ = item
    return list(State).index(source), list(Input).index(happened)


def page(text: str) -> str:
    """The page with its table renewed."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
