"""What every judge of claims has to do. A subclass gives the fixture ``entailment``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jibu.ports import Entailment

QUOTE = "The fee for a driving licence is 40 crowns and is paid at the counter."


class EntailmentContract:
    """Tests that each adapter of ``Entailment`` runs."""

    @pytest.mark.parametrize("claim", [QUOTE, "The fee for a driving licence is 40 crowns."])
    def test_the_source_s_own_words_are_supported(self, entailment: Entailment, claim: str) -> None:
        """A copy, and a part that stands alone."""
        assert 0.5 <= entailment.support(claim, [QUOTE], language="en") <= 1

    @pytest.mark.parametrize(
        "claim", ["The library lends books for three weeks.", "Children travel free on all buses.", "?", ""]
    )
    def test_what_the_source_does_not_say_is_not(self, entailment: Entailment, claim: str) -> None:
        """Another subject, and nothing at all."""
        assert 0 <= entailment.support(claim, [QUOTE], language="en") < 0.5

    def test_several_quotes_support_together(self, entailment: Entailment) -> None:
        """A claim may need two of them."""
        quotes = ["The fee for a driving licence is 40 crowns.", "It is paid at the counter."]
        assert entailment.support(QUOTE, quotes, language="en") >= 0.5

    def test_without_quotes_there_is_no_support(self, entailment: Entailment) -> None:
        """Nothing supports nothing."""
        assert entailment.support(QUOTE, [], language="en") < 0.5

    def test_threads_may_share_it(self, entailment: Entailment) -> None:
        """Calls from several threads give what one call gives."""
        once = entailment.support("A licence is paid.", [QUOTE], language="en")
        with ThreadPoolExecutor(4) as pool:
            found = list(
                pool.map(lambda _: entailment.support("A licence is paid.", [QUOTE], language="en"), range(8))
            )
        assert all(abs(value - once) < 0.01 for value in found)
