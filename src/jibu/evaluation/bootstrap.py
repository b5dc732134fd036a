"""Intervals by resampling questions, with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

ROUNDS = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value over ``n`` questions with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def figure(values: Sequence[float], seed: int) -> Figure | None:
    """Return the mean with its interval; None without values."""
    if not values:
        return None
    array = np.asarray(values, dtype=float)
    chosen = np.random.default_rng(seed).integers(0, len(array), (ROUNDS, len(array)))
    low, high = np.percentile(array[chosen].mean(axis=1), [2.5, 97.5])
    return Figure(float(array.mean()), float(low), float(high), len(array))


def figure_of(
    items: Sequence[T], statistic: Callable[[Sequence[T]], float | None], seed: int
) -> Figure | None:
    """Return any statistic with its interval; samples for which it has no value are left out."""
    value = statistic(items)
    if value is None:
        return None
    rng = np.random.default_rng(seed)
    samples = ([items[i] for i in rng.integers(0, len(items), len(items))] for _ in range(ROUNDS))
    found = [v for v in map(statistic, samples) if v is not None]
    low, high = np.percentile(found, [2.5, 97.5])
    return Figure(value, float(low), float(high), len(items))


def mean_figure(groups: Sequence[Sequence[float]], seed: int) -> Figure | None:
    """Return the mean of the groups' means; each group is resampled on its own. ``n`` counts groups."""
    groups = [group for group in groups if group]
    if not groups:
        return None
    rng = np.random.default_rng(seed)
    rounds = np.zeros(ROUNDS)
    for group in groups:
        array = np.asarray(group, dtype=float)
        rounds += array[rng.integers(0, len(array), (ROUNDS, len(array)))].mean(axis=1)
    low, high = np.percentile(rounds / len(groups), [2.5, 97.5])
    value = float(np.mean([np.mean(group) for group in groups]))
    return Figure(value, float(low), float(high), len(groups))
