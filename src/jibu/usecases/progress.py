"""Telling how far long work is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[int], None]
"""Gets how many things were looked at so far."""
EVERY = 1000


def silent(_done: int) -> None:
    """Tell nobody."""


def counted(items: Iterable[T], progress: Progress) -> Iterator[T]:
    """Yield items, and tell of each thousand."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % EVERY == 0:
            progress(number)
