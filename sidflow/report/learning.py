"""Section: how the quantiser and the decoder learned."""

from collections.abc import Mapping, Sequence
from typing import Any

from sidflow.report.blocks import Block, Facts, Figure, Note, Section, Table, axes, facts, table
from sidflow.report.formats import count, decimal, seconds
from sidflow.report.palette import MUTED, SERIES
from sidflow.report.subject import Subject

Rows = Sequence[Mapping[str, Any]]
LOSSES = {"reconstruction": "reconstruction", "quantisation": "quantisation", "collaborative": "collaborative",
          "balance": "balance, weighted", "anchor": "anchor"}  # fmt: skip
FEATURES = {
    "levels": "log-probability of the codes",
    "dense": "logit of the dense head",
    "followers": "log(1 + times it came next after the newest item)",
    "follower_share": "its share of all that came next",
    "skips": "log(1 + times it came two places after the newest item but one)",
    "partners": "weights of mined pairs with the newest items",
    "seen": "1 if the history holds it already",
    "similarity": "cosine of its text to the nearest of the newest items",
}


def learning(subject: Subject) -> Section:
    """Losses and perplexity of the quantiser by step, losses and validation of the decoder by epoch."""
    blocks: list[Block] = []
    fitted, trained = subject.beside("quantizer", "curve.json"), subject.beside("decoder", "metrics.jsonl")
    if fitted:
        blocks += [quantizer_losses(fitted), quantizer_perplexity(fitted)]
    else:
        blocks.append(Note("The quantiser's curve is not kept with this release.", "missing"))
    if trained:
        numbers = subject.facts("decoder")
        blocks += [decoder_losses(trained), validation(trained, numbers.get("best_epoch")), decoder_facts(numbers)]
        if numbers.get("rescoring"):
            blocks.append(rescoring_table(numbers["rescoring"]))
    else:
        blocks.append(Note("The decoder's curve is not kept with this release.", "missing"))
    return Section("learning", "Learning curves", tuple(blocks))


def quantizer_losses(rows: Rows) -> Figure:
    """Every loss by step, on a logarithmic axis since their units differ; a loss that is zero has a gap."""
    data = [
        _line(label, [row["step"] for row in rows], [row.get(name) or None for row in rows], number)
        for number, (name, label) in enumerate(LOSSES.items())
        if any(row.get(name) for row in rows)
    ]
    return Figure(
        "quantizer-losses",
        "Quantiser: losses",
        "By joint step; all but balance are before their weights. Reconstruction and collaborative should fall and "
        "flatten; quantisation rises first, while the latents spread. Alarming: a line that turns up at the end. "
        "Balance rests (gaps) while codes are used evenly. Anchor, of a refit that starts from the previous quantiser: "
        "how far latents have moved, as a share of their variance.",
        f"Lines of {len(data)} losses over {rows[-1]['step']} steps.",
        data,
        axes("joint step", "loss, log scale", yaxis={"type": "log", "dtick": 1, "exponentformat": "none"}),
    )


def quantizer_perplexity(rows: Rows) -> Figure:
    """Perplexity over codebook size by level and step."""
    levels = len(rows[-1]["perplexity"])
    data = [
        _line(f"level {level + 1}", [row["step"] for row in rows], [row["perplexity"][level] for row in rows], level)
        for level in range(levels)
    ]
    ends = ", ".join(f"{each:.2f}" for each in rows[-1]["perplexity"])
    return Figure(
        "quantizer-perplexity",
        "Quantiser: perplexity over codes",
        "1 means that all codes of a level are used alike. Alarming: a level that sinks and stays low has collapsed.",
        f"Lines for {levels} levels, ending at {ends}.",
        data,
        axes("joint step", "perplexity / codes", yaxis={"range": [0, 1.02]}),
    )


def decoder_losses(rows: Rows) -> Figure:
    """Training losses by epoch."""
    names = {"loss_levels": "codes", "loss_dense": "dense head"}
    data = [
        _line(label, [row["epoch"] for row in rows], [row.get(name) for row in rows], number, "lines+markers")
        for number, (name, label) in enumerate(names.items())
        if any(row.get(name) for row in rows)
    ]
    return Figure(
        "decoder-losses",
        "Decoder: training losses",
        "Cross-entropy in nats by epoch: of the codes, and of the dense head over items. Alarming: a jump up, or a "
        "line that is still steep at the end (train longer).",
        f"Lines over {rows[-1]['epoch']} epochs; the codes' loss ends at {rows[-1].get('loss_levels', 0):.2f}.",
        data,
        axes("epoch", "loss, nats", yaxis={"rangemode": "tozero"}, xaxis=_epochs(rows)),
    )


