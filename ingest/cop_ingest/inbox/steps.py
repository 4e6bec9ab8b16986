"""The way from one state to another along the allowed steps: a return that comes every two hours skips some."""

from __future__ import annotations

from collections import deque

from cop.catalogue.writes import States
from cop.errors import Fault, Invalid


def steps_between(states: States, state: str, goal: str) -> list[str]:
    """The fewest steps that lead from a state to a goal; none where it is there.

    Raises Invalid that names what may follow where no way leads there. The step back to `before` is not taken: where
    it leads is the record's own past.
    """
    ways: dict[str, list[str]] = {state: []}
    queue = deque([state])
    while queue:
        here = queue.popleft()
        if here == goal:
            return ways[here]
        for after in states.steps.get(here, ()):
            if after != "before" and after not in ways:
                ways[after] = [*ways[here], after]
                queue.append(after)
    wanted = ", ".join(name for name in ways if name != state) or "nothing"
    raise Invalid([Fault(states.column, goal, f"from {state} no step leads there; wanted {wanted}")])


def first_state(states: States, goal: str) -> str:
    """The state in which a new record begins that is to be in another one: that one, or the nearest before it."""
    return goal if goal in states.first else min(states.first, key=lambda first: _distance(states, first, goal))


def _distance(states: States, first: str, goal: str) -> int:
    try:
        return len(steps_between(states, first, goal))
    except Invalid:
        return len(states.steps) + 1
