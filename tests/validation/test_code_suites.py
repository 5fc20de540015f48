"""The default limits of the quantiser's gate: a collapse is refused, small and simple quantisers are not."""

from dataclasses import replace

import numpy as np
import pytest

from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.diagnostics import diagnose
from sidflow.quantizer.fit import fit_quantizer
from sidflow.semantic_ids.unique import make_unique
from sidflow.validation import judge
from tests.quantizer.samples import clustered, config, linked
from tests.semantic_ids.planted import ids_of
from tests.validation.worlds import limits_of

PAIRS = linked([(item, item + 8) for item in range(180)], heldout=[item % 3 == 0 for item in range(180)])


def refused(quantizer: Quantizer, items: int = 200) -> set[str]:
    """What the gate refuses of a quantiser's codes by default limits."""
    facts = diagnose(quantizer, clustered(items), PAIRS, [str(item % 8) for item in range(items)])
    return {each.subject for each in judge("quantizer", facts, limits_of("quantizer")) if not each.success}


@pytest.mark.parametrize("method", ["rq-vae", "rq-kmeans", "rq-kmeans-pmi", "lsh", "random"])
@pytest.mark.parametrize("codebooks", [(2, 2), (8, 8), (8, 8, 8), (64, 32), (128,)], ids=str)
def test_every_method_passes_at_any_size(method: str, codebooks: tuple[int, ...]) -> None:
    """Fits of thirty steps too, and codes that know nothing."""
    fitted = fit_quantizer(clustered(), PAIRS, config(method=method, codebooks=codebooks))
    assert refused(fitted.quantizer) == set()


@pytest.mark.parametrize("codebooks", [(2, 2), (8, 8), (8, 8, 8), (64, 32), (128,)], ids=str)
def test_all_items_on_one_code_are_refused(codebooks: tuple[int, ...]) -> None:
    """Whatever the number of codes, though two of two or one of eight look like much of a codebook."""
    sound = fit_quantizer(clustered(), PAIRS, config(codebooks=codebooks)).quantizer
    far = [np.full_like(book, 1e3) for book in sound.codebooks]
    for book in far:
        book[0] = 0
    assert "quantizer.explained_variance" in refused(replace(sound, codebooks=tuple(far)))


def test_one_dead_level_of_a_large_codebook_is_refused() -> None:
    """A collapse of the second level alone."""
    sound = fit_quantizer(clustered(), PAIRS, config(codebooks=(8, 64))).quantizer
    first, second = sound.codebooks
    dead = np.concatenate([np.zeros_like(second[:1]), np.full_like(second[1:], 1e3)])
    assert refused(replace(sound, codebooks=(first, dead))) == {
        "quantizer.usage",
        "quantizer.perplexity",
        "quantizer.gini",
    }


def test_codes_that_know_nothing_are_refused_when_asked() -> None:
    """By the share of the embeddings' variance alone: their own latents, cells of a grid, they explain well."""
    fitted = fit_quantizer(clustered(2_000), None, config(method="random", codebooks=(8, 8)))
    facts = diagnose(fitted.quantizer, clustered(2_000))
    assert facts["explained_variance"][-1] > 0.9 and facts["embedding_variance"][-1] < 0.02
    limits = limits_of("quantizer") | {"min_embedding_variance": 0.05}
    assert {each.subject for each in judge("quantizer", facts, limits) if not each.success} == {
        "quantizer.embedding_variance"
    }


def test_a_table_that_repair_alone_made_is_refused() -> None:
    """All items ask for one path: nearly all of them move."""
    sound = fit_quantizer(clustered(), PAIRS, config(codebooks=(8, 32))).quantizer
    latents = np.repeat(sound.encode(clustered(1)), 200, axis=0)
    facts = make_unique(sound, latents, sound.assign(latents), ids_of(*range(200))).facts
    rows = {"rows": 200, "results": [], "facts": {"shared_codes": 0, "out_of_order": 0, "schema_deviations": []}}
    judged = judge("semantic_ids", {**facts, "churn": 0.0, "row_checks": rows}, limits_of("semantic_ids"))
    assert "semantic_ids.repaired_share" in {each.subject for each in judged if not each.success}
