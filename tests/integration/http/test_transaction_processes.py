"""Transactions of several processes, and of one that is killed, on both stores (C01)."""

import subprocess
import sys
from collections import Counter

from fhir_mpi.definitions import CHECKOUT
from tests.integration.http.exchanges import find, ids, surname
from tests.integration.http.serving import Serve
from tests.integration.http.transactor import SIZE, TIMES


def start(mode: str, store: str, prefix: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.integration.http.transactor", mode, store, prefix]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True)


async def test_of_three_processes_with_the_same_transaction_one_makes_the_set(
    serve: Serve, store_url: str
) -> None:
    prefix = surname()
    started = [start("race", store_url, prefix) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [line for process in started for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert Counter(line.split()[0] for line in told) == {
        "SUCCESSFUL_CREATE_NO_CONDITIONAL_MATCH": 1,
        "SUCCESSFUL_CREATE_WITH_CONDITIONAL_MATCH": 3 * TIMES - 1,
    }
    assert len({line.split()[1] for line in told}) == 1
    async with serve(store=store_url) as client:
        found = await find(client, f"Patient?identifier=urn:unit|{prefix}&_count=100")
        assert sorted(ids(found)) == sorted(told[0].split()[1].split(","))


async def test_a_killed_process_leaves_no_half_transaction(serve: Serve, store_url: str) -> None:
    prefix = surname()
    writer = start("acknowledge", store_url, prefix)
    assert writer.stdout is not None
    acknowledged = int([writer.stdout.readline() for _ in range(5)][-1])
    writer.kill()
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.communicate()
    async with serve(store=store_url) as client:
        kept = []
        for number in range(acknowledged + 3):
            found = await find(client, f"Patient?identifier=urn:unit|{prefix}-{number}&_count=100")
            kept.append(len(ids(found)))
            references = {e["resource"]["link"][0]["other"]["reference"] for e in found.get("entry", ())}
            assert references == {f"Patient/{id}" for id in ids(found)}
        whole = [SIZE] * (acknowledged + 1)
        assert kept in ([*whole, 0, 0], [*whole, SIZE, 0]), "one may have been done, not yet told"
