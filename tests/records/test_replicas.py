"""Several copies of IRIS on one database, with Valkey and without: each update is answered by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from servers import PostgresServer, ValkeyServer
from sqlalchemy import func, select
from stores import Store
from valkey.asyncio import Valkey as Client

from bot.records import Claim, Person, Records, RecordsError
from bot.records.tables import UPDATES

ANNA = Person("discord", "817236451827364518")


@pytest.fixture(autouse=True)
async def client(valkey: ValkeyServer) -> AsyncIterator[Client]:
    """Somebody else who looks into Valkey, which is empty before each test."""
    other: Client = Client.from_url(valkey.url)
    await other.flushall()
    yield other
    await other.aclose()


@pytest.fixture(params=["with Valkey", "without Valkey"])
async def replicas(request: pytest.FixtureRequest, postgresql: Store) -> tuple[Records, Records]:
    """Two copies, which know nothing of each other but what they share."""
    if request.param == "with Valkey":
        server: ValkeyServer = request.getfixturevalue("valkey")
        postgresql.settings = postgresql.with_(valkey_url=SecretStr(server.url))
    return await postgresql.open(), await postgresql.open()


async def test_an_update_that_reaches_all_is_answered_once(replicas: tuple[Records, Records]) -> None:
    updates = [f"telegram:{number}" for number in range(50)]
    told = await asyncio.gather(*(records.first_time(update) for update in updates for records in replicas))
    assert told.count(True) == len(updates)
    assert all(told[place] is not told[place + 1] for place in range(0, len(told), 2))


async def test_an_update_that_one_has_claimed_is_busy_for_the_other_until_it_is_answered(
    replicas: tuple[Records, Records],
) -> None:
    here, there = replicas
    assert await here.claim("telegram:1") is Claim.OURS
    assert await there.claim("telegram:1") is Claim.BUSY
    await here.answered("telegram:1")
    async with asyncio.timeout(20):  # without Valkey it is written a moment later
        while await there.claim("telegram:1") is not Claim.ANSWERED:
            pass
    assert await here.claim("telegram:1") is Claim.ANSWERED


async def test_an_update_of_a_copy_that_crashed_is_free_after_its_lease(
    replicas: tuple[Records, Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.records.updates.LEASE_S", 1)
    here, there = replicas
    assert await here.claim("telegram:1") is Claim.OURS
    # ... and is never heard of again.
    async with asyncio.timeout(20):
        while await there.claim("telegram:1") is not Claim.OURS:
            pass


async def test_a_cooldown_holds_on_every_copy_with_valkey(postgresql: Store, valkey: ValkeyServer) -> None:
    postgresql.settings = postgresql.with_(valkey_url=SecretStr(valkey.url))
    here, there = await postgresql.open(), await postgresql.open()
    assert await here.wait_before_asking(ANNA, "1", 60) == 0.0
    assert 1 <= await there.wait_before_asking(ANNA, "1", 60) <= 60


async def test_valkey_hears_no_id_and_no_name_and_forgets_by_itself(
    postgresql: Store, valkey: ValkeyServer, client: Client
) -> None:
    records = await postgresql.open(valkey_url=SecretStr(valkey.url))
    await records.first_time("discord:81723645182736451")
    await records.claim("discord:99182736451827364")
    await records.wait_before_asking(ANNA, "77182736451827364", 60)
    keys = [key.decode() async for key in client.scan_iter()]
    assert len(keys) >= 4
    for key in keys:
        assert not any(id_ in key for id_ in ("81723", "99182", "77182"))
        assert 0 < await client.ttl(key) <= 86_400


async def test_without_valkey_and_database_the_memory_of_one_copy_is_what_is_left(
    postgresql: Store, valkey: ValkeyServer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.records.valkey.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("bot.records.updates.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("bot.records.writer.RETRY_SECONDS", (0.05, 0.2))
    records = await postgresql.open(valkey_url=SecretStr(valkey.url))
    for stop, start in ((valkey.stop, valkey.start), (valkey.freeze, valkey.thaw)):
        stop()
        try:
            name = f"telegram:{stop.__name__}"
            assert await records.first_time(name)
            assert not await records.first_time(name)
            assert await records.wait_before_asking(ANNA, name, 60) == 0.0
            assert await records.wait_before_asking(ANNA, name, 60) > 0.0
        finally:
            start()
    # What Valkey did not hear, the database did.
    await records.close()
    assert (await postgresql.rows(select(func.count()).select_from(UPDATES)))[0][0] >= 1


async def test_an_address_of_valkey_that_is_none_is_said_at_the_start(sqlite: Store) -> None:
    with pytest.raises(RecordsError, match="IRIS_VALKEY_URL"):
        await sqlite.open(valkey_url=SecretStr("valkey://host:port"))
