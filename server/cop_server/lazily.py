"""Commands whose modules are imported only when one of them is asked for: `cop status` need not load the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

Part = Callable[[typer.Typer], None]


def lazily(parts: Mapping[str, Part]) -> type[TyperGroup]:
    """A kind of group that has its parts' commands too; `parts` gives what adds a command by that command's name.

    A part is called when one of its names is asked for. All are called for the help of the group, and for a name that
    nobody has, so that what is like it can be offered.
    """

    class Lazily(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return list(dict.fromkeys((*super().list_commands(ctx), *parts)))

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in self.commands:
                for part in dict.fromkeys([parts[cmd_name]] if cmd_name in parts else parts.values()):
                    self._take(part)
            return super().get_command(ctx, cmd_name)

        def _take(self, part: Part) -> None:
            brought = typer.Typer()
            part(brought)
            for name, command in get_group(brought).commands.items():
                self.commands.setdefault(name, command)

    return Lazily
