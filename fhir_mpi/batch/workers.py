"""Processes that do the parsing, validating and indexing, so that the one that stores only stores."""

import asyncio
import gc
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any, Final, TypeVar

from fhir_mpi.interactions.intake import Intake

Item = TypeVar("Item")
Answer = TypeVar("Answer")

COLLECTIONS: Final = (50_000, 20, 100)
"""Thresholds of the garbage collector: writes are many small objects without cycles, and looking for
cycles among them took a tenth of the preparing and half of the unpickling."""

_own: Final[list[Any]] = []
"""This worker's own; empty in the process that started it."""


@contextmanager
def workers(count: int, make: Callable[[], object]) -> Iterator[Executor]:
    """A pool of `count` processes, each with what it makes for itself, say an intake.

    `make` must be picklable.

    They are started afresh (`spawn`), as a fork of a process with threads may hang, and end with the
    process that started them, however that ends.
    """
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_start, initargs=(make,))
    usual = gc.get_threshold()
    gc.set_threshold(*COLLECTIONS)
    try:
        yield pool
    finally:
        gc.set_threshold(*usual)
        pool.shutdown(wait=True, cancel_futures=True)


def worker_intake() -> Intake:
    """The intake of the worker process that this runs in."""
    found: Intake = _own[0]
    return found


def worker_own() -> Any:
    """What the worker process that this runs in has made for itself."""
    return _own[0]


async def in_order(
    pool: Executor, work: Callable[[Item], Answer], items: Iterator[Item], *, ahead: int
) -> AsyncIterator[Answer]:
    """What `work` answers for each item, in the items' order; at most `ahead` of them are under way.

    Items are drawn in a thread: reading them may wait.
    """
    loop = asyncio.get_running_loop()
    pending: deque[asyncio.Future[Answer]] = deque()
    drained = False
    while pending or not drained:
        while not drained and len(pending) < ahead:
            item = await asyncio.to_thread(_next, items)
            if drained := not item:
                break
            with _interrupts_held():
                pending.append(loop.run_in_executor(pool, work, item[0]))
        if pending:
            yield await pending.popleft()


def _next(items: Iterator[Item]) -> tuple[()] | tuple[Item]:
    """The next item, or nothing: StopIteration must not cross a future."""
    for item in items:
        return (item,)
    return ()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process started meanwhile never sees SIGINT, not even while it still imports; ours comes after.

    Ctrl-C reaches the whole group, and it is this process that decides what to do about it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(make: Callable[[], object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _own.append(make())
    gc.freeze()  # what it made lives as long as its process
    gc.set_threshold(*COLLECTIONS)


def _end_with_parent() -> None:
    """A worker keeps both ends of its queue open and would wait for ever for a parent that was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
