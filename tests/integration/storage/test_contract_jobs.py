"""The store contract: a job has one owner at a time, and changes with what it does or not at all."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from fhir_mpi.storage.port import Claim, ClaimConflict, Job, JobChange, JobConflict, Store, UnitOfWork
from tests.integration.storage.writes import at, put

JOB = Job("j", "count", '{"from": 1}', created=at(0), updated=at(0), due=at(0))


async def change(store: Store, expected: int, job: Job | None, *, id: str = "j") -> None:
    await store.commit(UnitOfWork(jobs=[JobChange(id, expected, job)]))


async def test_a_job_is_kept_as_it_was_given(store: Store, other: Store) -> None:
    assert await store.job("j") is None
    await change(store, 0, JOB)
    assert await other.job("j") == JOB
    done = replace(JOB, revision=2, owner="p", attempts=3, progress="half", checkpoint="[1]", result="{}")
    await change(other, 1, done)
    assert await store.job("j") == done


async def test_a_change_gives_the_next_revision_whatever_it_says(store: Store) -> None:
    await change(store, 0, replace(JOB, revision=7))
    await change(store, 1, replace(JOB, revision=7))
    found = await store.job("j")
    assert found is not None
    assert found.revision == 2


async def test_a_job_can_be_taken_away(store: Store) -> None:
    await change(store, 0, JOB)
    await change(store, 1, None)
    assert await store.job("j") is None
    await change(store, 0, JOB)
    assert await store.job("j") == JOB


async def test_those_that_are_due_are_found_the_longest_due_first(store: Store) -> None:
    for number, seconds in enumerate((3, 1, 2, 9)):
        job = replace(JOB, id=f"j{number}", due=at(seconds))
        await change(store, 0, job, id=job.id)
    assert [job.id for job in await store.due_jobs(at(3), limit=9)] == ["j1", "j2", "j0"]
    assert [job.id for job in await store.due_jobs(at(3), limit=2)] == ["j1", "j2"]
    assert list(await store.due_jobs(at(0), limit=9)) == []


@pytest.mark.parametrize("expected", [0, 2])
@pytest.mark.parametrize("job", [JOB, None])
async def test_nothing_is_done_where_the_job_has_another_revision(
    store: Store, expected: int, job: Job | None
) -> None:
    await change(store, 0, JOB)
    claim = Claim("k", "Patient/a", None)
    with pytest.raises(JobConflict) as refused:
        await store.commit(UnitOfWork([put("a")], [claim], jobs=[JobChange("j", expected, job)]))
    assert refused.value.id == "j"
    assert await store.job("j") == JOB
    assert await store.read("Patient", "a") is None
    assert await store.holder("k") is None


async def test_a_job_that_is_not_there_cannot_be_changed(store: Store) -> None:
    for job in (JOB, None):
        with pytest.raises(JobConflict):
            await change(store, 1, job)


async def test_a_job_does_not_change_where_what_it_does_conflicts(store: Store) -> None:
    await change(store, 0, JOB)
    claim = Claim("k", "Patient/a", "Patient/b")
    with pytest.raises(ClaimConflict):
        await store.commit(
            UnitOfWork([put("a")], [claim], jobs=[JobChange("j", 1, replace(JOB, result="{}"))])
        )
    assert await store.job("j") == JOB


async def test_of_twenty_that_take_a_job_one_gets_it(store: Store, other: Store) -> None:
    await change(store, 0, JOB)

    async def take(number: int) -> bool:
        try:
            await change((store, other)[number % 2], 1, replace(JOB, owner=f"p{number}"))
        except JobConflict:
            return False
        return True

    taken = await asyncio.gather(*(take(number) for number in range(20)))
    assert Counter(taken) == {True: 1, False: 19}
    found = await store.job("j")
    assert found is not None
    assert (found.owner, found.revision) == (f"p{taken.index(True)}", 2)