def validation(rows: Rows, best_epoch: int | None) -> Figure:
    """NDCG@10 and Recall@10 on validation targets by epoch, with the epoch whose weights were kept."""
    epochs = [row["epoch"] for row in rows]
    data = [
        _line(label, epochs, [row.get(name) for row in rows], number, "lines+markers")
        for number, (name, label) in enumerate({"ndcg@10": "NDCG@10", "recall@10": "Recall@10"}.items())
        if any(row.get(name) is not None for row in rows)
    ]
    if best_epoch in epochs:
        top = max((value for each in data for value in each["y"] if value is not None), default=1.0)
        data.append({
            "type": "scatter", "mode": "lines", "name": f"kept: epoch {best_epoch}", "x": [best_epoch, best_epoch],
            "y": [0, top * 1.05], "line": {"color": MUTED, "width": 1, "dash": "dash"}, "hoverinfo": "skip",
        })  # fmt: skip
    return Figure(
        "decoder-validation",
        "Decoder: ranking of validation targets",
        "The weights of the epoch with the best NDCG@10 are kept (dashed). Alarming: the best epoch is the last and "
        "the line still climbs (train longer), or the line falls while the training loss falls (overfitting).",
        f"Lines over {len(rows)} validations; the weights of epoch {best_epoch} were kept.",
        data,
        axes("epoch", "validation measure", yaxis={"rangemode": "tozero"}, xaxis=_epochs(rows)),
    )


def decoder_facts(numbers: Mapping[str, Any]) -> Facts:
    """What was trained, how long, on what."""
    start = numbers.get("start")
    return facts(
        "Decoder",
        {
            "parameters": count(numbers.get("parameters")),
            "start": start if isinstance(start, str) else "warm, from the previous release" if start else None,
            "epochs": f"{count(numbers.get('epochs'))} of {count(numbers.get('planned_epochs'))} planned",
            "best epoch": count(numbers.get("best_epoch")),
            "positions a second": count(numbers.get("positions_per_second")),
            "time": seconds(numbers["seconds"]) if "seconds" in numbers else None,
            "device": f"{numbers.get('device')}, {numbers.get('precision')}, threads: {count(numbers.get('threads'))}",
            "processes": count(numbers.get("processes", 1)),
            "validation NDCG@10 in training": decimal(numbers.get("validation", {}).get("ndcg@10")),
        },
    )


def rescoring_table(fitted: Mapping[str, Any]) -> Table:
    """What ranks the candidates that the beam finds, and what that brings on validation targets."""
    weights = fitted.get("weights", {})
    rows = [(name.replace("_", " "), FEATURES.get(name, ""), f"{value:+.3f}") for name, value in weights.items()]
    before, after = fitted.get("ndcg@10_before"), fitted.get("ndcg@10_after")
    is_own = not any(value for name, value in weights.items() if name not in ("levels", "dense"))
    outcome = "It did not help, so the decoder's own score ranks alone" if is_own else "A score is their weighted sum"
    return table(
        "Rescoring: what the log remembers, weighed against the decoder",
        ("feature", "of a candidate", "weight"),
        rows,
        "llr",
        reading=f"Fitted on {count(fitted.get('users'))} users' validation targets, of which the beam reached "
        f"{count(fitted.get('users_reached'))}: NDCG@10 {decimal(before)} by the decoder alone, {decimal(after)} by "
        f"weights fitted on the other half of the users. {outcome}. Weights are in each feature's own unit, so their "
        "sizes do not compare; a negative weight of seen means that what a user had is rarely next.",
    )


def _epochs(rows: Rows) -> dict[str, int]:
    """Ticks at whole epochs, about eight of them."""
    return {"dtick": max(1, round(rows[-1]["epoch"] / 8))}


def _line(name: str, x: list[Any], y: list[Any], number: int, mode: str = "lines") -> dict[str, Any]:
    colour = SERIES[number % len(SERIES)]
    return {
        "type": "scatter", "mode": mode, "name": name, "x": x, "y": y, "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 5}, "hovertemplate": f"%{{x}}: %{{y:.4g}}<extra>{name}</extra>",
    }  # fmt: skip
