"""Chance that depends only on the seed and on what it is asked for, so that no answer depends on an earlier one."""

from __future__ import annotations

import hashlib

import numpy as np

_WHOLE = 2**64


def share(seed: int, *about: object) -> float:
    """A number from 0 up to 1, the same for the same seed and words."""
    return number(seed, *about) / _WHOLE


def number(seed: int, *about: object) -> int:
    """A whole number of 64 bits."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{about!r}".encode(), digest_size=8).digest())


def numbers(seed: int, *about: object) -> np.random.Generator:
    """A generator of arrays of its own for the words."""
    return np.random.default_rng(number(seed, *about))


def chosen[T](among: list[T] | tuple[T, ...], seed: int, *about: object) -> T:
    """One of several, the same for the same seed and words."""
    return among[number(seed, *about) % len(among)]
