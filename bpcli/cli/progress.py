"""Progress of training: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bpcli.cli.console import is_terminal, say
from bpcli.wording import duration, number

if TYPE_CHECKING:
    from bpcli.storage.records import EpochRecord
    from bpcli.training.plan import EpochReport, Progress

LINE_SECONDS = 1.0
"""Minimum interval between plain lines, in seconds."""


LOSSES = ("train_loss", "validation_loss")

CHART_ROWS = 8
"""Height of the loss chart, if the terminal has enough rows."""


class View(ABC):
    """Display of training events."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @abstractmethod
    def show(self, event: EpochReport | Progress) -> None:
        """Display an event."""


class Silent(View):
    """Display that prints nothing."""

    def show(self, event: EpochReport | Progress) -> None:
        """Ignore the event."""


class Lines(View):
    """Plain lines, one per epoch and at most one per second; the last epoch is always printed."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._shown = 0.0

    def show(self, event: EpochReport | Progress) -> None:
        """Print the event unless the last line is too recent."""
        last = getattr(event, "stop", None) is not None
        if last or perf_counter() - self._shown >= LINE_SECONDS:
            self._shown = perf_counter()
            say("  ".join(f"{name} {value}" for name, value in figures(event, self._epochs)))


class Live(View):
    """Live panel with a progress bar, the latest values, and a chart of the losses. The final panel stays on screen.

    The panel is rendered at each redraw, eight times a second, however many events arrive.
    """

    def __init__(self, name: str, epochs: int, earlier: Iterable[EpochRecord] = ()) -> None:
        """Start with the records of epochs trained before."""
        from rich.console import Console
        from rich.live import Live as RichLive

        from bpcli.cli.terminal_chart import Bins, Glyphs

        self._name, self._epochs = name, epochs
        self._console = Console(stderr=True)
        self._glyphs = Glyphs.of(self._console.encoding)
        self._figures: dict[str, str] = {}
        self._report: EpochReport | None = None
        self._progress: Progress | None = None
        self._final: EpochReport | Progress | None = None
        self._losses = {name: Bins() for name in LOSSES}
        self._epochs_before = 0
        for record in earlier:
            self._epochs_before = record.epoch
            for name, bins in self._losses.items():
                if (loss := record.number(name)) is not None:
                    bins.add(loss)
        self._ended = False
        self._live = RichLive(console=self._console, refresh_per_second=8, get_renderable=self._panel)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._live.transient = self._report is None  # leave no panel without an epoch
        with suppress(OSError):  # the terminal may be gone
            self._live.stop()

    def show(self, event: EpochReport | Progress) -> None:
        """Record the event for the next redraw."""
        from bpcli.training.plan import Progress

        if event.final_epochs is not None:
            self._final = event
            return
        if isinstance(event, Progress):
            self._progress = event
            return
        self._report, self._progress = event, None
        self._losses["train_loss"].add(event.train_loss)
        if event.validation_loss is not None:
            self._losses["validation_loss"].add(event.validation_loss)

    def _panel(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done = self._take_figures()
        table = Table.grid(padding=(0, 2))
        for name, value in self._figures.items():
            table.add_row(Text(name, style="dim", no_wrap=True), Text(value, style="bold", no_wrap=True))
        bar = Table.grid()  # a bar alone does not end its line
        bar.add_row(ProgressBar(self._epochs, done, width=60))
        return Group(Text(self._name, style="bold cyan"), bar, table, *self._chart(2 + len(self._figures)))

    def _take_figures(self) -> float:
        """Update the displayed values. Returns the number of epochs done."""
        done = 0.0
        for event in (self._report, self._progress):
            if event is not None:
                self._figures |= dict(figures(event, self._epochs))
                done = self._done(event)
                left = event.seconds / max(done, 1e-9) * (self._epochs - done)
                self._figures["time left"] = f"{duration(left)} at most"
        if self._final is not None and self._final.final_epochs is not None:
            event, epochs = self._final, self._final.final_epochs
            (name, epoch), *others = figures(event, epochs)
            self._figures[name] = "  ".join([epoch, *(f"{other} {value}" for other, value in others)])
            share = self._done(event) / epochs
            self._figures["time left"] = duration(event.seconds / max(share, 1e-9) * (1 - share))
            done = share * self._epochs
        if self._ended:
            self._figures.pop("time left", None)
        return done

    @staticmethod
    def _done(event: EpochReport | Progress) -> float:
        from bpcli.training.plan import Progress

        return event.epoch - 1 + event.step / event.steps if isinstance(event, Progress) else float(event.epoch)

    def _chart(self, above: int) -> list[Any]:
        """Chart of the losses in the rows that the terminal has left; empty if there are too few."""
        from rich.text import Text

        from bpcli.cli.terminal_chart import draw

        train, validation = (bins.all() for bins in self._losses.values())
        glyphs = self._glyphs
        room = self._console.height - above - 5  # axis, legend, and a line for the cursor
        drawing = draw(train, validation, self._console.width, min(room, CHART_ROWS), glyphs, cut=True)
        if drawing is None or len(train) < 2:
            return []
        lines = []
        for label, row in zip(drawing.labels, drawing.cells, strict=True):
            plot = Text(label, style="dim", no_wrap=True)
            for second, run in groupby(row, key=lambda cell: cell.second):
                plot.append("".join(cell.glyph for cell in run), "yellow" if second else "cyan")
            lines.append(plot)
        last = self._epochs_before if self._report is None else self._report.epoch
        axis = [Text(line, style="dim", no_wrap=True) for line in drawing.axis("1", f"epoch {last:,}", glyphs)]
        legend = Text(no_wrap=True).append(glyphs.solid, "cyan").append(" train_loss")
        if validation:
            legend.append("  ").append(glyphs.dotted, "yellow").append(" validation_loss")
        if drawing.logarithmic:
            legend.append(" (log)")
        if drawing.above is not None:
            legend.append(f", up to {number(drawing.above)} in the first epochs")
        return [*lines, *axis, legend]


def figures(event: EpochReport | Progress, epochs: int) -> list[tuple[str, str]]:
    """Names and values of an event, formatted."""
    from bpcli.training.plan import Progress

    name = "epoch" if event.final_epochs is None else "final epoch"
    shown = [(name, f"{event.epoch}/{event.final_epochs or epochs}")]
    if isinstance(event, Progress):
        shown.append(("step", f"{event.step:,}/{event.steps:,}"))
    shown.append(("train_loss", number(event.train_loss)))
    if isinstance(event, Progress) or event.final_epochs is not None:
        return shown
    if event.validation_loss is not None:
        shown.append(("validation_loss", number(event.validation_loss)))
    shown += [(name, number(value)) for name, value in event.metrics.items()]
    shown.append((f"best {event.monitor}", f"{number(event.best)} (epoch {event.best_epoch})"))
    shown.append(("learning_rate", f"{event.learning_rate:.3g}"))
    shown.append(("rows/s", f"{event.rows_per_second:,.0f}"))
    return shown


def view(name: str, epochs: int, quiet: bool, earlier: Iterable[EpochRecord] = ()) -> View:
    """Choose the view for stderr. `earlier` has the records of epochs trained before."""
    if quiet:
        return Silent()
    return Live(name, epochs, earlier) if is_terminal(sys.stderr) else Lines(epochs)
