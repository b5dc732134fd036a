"""Opens the index and the embedder of a generation, as the settings say."""

from __future__ import annotations

from jibu.domain.generations import Generation
from jibu.ports import Embedder, Index
from jibu.settings import Settings
from jibu.wiring.indexes import open_index, remove_index_of, start_index_over
from jibu.wiring.models import OLLAMA, make_embedder


def embedder_choice(settings: Settings, name: str | None = None) -> str:
    """Return an embedder's whole name, ``embedded`` or ``ollama:MODEL``: the one of the settings, or this one."""
    kind, _, model = (name or settings.embedder).partition(":")
    if kind != OLLAMA:
        return name or settings.embedder
    from jibu.adapters.model.ollama.families import canonical

    return f"{OLLAMA}:{canonical(model or settings.ollama_embed_model)}"


class SettledEngines:
    """See ``jibu.ports.Engines``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def index(self, generation: Generation) -> Index:
        """Open its index. Raises: IndexMismatch, Misconfigured, Unavailable."""
        name, size, number = generation.embedder, generation.dimension, generation.number
        return open_index(self._settings, embedder=name, dimension=size, number=number)

    def embedder(self, choice: str, *, dimension: int = 0) -> Embedder:
        """Return the embedder of this name. Raises: Misconfigured."""
        return make_embedder(self._settings, choice, dimension=dimension)

    def setting(self, choice: str) -> str:
        """Return the settings that choose it."""
        kind, _, model = choice.partition(":")
        return f"JIBU_EMBEDDER={kind}" + (f" JIBU_OLLAMA_EMBED_MODEL={model}" if kind == OLLAMA else "")

    def remove(self, generation: Generation) -> None:
        """Remove its storage. Raises: Unavailable, IndexBusy, Misconfigured."""
        name, size, number = generation.embedder, generation.dimension, generation.number
        remove_index_of(self._settings, embedder=name, dimension=size, number=number)

    def start_over(self, generation: Generation | None) -> None:
        """Put an empty index in place of one that is damaged; None: the first one, of the embedder in the settings.

        Raises: Unavailable, IndexBusy, Misconfigured.
        """
        if generation is None:
            embedder = self.embedder(embedder_choice(self._settings))
            number, name, size = 1, embedder.name, embedder.dimension
        else:
            number, name, size = generation.number, generation.embedder, generation.dimension
        start_index_over(self._settings, embedder=name, dimension=size, number=number)
