"""Small texts of the command line: names that cannot break a line, counts, lists."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

MOST = 20  # lines of one kind


def plain(text: str) -> str:
    """The text with line ends, escapes and bytes of file names spelled out, as `\\n` for one."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def count(number: int, what: str) -> str:
    """`1 photo`, `2 photos`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def short(path: Path) -> str:
    """The path as seen from the current folder, if it lies below it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on Windows, another drive
        return str(path)
    return str(path) if relative.startswith("..") else relative


def tell(what: str, lines: Sequence[str], all_of_them: str = "") -> None:
    """Print the lines to stderr, each after what it is about; after `MOST`, who lists all."""
    for line in lines[:MOST]:
        print(f"{what}: {plain(line)}", file=sys.stderr)
    if len(lines) > MOST:
        print(f"{what}: {len(lines) - MOST} more{all_of_them}", file=sys.stderr)
