"""The refresh decision, rule by rule."""

import itertools

import pytest

from sidflow.config.learning import RefreshConfig
from sidflow.errors import ConfigError, CorruptArtifact
from sidflow.semantic_ids.drift import Monitors
from sidflow.semantic_ids.policy import Decision, decide, read_decision, write_decision

CONFIG = RefreshConfig()


def quiet(**changes):
    """Monitors without drift or new items, but for the changes."""
    values = {
        "new_items": 0,
        "new_share": 0.0,
        "new_traffic_share": None,
        "removed_items": 0,
        "embedding_drift": 0.0,
        "embedding_drift_p95": 0.0,
        "distortion_ratio": 1.0,
        "distortion_ratio_new": None,
        "traffic_psi": 0.01,
        "cohesion_ratio": 1.0,
        "pair_jaccard": 0.9,
    }
    return Monitors(**(values | changes))


def test_no_previous_release_is_a_full_fit():
    """The first run fits everything."""
    decision = decide(None, CONFIG)
    assert (decision.action, decision.warm_start) == ("full", False)
    assert decision.reason == "No previous release to build on: everything is fitted."


def test_nothing_new_keeps():
    """Quiet monitors and no new items leave all as it is."""
    decision = decide(quiet(), CONFIG)
    assert (decision.action, decision.warm_start) == ("keep", False)
    assert decision.reason == (
        "No new items, and the monitors are quiet (distortion ratio 1.000 <= 1.25, traffic PSI 0.010 <= 0.25, "
        "pair cohesion ratio 1.000 >= 0.85): every SID stays."
    )


def test_new_items_are_assigned():
    """Quiet monitors and new items below their limit: only they get SIDs."""
    decision = decide(quiet(new_items=1_200, new_share=0.12), CONFIG)
    assert decision.action == "assign_new"
    assert decision.reason.startswith("1,200 new items (12.0%, limit 30%), and the monitors are quiet")


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"distortion_ratio": 1.3}, "distortion ratio 1.300 is above 1.25 (refresh.max_distortion_ratio)"),
        ({"traffic_psi": 0.3}, "traffic PSI 0.300 is above 0.25 (refresh.max_traffic_psi)"),
        ({"cohesion_ratio": 0.8}, "pair cohesion ratio 0.800 is below 0.85 (refresh.min_cohesion_ratio)"),
        ({"new_items": 40, "new_share": 0.4}, "share of new items 0.400 is above 0.3 (refresh.max_new_share)"),
    ],
)
def test_each_monitor_beyond_its_limit_refits(change, phrase):
    """The reason names the number, the limit and the setting."""
    decision = decide(quiet(**change), CONFIG)
    assert (decision.action, decision.warm_start) == ("full", True)
    assert decision.reason == f"Drifted: {phrase}. Refit from the previous codes."


@pytest.mark.parametrize(
    "change", [{"distortion_ratio": 1.25}, {"traffic_psi": 0.25}, {"cohesion_ratio": 0.85}, {"new_share": 0.3}]
)
def test_a_monitor_at_its_limit_is_quiet(change):
    """Limits are inclusive."""
    assert decide(quiet(**change), CONFIG).action == "keep"


def test_all_reasons_are_told():
    """Two monitors beyond their limits are both named."""
    reason = decide(quiet(distortion_ratio=2.0, traffic_psi=1.0), CONFIG).reason
    assert "distortion ratio 2.000" in reason
    assert "traffic PSI 1.000" in reason


def test_what_cannot_be_measured_does_not_trigger():
    """Absent numbers are said to be absent."""
    decision = decide(quiet(distortion_ratio=None, traffic_psi=None, cohesion_ratio=None), CONFIG)
    assert decision.action == "keep"
    assert "traffic PSI not measurable" in decision.reason


def test_changed_settings_refit_from_scratch():
    """Other codebooks cannot start from the previous ones."""
    decision = decide(quiet(), CONFIG, shape_changed=True)
    assert (decision.action, decision.warm_start) == ("full", False)
    assert "settings differ" in decision.reason


def test_a_changed_encoder_is_refused_unless_allowed():
    """The message names the setting that allows it and those that restore the old encoder."""
    with pytest.raises(
        ConfigError,
        match=r"dimensions: 384 before, 8 now\. .*refresh\.allow_reencode=true .* restore .*embedding\.model",
    ):
        decide(None, CONFIG, encoder_change="embedding dimensions: 384 before, 8 now")
    decision = decide(
        None, RefreshConfig(allow_reencode=True), encoder_change="embedding dimensions: 384 before, 8 now"
    )
    assert (decision.action, decision.warm_start) == ("re_encode", False)


@pytest.mark.parametrize("force", ["keep", "assign_new", "full"])
def test_force_overrides_the_monitors_and_says_so(force):
    """The reason still tells what the monitors say."""
    decision = decide(quiet(traffic_psi=0.3), RefreshConfig(force=force))
    assert decision.action == force
    assert decision.warm_start == (force == "full")
    assert decision.reason.startswith(
        f"Forced by refresh.force={force}; the monitors alone say: Drifted: traffic PSI 0.300"
    )


def test_force_needs_a_previous_release():
    """There is nothing to keep in a first run, and the reason says so."""
    decision = decide(None, RefreshConfig(force="keep"))
    assert decision.action == "full"
    assert "refresh.force=keep needs one" in decision.reason


def test_force_cannot_keep_another_encoders_codes():
    """Old codes mean nothing for new vectors, forced or not."""
    with pytest.raises(ConfigError):
        decide(quiet(), RefreshConfig(force="keep"), encoder_change="embedding dimensions: 384 before, 8 now")


def test_a_forced_refit_of_another_shape_is_cold():
    """Warm starts need equal codebooks."""
    assert not decide(quiet(), RefreshConfig(force="full"), shape_changed=True).warm_start


def test_only_full_refits_are_warm():
    """Over all inputs: a warm start only with action full, and always a reason."""
    states = [None, quiet(), quiet(new_items=1, new_share=0.1), quiet(traffic_psi=9.0)]
    for state, force, shape in itertools.product(states, ("auto", "keep", "assign_new", "full"), (False, True)):
        decision = decide(state, RefreshConfig(force=force), shape_changed=shape)
        assert decision.reason
        assert decision.action == "full" or not decision.warm_start
        assert not (decision.warm_start and shape)


@pytest.mark.parametrize("monitors", [None, quiet(new_items=3, new_share=0.1)])
def test_decision_round_trip(tmp_path, monitors):
    """decision.json reads back as it was written."""
    decision = decide(monitors, CONFIG)
    write_decision(decision, tmp_path)
    assert read_decision({"decision.json": tmp_path / "decision.json"}) == decision


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "nonsense",
        '{"monitors": {"psi": 1}}',
        '{"action": "partly", "reason": "", "warm_start": false, "monitors": null}',
    ],
)
def test_a_file_that_is_no_decision_is_corrupt(tmp_path, text):
    """Any other JSON, or none, is refused."""
    path = tmp_path / "decision.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorruptArtifact, match=r"decision\.json: not a decision"):
        read_decision({"decision.json": path})


def test_decisions_are_frozen():
    """A decision cannot be changed after the fact."""
    with pytest.raises(AttributeError):
        Decision("keep", "because", False, None).action = "full"
