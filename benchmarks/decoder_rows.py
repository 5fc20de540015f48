"""What benchmarks/decoder.py compares: each row's settings of the pipeline and of its training."""

from dataclasses import dataclass
from typing import Literal

from sasrec import GRID

SHORT = 10
"""Epochs of an ingredient's row: four to six minutes of one core on Beauty."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        label: What the table calls it.
        model: What is trained or counted.
        settings: Of the pipeline, on top of benchmarks/amazon.yaml, as `section.key=value`.
        group: Table that it stands in.
        content: Whether the decoder reads content vectors.
        spread: Whether it gets all seeds.
        sasrec: Which of SASRec's settings; None takes those of the best row of group `tuning`.
    """

    label: str
    model: Literal["decoder", "popularity", "transitions", "knn", "sasrec", "tiger"] = "decoder"
    settings: tuple[str, ...] = ()
    group: Literal["main", "tuning", "ingredients", "time"] = "main"
    content: bool = True
    spread: bool = False
    sasrec: str | None = None


def _short(*settings: str) -> tuple[str, ...]:
    return (f"decoder.epochs={SHORT}", *settings)


_CODES = ("decoder.dense_weight=0", "decoder.item_dropout=1", "decoder.code_dropout=0")
_TIME = ("histories.split=time", "histories.holdout=8w")

ROWS = {
    "default": Row("sidflow, shipped default", spread=True),
    **{f"tune-{name}": Row(f"SASRec, {name}", "sasrec", group="tuning", sasrec=name) for name in GRID},
    "sasrec": Row("SASRec, full softmax", "sasrec", spread=True),
    "popularity": Row("popularity", "popularity"),
    "transitions": Row("last-item transitions", "transitions"),
    "knn": Row("item-kNN, mined pairs", "knn"),
    "tiger": Row("TIGER's T5 on the same SIDs", "tiger"),
    "step-codes": Row("codes alone", settings=_short(*_CODES), group="ingredients", content=False),
    "step-content": Row("+ content", settings=_short(*_CODES), group="ingredients"),
    "step-dropout": Row(
        "+ code dropout", settings=_short("decoder.dense_weight=0", "decoder.item_dropout=1"), group="ingredients"
    ),
    "step-own": Row("+ vectors of items' own", settings=_short("decoder.dense_weight=0"), group="ingredients"),
    "short": Row("+ dense head", settings=_short(), group="ingredients"),
    "no-pairs": Row("SIDs without pairs", settings=_short("quantizer.collaborative=0"), group="ingredients"),
    "levels": Row(
        "four levels", settings=_short("quantizer.codebooks=[256,256,256,256]"), group="ingredients"
    ),
    "wide": Row("256 wide", settings=_short("decoder.dim=256"), group="ingredients"),
    "deep": Row("four layers", settings=_short("decoder.layers=4"), group="ingredients"),
    "random": Row("random SIDs", settings=_short("quantizer.method=random"), group="ingredients"),
    "lsh": Row("LSH SIDs", settings=_short("quantizer.method=lsh"), group="ingredients"),
    "default-time": Row("sidflow, shipped default", settings=_TIME, group="time"),
    "sasrec-time": Row("SASRec, full softmax", "sasrec", _TIME, "time"),
    "popularity-time": Row("popularity", "popularity", _TIME, "time"),
    "transitions-time": Row("last-item transitions", "transitions", _TIME, "time"),
}  # fmt: skip
