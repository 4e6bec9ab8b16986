"""At length only: the bench's typhoon day in its short form, reckoned; and the reckoning finds what is amiss."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psycopg
import pytest

from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.world.world import World
from cop_server.cluster import Cluster, create_database, drop_database

sys.path.append(str(Path(__file__).parent.parent.parent / "bench"))

pytestmark = pytest.mark.skipif(
    os.environ.get("COP_TEST_LENGTH") != "long", reason="takes minutes; scripts/test.py --long --only day feeds"
)


def test_a_short_day_loses_nothing_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    from cop_bench.day import reckoning
    from cop_bench.day.house import Plan
    from day import play

    plan = Plan(hong_kong("2025-09-24 02:00"), 30, 60.0, 1, 0.02, 1, 15)
    name = f"t_day_{os.getpid()}_{time.monotonic_ns()}"
    made = create_database(cluster, name)
    found = play(tmp_path, made, plan, None, per_second=5, streams=3)
    assert found["faults"] == []
    assert found["incidents"]["published"] > 1000
    assert found["totals"]["turns"] > len(found["feeds"])
    world = World(plan.seed, plan.times, plan.scale, None, None, echoes=True)
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:

        def amiss() -> list[int]:
            # At the plan's end; the day ended a moment later, with some news that were told after it.
            told = reckoning.of_incidents(connection, world, plan.start, plan.end, plan.last_return(plan.end))
            return [told[what] for what in ("lost", "in another state", "doubled")]

        before = amiss()
        connection.execute(
            "DELETE FROM layer.incidents WHERE id = (SELECT min(id) FROM layer.incidents WHERE source = 'DSD')"
        )
        connection.execute("UPDATE layer.incidents SET status = 'cancelled' WHERE id = (SELECT min(id) FROM layer.incidents"
                           " WHERE source = 'HyD' AND status <> 'cancelled')")  # fmt: skip
        assert [now - was for now, was in zip(amiss(), before, strict=True)] == [1, 1, 0]
    drop_database(cluster, name)
