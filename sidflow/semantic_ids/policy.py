"""Keep, assign new, full or re-encode: one pure decision from monitors and limits."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from sidflow.config.learning import RefreshConfig
from sidflow.errors import ConfigError, CorruptArtifact
from sidflow.semantic_ids.drift import Monitors

LOG = logging.getLogger(__name__)

FILE = "decision.json"
MOSTLY_NEW = 0.5  # share of new items above which the previous codes and weights are no start
Action = Literal["keep", "assign_new", "full", "re_encode"]


@dataclass(frozen=True)
class Decision:
    """What a refresh does to the semantic IDs.

    Attributes:
        action: keep every SID; assign_new to new items only; full refit; re_encode: full refit on a new text encoder.
        reason: A sentence for people, with numbers and limits.
        warm_start: Whether a refit starts from the previous quantiser and keeps its code names.
        monitors: What the decision saw; None without a previous release, or one that cannot be compared.
    """

    action: Action
    reason: str
    warm_start: bool
    monitors: Monitors | None


def decide(
    monitors: Monitors | None, config: RefreshConfig, encoder_change: str = "", shape_changed: bool = False
) -> Decision:
    """How much of the SIDs to make anew.

    In this order: a changed text encoder or template re-encodes, if allowed; no previous release is a full fit;
    `force` overrides what follows; changed quantiser settings are a full refit from scratch; a monitor beyond its
    limit is a warm full refit; new items get SIDs around the known; else everything stays.

    Args:
        monitors: Drift against the previous release; None if there is none (or its encoder differs).
        config: Limits and overrides.
        encoder_change: How the text model, template or vectors' width differ from the previous release's, such as
            "embedding dimensions: 384 before, 768 now"; "" if they do not.
        shape_changed: The quantiser's settings, or the uniqueness mode, are not the previous release's.

    Raises:
        ConfigError: If the encoder changed and `allow_reencode` is off.
    """
    decision = _decide(monitors, config, encoder_change, shape_changed)
    LOG.info("decision: %s: %s", decision.action, decision.reason)
    return decision


def exceeded(monitors: Monitors, config: RefreshConfig) -> tuple[str, ...]:
    """Each monitor beyond its limit, as a phrase with its value and limit."""
    checks = (
        ("distortion ratio", monitors.distortion_ratio, config.max_distortion_ratio, "refresh.max_distortion_ratio"),
        ("traffic PSI", monitors.traffic_psi, config.max_traffic_psi, "refresh.max_traffic_psi"),
        ("share of new items", monitors.new_share, config.max_new_share, "refresh.max_new_share"),
    )
    found = [
        f"{name} {value:.3f} is above {limit:g} ({key})"
        for name, value, limit, key in checks
        if value is not None and value > limit
    ]
    cohesion = monitors.cohesion_ratio
    if cohesion is not None and cohesion < config.min_cohesion_ratio:
        found.append(
            f"pair cohesion ratio {cohesion:.3f} is below {config.min_cohesion_ratio:g} (refresh.min_cohesion_ratio)"
        )
    return tuple(found)


def write_decision(decision: Decision, folder: Path) -> None:
    """Write `decision.json`."""
    text = json.dumps(asdict(decision), indent=2, sort_keys=True, allow_nan=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_decision(files: Mapping[str, Path]) -> Decision:
    """The decision in `decision.json`.

    Raises:
        CorruptArtifact: If the file is not a decision.
    """
    try:
        content = json.loads(Path(files[FILE]).read_text(encoding="utf-8"))
        monitors = content.pop("monitors")
        if content["action"] not in get_args(Action):
            raise ValueError(f"action {content['action']}")
        return Decision(**content, monitors=None if monitors is None else Monitors(**monitors))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifact(f"{FILE}: not a decision ({error!r}). Run the stage decision again.") from error


def _decide(monitors: Monitors | None, config: RefreshConfig, encoder_change: str, shape_changed: bool) -> Decision:
    if encoder_change:
        return _re_encode(monitors, config, encoder_change)
    if monitors is None:
        forced = f" (refresh.force={config.force} needs one)" if config.force not in ("auto", "full") else ""
        return Decision("full", f"No previous release to build on{forced}: everything is fitted.", False, None)
    if config.force != "auto":
        reason = (
            f"Forced by refresh.force={config.force}; the monitors alone say: {_by_monitors(monitors, config).reason}"
        )
        warm = config.force == "full" and not shape_changed
        return Decision(config.force, reason, warm, monitors)
    if shape_changed:
        reason = "The quantiser's settings differ from the previous release's: everything is fitted from scratch."
        return Decision("full", reason, False, monitors)
    return _by_monitors(monitors, config)


def _re_encode(monitors: Monitors | None, config: RefreshConfig, change: str) -> Decision:
    if not config.allow_reencode:
        raise ConfigError(
            f"The vectors cannot be compared with the previous release's: {change}. Every vector, SID and decoder "
            "would be made anew. Set refresh.allow_reencode=true to allow that, or restore what they were made from: "
            "embedding.model, embedding.template, and the columns of embedding.vectors."
        )
    reason = f"The vectors are others ({change}), and refresh.allow_reencode is on: everything is fitted anew."
    return Decision("re_encode", reason, False, monitors)


def _by_monitors(monitors: Monitors, config: RefreshConfig) -> Decision:
    beyond = exceeded(monitors, config)
    if beyond:
        related = monitors.new_share <= MOSTLY_NEW
        start = "Refit from the previous codes." if related else "Most items are new: fitted from scratch."
        return Decision("full", f"Drifted: {'; '.join(beyond)}. {start}", related, monitors)
    quiet = f"the monitors are quiet ({_summary(monitors, config)})"
    if monitors.new_items:
        share = f"{monitors.new_items:,} new items ({monitors.new_share:.1%}, limit {config.max_new_share:.0%})"
        return Decision("assign_new", f"{share}, and {quiet}: only they get SIDs.", False, monitors)
    return Decision("keep", f"No new items, and {quiet}: every SID stays.", False, monitors)


def _summary(monitors: Monitors, config: RefreshConfig) -> str:
    numbers = (
        ("distortion ratio", monitors.distortion_ratio, "<=", config.max_distortion_ratio),
        ("traffic PSI", monitors.traffic_psi, "<=", config.max_traffic_psi),
        ("pair cohesion ratio", monitors.cohesion_ratio, ">=", config.min_cohesion_ratio),
    )
    return ", ".join(
        f"{name} not measurable" if value is None else f"{name} {value:.3f} {sign} {limit:g}"
        for name, value, sign, limit in numbers
    )
