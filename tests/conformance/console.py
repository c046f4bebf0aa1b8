"""Documentation that runs: the fenced blocks of a page, and a shell that executes them one by one.

A `console` block holds commands after `$ ` (continued by a backslash) and what they answer; `...` in an
answer stands for anything, white space counts as one space, and match weights, drawn ones too, are not
compared: they are the linkage model's, and move with it. A block with `title="name"` is a file of that
name. A `python` block without a title is run. Other blocks are only read.
"""

import doctest
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTED_PORT: Final = "8080"
PATIENCE: Final = 10.0
"""Seconds that a `grep` waits for what it looks for."""
MARK: Final = "-- the command ended with"
BLOCK: Final = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
WEIGHTS: Final = re.compile(r'(?<=valueDecimal": )-?\d+\.\d+|[+-]\d+\.\d\d\b|[\u2501\u2500\u2588-\u258f]+')
LEFT_OUT: Final = ("FHIR_MPI_", "OTEL_", "XDG_", "COLUMNS")
PROGRESS: Final = re.compile(r"^[0-9,]+ resources, [0-9,]+/s\n", re.MULTILINE)
"""What a command says where it takes longer than usual."""
FLAGS: Final = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    title: str | None
    text: str

    @property
    def runs(self) -> bool:
        return self.title is None and self.language in ("console", "python")


@dataclass(frozen=True, slots=True)
class Command:
    """One command and the answer that the page shows; an empty answer is not compared."""

    text: str
    answer: str


def blocks(page: str) -> list[Block]:
    """
    >>> blocks('```console\\n$ true\\n```\\n')
    [Block(language='console', title=None, text='$ true\\n')]
    """
    return [Block(language, title or None, text) for language, title, text in BLOCK.findall(page)]


def commands(text: str) -> Iterator[Command]:
    """
    >>> [(c.text, c.answer) for c in commands("$ echo a\\\\\\n  b\\na b\\n$ true\\n")]
    [('echo a\\\\\\n  b', 'a b\\n'), ('true', '')]
    """
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
        yield Command("\n".join(lines[: last + 1]), "".join(f"{line}\n" for line in lines[last + 1 :]))


def run_page(page: str, folder: Path) -> int:
    """Runs a page in an empty folder; how many blocks ran. AssertionError where one goes otherwise."""
    done = 0
    with shell(folder) as bash:
        for block in blocks(page.replace(DOCUMENTED_PORT, str(free_port()))):
            if block.title:
                (folder / block.title).write_text(block.text)
            elif block.language == "python":
                run_python(block.text, folder)
                done += 1
            elif block.language == "console":
                for command in commands(block.text):
                    check(bash, command)
                done += 1
    return done


def check(bash: "subprocess.Popen[str]", command: Command) -> None:
    """Executes one command: it ends with 0, and answers as the page says."""
    code, answer = _run(bash, command.text)
    # a line of the log is written after the answer is sent: who looks at once may come first
    end = time.monotonic() + PATIENCE
    while code and command.text.startswith("grep ") and time.monotonic() < end:
        time.sleep(0.05)
        code, answer = _run(bash, command.text)
    assert code == 0, f"{command.text}\n{answer}"
    if command.answer:
        checker = doctest.OutputChecker()
        example = doctest.Example(command.text, command.answer)
        said, found = WEIGHTS.sub("#", command.answer), WEIGHTS.sub("#", PROGRESS.sub("", answer))
        assert checker.check_output(said, found, FLAGS), checker.output_difference(example, answer, FLAGS)


def _run(bash: "subprocess.Popen[str]", command: str) -> tuple[int, str]:
    """The exit code of a command, and what it says."""
    assert bash.stdin
    assert bash.stdout
    bash.stdin.write(f"{command}\nprintf '\\n{MARK} %s\\n' $?\n")
    bash.stdin.flush()
    lines = []
    while not (line := bash.stdout.readline()).startswith(MARK):
        assert line, f"the shell ended in: {command}"
        lines.append(line)
    return int(line.split()[-1]), "".join(lines).removesuffix("\n")


def run_python(text: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def shell(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A bash in a folder, with `fhir-mpi` on its path; it and all it started end with the block."""
    command = folder / ".bin" / "fhir-mpi"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fhir_mpi "$@"\n')
    command.chmod(0o755)
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile"],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield bash
    finally:
        os.killpg(bash.pid, signal.SIGKILL)
        bash.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    own = {
        "HOME": str(folder),
        "PATH": f"{folder / '.bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
        "LC_ALL": "C.UTF-8",
    }
    return {**kept, **own}
