"""From a log and a catalogue with odd names to recommendations."""

from pathlib import Path

from flows.plan import plan
from sidflow.artifacts import Store
from sidflow.artifacts.kinds import KINDS
from sidflow.config import load_config
from sidflow.recommender import load_recommender
from sidflow.setup.init import initialise
from sidflow.setup.look import look_at_inputs
from tests.factories import World
from tests.released import release
from tests.setup.conftest import Shop

QUICK = (
    "quantizer.warmup_steps=5",
    "quantizer.steps=20",
    "quantizer.batch_items=32",
    "quantizer.batch_pairs=32",
    "quantizer.hidden=[16]",
    "quantizer.latent=4",
    "decoder.epochs=2",
    "decoder.dim=16",
    "decoder.layers=1",
    "decoder.batch_positions=200",
    "decoder.heads=2",
    "evaluation.bootstrap=20",
)


def test_from_files_to_recommendations(shop: Shop, shop_world: World) -> None:
    """What init writes passes validate, runs, recommends, and is cached afterwards."""
    log = shop_world.interactions.rename_columns(["wer", "was", "wann", "wie", "wert"])
    items = shop_world.items.rename_columns(["kennung", "was_es_ist", "von", "gruppe"])
    initialise(*shop(log, items), "pipeline.yaml")
    config = load_config("pipeline.yaml", QUICK)
    looks = look_at_inputs(config, 1_000, 3)
    assert (looks.problems, looks.warnings, looks.known_share) == ([], [], 1.0)
    made = release(Path(), QUICK)
    recommended = load_recommender(Store(config.store.root), made).recommend("u00001", 3)
    assert len({each.item_id for each in recommended}) == 3
    assert {each.title for each in recommended} <= set(items["was_es_ist"].to_pylist())
    assert [each.kind for each in plan(config, None) if each.state == "cached"] == list(KINDS)
