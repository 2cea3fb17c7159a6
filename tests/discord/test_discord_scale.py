"""Shards, and the distance and daily number of identifies: over the wire, and over days on a clock of the test."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path

import discord_events as events
import pytest
from discord_bot import Connect, Counted
from discord_server import PATIENCE, TOKEN, DiscordServer

from adapters.discord import DiscordPlatform
from adapters.discord.identifies import Identifies
from bot.desk import Desk
from bot.records import Records
from bot.settings import ShardRange


class Clock:
    """Seconds since 1970 as a test wants them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def guild_of_shard(shard: int, count: int) -> int:
    return next(id_ << 22 for id_ in range(1000, 2000) if id_ % count == shard)


async def test_a_range_of_shards_identifies_one_after_the_other_and_serves_its_communities(
    server: DiscordServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.identifies.SPACING_SECONDS", 0.2)
    server.identify_spacing_s = 0.19  # clocks differ by a little
    ids = {shard: guild_of_shard(shard, 4) for shard in range(4)}
    server.guilds = [events.guild(id_) for id_ in ids.values()]
    await connect(shards=ShardRange(1, 2, 4))
    second = await asyncio.wait_for(server.identified.get(), PATIENCE)
    assert second["shard"] == [2, 4]
    assert set(server.lines) == {1, 2}
    for shard in (1, 2):
        asked = events.message("type 1 meaning", mentions_bot=True, guild_id=str(ids[shard]))
        assert "### What is type 1" in (await server.say(asked, shard)).text


async def test_the_number_of_shards_is_the_one_that_discord_recommends(
    server: DiscordServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.identifies.SPACING_SECONDS", 0.3)
    server.shards = 3
    connection = await connect()
    assert not connection.platform.health().flowing, "two shards are still to come"
    for shard in (1, 2):
        assert (await asyncio.wait_for(server.identified.get(), PATIENCE))["shard"] == [shard, 3]
    for shard in range(3):  # each has taken what came before this event
        await server.say(events.message("type 1 meaning", channel_id=events.DM_ID), shard)
    assert connection.platform.health().flowing
    await server.drop(4000, shard=1)
    assert "resumed" in await asyncio.wait_for(server.identified.get(), PATIENCE)


async def test_without_enough_identifies_for_today_iris_waits_and_says_so(
    server: DiscordServer, desk: Desk, records: Records, counted: Counted
) -> None:
    server.limit |= {"remaining": 20, "reset_after": 3_600_000}
    platform = DiscordPlatform(TOKEN, desk, records)
    serving = asyncio.create_task(platform.serve())
    await counted("start_postponed")
    health = platform.health()
    assert not health.flowing
    assert "3600 seconds" in health.reason
    await platform.close()
    await serving
    assert not server.identify_times


@pytest.mark.usefixtures("fast_retries")
async def test_a_process_that_identified_too_often_before_it_was_restarted_waits(
    server: DiscordServer, desk: Desk, records: Records, tmp_path: Path, counted: Counted
) -> None:
    earlier = Identifies(tmp_path)
    for _ in range(8):
        earlier.note(0)
    platform = DiscordPlatform(TOKEN, desk, records, data=tmp_path)
    serving = asyncio.create_task(platform.serve())
    await counted("start_postponed")
    await platform.close()
    await serving
    assert not server.identify_times


# The count of identifies


def crash_loop(folder: Path, clock: Clock, hours: float, shards: range, lifetime_s: float) -> list[float]:
    """When a process identifies that dies ``lifetime_s`` after its last identify and is started again at once."""
    moments: list[float] = []
    end = clock.now + hours * 3600
    while clock.now < end:
        identifies = Identifies(folder, clock=clock)
        for shard in shards:
            clock.now += identifies.wait(shard)
            identifies.note(shard)
            moments.append(clock.now)
        clock.now += lifetime_s
    return moments


@pytest.mark.parametrize(("lifetime_s", "shards"), [(0.0, range(1)), (0.2, range(4)), (300.0, range(2))])
def test_a_crash_loop_stays_far_below_a_thousand_identifies_a_day(
    tmp_path: Path, lifetime_s: float, shards: range
) -> None:
    moments = crash_loop(tmp_path, Clock(), 30, shards, lifetime_s)
    busiest = max(sum(begin <= moment < begin + 86_400 for moment in moments) for begin in moments)
    assert 24 < busiest < 150 * len(shards)
    assert min(later - earlier for earlier, later in pairwise(moments)) >= 5.0


def test_a_few_restarts_wait_for_nothing_but_discords_own_distance(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(4):
        identifies = Identifies(tmp_path, clock=clock)
        assert identifies.wait(0) == 0.0
        identifies.note(0)
        assert identifies.wait(0) == 5.0
        clock.now += 5.0
    Identifies(tmp_path, clock=clock).note(0)
    assert Identifies(tmp_path, clock=clock).wait(0) == 10.0
    clock.now += 6 * 3600
    assert Identifies(tmp_path, clock=clock).wait(0) == 0.0


def test_shards_of_different_buckets_need_no_distance() -> None:
    identifies = Identifies(clock=Clock())
    identifies.learn(1000, 1000, 0.0, 2, 4)
    identifies.note(0)
    assert [identifies.wait(shard) > 0 for shard in range(4)] == [True, False, True, False]


@pytest.mark.parametrize("kept", ["", "[]", '{"0": "soon"}', '{"x": [1]}', "\x00", '{"0": [9e99]}'])
def test_a_file_that_cannot_be_read_does_not_keep_iris_out(tmp_path: Path, kept: str) -> None:
    (tmp_path / "discord-identifies.json").write_text(kept, encoding="utf-8")
    identifies = Identifies(tmp_path, clock=Clock())
    assert identifies.wait(0) == 0.0
    identifies.note(0)
    assert json.loads((tmp_path / "discord-identifies.json").read_text(encoding="utf-8")) == {"0": [Clock().now]}


def test_without_a_folder_to_write_the_count_holds_while_the_process_does(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", encoding="utf-8")
    identifies = Identifies(in_the_way / "folder", ShardRange(0, 1, 2), clock=Clock())
    identifies.note(0)
    assert identifies.wait(0) == 5.0


def test_processes_with_different_shards_keep_different_files(tmp_path: Path) -> None:
    Identifies(tmp_path, ShardRange(0, 1, 4)).note(0)
    Identifies(tmp_path, ShardRange(2, 3, 4)).note(2)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["discord-identifies-0-1-of-4.json", "discord-identifies-2-3-of-4.json"]
