"""Where water runs: lines down the fall of the ground."""

from __future__ import annotations

import numpy as np

from cop_ingest.territory.base import Floats
from cop_ingest.territory.ground import Ground


def fall_lines(ground: Ground, starts: Floats, step: float, most: int, lowest: float = 1.5) -> list[Floats]:
    """From each start (EPSG:2326) the way down, a vertex every `step` metres, at most `most` of them.

    A line ends on nearly level ground, in the water, below `lowest` metres, or where it would run up again.
    """
    at, height = starts.astype(float), ground.height(starts[:, 0], starts[:, 1])
    way = ground.downhill(at[:, 0], at[:, 1])
    tracks = [at]
    running = np.ones(len(at), dtype=bool)
    lengths = np.ones(len(at), dtype=int)
    for _ in range(most - 1):
        way = 0.35 * way + 0.65 * ground.downhill(at[:, 0], at[:, 1])
        long = np.hypot(way[:, 0], way[:, 1])
        way = way / np.maximum(long, 1e-9)[:, None]
        onward = at + step * way
        lower = ground.height(onward[:, 0], onward[:, 1])
        running &= (long > 0.05) & (lower < height - 0.004 * step) & (lower > lowest) & ground.dry(onward)
        if not running.any():
            break
        at = np.where(running[:, None], onward, at)
        height = np.where(running, lower, height)
        lengths += running
        tracks.append(at)
    whole = np.stack(tracks, axis=1)
    return [whole[number, :length] for number, length in enumerate(lengths)]
