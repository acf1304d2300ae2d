"""Progress bars of inspections, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from bpcli.cli.console import is_terminal

Part = TypeVar("Part")


def tracked(parts: Sequence[Part], stage: str) -> Iterator[Part]:
    """Yield parts, with a bar on standard error that disappears after the last one. A `Track`."""
    if not is_terminal(sys.stderr):
        yield from parts
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(parts, stage, console=Console(stderr=True), transient=True, show_speed=False)
