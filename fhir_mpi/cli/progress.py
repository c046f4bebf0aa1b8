"""How far a long command is: a live line on a terminal, a plain one now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES: Final = 5.0


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Calls with the number done so far show it, on standard error; `what` is counted, say "resources"."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(what, total=total, rate="")
            started = time.monotonic()

            def show(done: int) -> None:
                bar.update(task, completed=done, rate=rate(done, time.monotonic() - started))

            yield show
    else:
        yield _lines(what)


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Calls with what is done now show it, on standard error, for work that can't be counted."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _spinner(console) as bar:
            task = bar.add_task("", total=None)
            yield lambda what: bar.update(task, description=what)
    else:
        yield lambda what: click.echo(what, err=True)


def rate(done: int, seconds: float) -> str:
    """
    >>> rate(3000, 2.0)
    '1,500/s'
    """
    return f"{done / max(seconds, 0.001):,.0f}/s"


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} {task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _spinner(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _lines(what: str) -> Callable[[int], None]:
    started = last = time.monotonic()

    def show(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            click.echo(f"{done:,} {what}, {rate(done, now - started)}", err=True)

    return show
