"""The store contract: what was written is read back, every version of it."""

from dataclasses import replace

from fhir_mpi.storage.port import Head, Store, Write
from tests.integration.storage.writes import at, commit, deletion, exact, put, same


async def test_a_resource_reads_back_as_it_was_written(store: Store) -> None:
    write = put("a", name=[{"family": "Ångström 😀"}], active=True)
    await commit(store, write)
    assert same(await store.read("Patient", "a"), write.version)


async def test_what_never_was_is_none(store: Store) -> None:
    await commit(store, put("a"))
    assert await store.read("Patient", "b") is None
    assert await store.read("Organization", "a") is None
    assert await store.read_version("Patient", "b", 1) is None
    assert await store.read_version("Patient", "a", 2) is None
    assert await store.read_version("Patient", "a", 0) is None
    assert list(await store.history("Patient", "b", limit=5)) == []


async def test_decimals_keep_their_digits_and_objects_the_order_of_their_keys(store: Store) -> None:
    digits = b'"z":{"b":1.00,"a":0.10,"c":-12345678901234.56789},"n":[1,2.50,1e3],"a":null'
    text = b'{"resourceType":"Patient",' + digits + b',"id":"a"}'
    await commit(store, Write(replace(put("a").version, json=text), 0, {}))
    stored = await store.read("Patient", "a")
    assert stored is not None
    kept = exact(stored.json)
    assert kept == exact(text)
    assert kept[1][1][0] == ("b", ("decimal", "1.00"))


async def test_values_that_look_like_operators_are_data(store: Store) -> None:
    write = put("$where", {"family": ["$ne"]}, name=[{"family": "$ne", "text": '{"$gt": ""}'}])
    await commit(store, write)
    assert same(await store.read("Patient", "$where"), write.version)


async def test_the_same_id_of_two_types_is_two_resources(store: Store) -> None:
    patient, organization = put("a", active=True), put("a", type="Organization", active=False)
    await commit(store, patient, organization)
    assert same(await store.read("Patient", "a"), patient.version)
    assert same(await store.read("Organization", "a"), organization.version)


async def test_every_version_stays_readable(store: Store) -> None:
    versions = [put("a", expected=n, note=n) for n in range(3)]
    for write in versions:
        await commit(store, write)
    for write in versions:
        assert same(await store.read_version("Patient", "a", write.version.version), write.version)
    assert same(await store.read("Patient", "a"), versions[-1].version)


async def test_a_deletion_is_a_version_without_content(store: Store) -> None:
    first, gone = put("a"), deletion("a", expected=1)
    await commit(store, first)
    await commit(store, gone)
    read = await store.read("Patient", "a")
    assert same(read, gone.version)
    assert read is not None
    assert read.deleted
    assert same(await store.read_version("Patient", "a", 1), first.version)
    assert same(await store.read_version("Patient", "a", 2), gone.version)


async def test_history_is_newest_first_and_goes_on_before_a_version(store: Store) -> None:
    for n in range(4):
        await commit(store, put("a", expected=n))
    await commit(store, deletion("a", expected=4))
    await commit(store, put("a", expected=5), put("b"))
    assert await _versions(store, limit=10) == [6, 5, 4, 3, 2, 1]
    assert await _versions(store, limit=2) == [6, 5]
    assert await _versions(store, limit=2, before=5) == [4, 3]
    assert await _versions(store, limit=10, before=7) == [6, 5, 4, 3, 2, 1]
    assert await _versions(store, limit=2, before=1) == []
    newest = (await store.history("Patient", "a", limit=2))[1]
    assert (newest.deleted, newest.method, newest.last_updated) == (True, "DELETE", at(5))


async def test_read_many_keeps_the_order_asked_for_and_leaves_out_the_absent(store: Store) -> None:
    await commit(store, *(put(id, note=id) for id in "abcd"), put("e", type="Organization"))
    await commit(store, deletion("c", expected=1))
    read = await store.read_many("Patient", ["d", "x", "c", "a", "e", "b"])
    assert [stored.id for stored in read] == ["d", "a", "b"]
    assert [stored.resource["note"] for stored in read] == ["d", "a", "b"]
    assert list(await store.read_many("Patient", [])) == []


async def test_read_many_takes_thousands_of_ids(store: Store) -> None:
    await commit(store, *(put(f"p{n}") for n in range(3)))
    wanted = [f"p{n}" for n in reversed(range(5000))]
    assert [stored.id for stored in await store.read_many("Patient", wanted)] == ["p2", "p1", "p0"]


async def test_heads_tell_version_time_and_deletion_of_those_that_ever_were(store: Store) -> None:
    await commit(store, put("a"), put("b", when=at(50)))
    await commit(store, deletion("a", expected=1))
    heads = await store.heads("Patient", ["a", "b", "c"])
    assert heads == {"a": Head(2, at(2), True), "b": Head(1, at(50), False)}
    assert await store.heads("Patient", []) == {}


async def _versions(store: Store, *, limit: int, before: int | None = None) -> list[int]:
    read = await store.history("Patient", "a", limit=limit, before=before)
    assert all(stored.id == "a" for stored in read)
    return [stored.version for stored in read]
