"""What `--help` shows: the page that tyro writes, its options in groups, and an example."""

import re
from collections.abc import Iterator, Mapping
from typing import get_args

REST = "options"
"""Title of the box of what no group names."""


def step_of(command: type, args: list[str]) -> type:
    """The step that is asked about, such as `clone` of `agent`; else the command itself."""
    field = getattr(command, "__dataclass_fields__", {}).get("step")
    steps = {step.__name__.lower(): step for step in get_args(field.type)} if field else {}
    return next((steps[word] for word in args if word in steps), command)


def page(text: str, command: type) -> str:
    """A help page with the groups and the example that a command's class names."""
    lines = [*_grouped(text.rstrip().splitlines(), getattr(command, "groups", {}))]
    if example := getattr(command, "example", None):
        lines += ["", f"example: {example}"]
    return "\n".join(lines)


def _grouped(lines: list[str], groups: Mapping[str, str]) -> Iterator[str]:
    title_of = {name: title for title, names in groups.items() for name in names.split()}
    boxes: dict[str, list[str]] = {title: [] for title in [*groups, REST]}
    inside, entry, width = False, None, 0
    for line in lines:
        if top := re.match(r"╭─ (.*?) ─*╮$", line):
            inside, entry, width = top[1].endswith(REST), None, len(line)
        if not inside:
            yield line
        elif option := re.match(r"│ (?:-\w, )?--([\w-]+)", line):
            entry = boxes[title_of.get(option[1], REST)]
        if inside and entry is not None and line.startswith("│"):
            entry.append(line)
        inside = inside and not line.startswith("╰")
    for title, entries in boxes.items():
        if entries:
            yield f"╭─ {title} ".ljust(width - 1, "─") + "╮"
            yield from entries
            yield "╰".ljust(width - 1, "─") + "╯"
