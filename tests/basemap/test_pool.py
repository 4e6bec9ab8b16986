"""Render workers: real pictures, and what happens when one dies, hangs, or is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cop_tiles.basemap.folder import built
from cop_tiles.pool import Picture, Pool, RenderFailed

CENTRAL = (114.18, 22.28)


@pytest.fixture
def wish(state: Path) -> Picture:
    folder = built(state / "basemap")
    return Picture(str(folder), "light", 114.10, 22.33, 11.0, 512, 512)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(1)
    yield made
    made.close()


@pytest.mark.parametrize("style", ["light", "dark"])
@pytest.mark.parametrize("ratio", [1, 2])
def test_a_picture_is_whole_from_the_first_on(pool: Pool, wish: Picture, style: str, ratio: int) -> None:
    wish = replace(wish, style=style, ratio=ratio)
    first, second = pool.draw(wish), pool.draw(wish)
    assert first.size == (512 * ratio, 512 * ratio)
    assert first.tobytes() == second.tobytes()
    colours = first.convert("RGB").getcolors(512 * 512 * ratio * ratio)
    assert colours is not None
    assert len(colours) > 300


def test_labels_are_drawn_in_chinese(pool: Pool, wish: Picture) -> None:
    # 中環 stands above its English name, around the place: two rows of dark ink on light ground.
    label = pool.draw(replace(wish, lon=CENTRAL[0], lat=CENTRAL[1], zoom=13.0, width=256, height=256)).convert("L")
    chinese = label.crop((108, 106, 148, 127))
    ink = sum(1 for value in chinese.tobytes() if value < 110)
    assert ink > 30
    bare = pool.draw(replace(wish, lon=CENTRAL[0], lat=CENTRAL[1] + 0.02, zoom=13.0, width=256, height=256)).convert(
        "L"
    )
    assert sum(1 for value in bare.crop((108, 106, 148, 127)).tobytes() if value < 110) < ink / 4


def test_the_sea_alone_can_come_first(state: Path, wish: Picture) -> None:
    pool = Pool(1)
    try:
        sea = pool.draw(replace(wish, lon=120.0, lat=15.0))
        assert len(sea.convert("RGB").getcolors(4) or []) == 1
        land = pool.draw(wish)
        assert land.tobytes() == pool.draw(wish).tobytes()
        assert land.convert("RGB").getcolors(4) is None
    finally:
        pool.close()


def test_a_worker_that_dies_is_replaced(pool: Pool, wish: Picture) -> None:
    before = pool.draw(wish)
    (pid,) = pool.pids()
    os.kill(pid, signal.SIGKILL)
    assert pool.draw(wish).tobytes() == before.tobytes()
    assert pool.pids() != [pid]


def test_a_worker_that_hangs_is_killed(wish: Picture) -> None:
    pool = Pool(1)
    try:
        pool.draw(wish)
        (pid,) = pool.pids()
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(RenderFailed, match=r"no answer within 0\.7 seconds"):
            pool.draw(wish, seconds=0.7)
        assert time.monotonic() - started < 10
        assert pid not in pool.pids()
        pool.draw(wish)
    finally:
        pool.close()


def test_what_cannot_be_drawn_is_said(pool: Pool, wish: Picture, tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match=r"manifest\.json"):
        pool.draw(replace(wish, folder=str(tmp_path)))
    with pytest.raises(RenderFailed, match="size: found 9000 x 512"):
        pool.draw(replace(wish, width=9000))
    pool.draw(wish)


def test_workers_end_with_their_process(wish: Picture) -> None:
    """Also where the process is killed and can tidy nothing up."""
    program = (
        "import sys, time\n"
        "from cop_tiles.pool import Picture, shared_pool\n"
        f"shared_pool().draw({wish!r})\n"
        "print(*shared_pool().pids(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)


def test_a_forked_child_has_workers_of_its_own(wish: Picture) -> None:
    program = (
        "import os, warnings\n"
        "from cop_tiles.pool import Picture, shared_pool\n"
        f"wish = {wish!r}\n"
        "first = shared_pool().draw(wish).tobytes()\n"
        "mine = shared_pool().pids()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = shared_pool().draw(wish).tobytes() == first and shared_pool().pids() != mine\n"
        "    from cop_tiles.pool import close_shared_pool\n"
        "    close_shared_pool()\n"
        "    os._exit(0 if same else 1)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert status == 0 and shared_pool().draw(wish).tobytes() == first and shared_pool().pids() == mine\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
