"""Configurations that are refused before anything runs."""

from pathlib import Path

from tests.errors.case import Case
from tests.errors.spoil import SETTINGS, add, change, nothing, remove, write

RUN = ("run",)


def case(name: str, situation: str, *settings: str) -> Case:
    """A run that --set spoils."""
    return Case(name, situation, nothing, 2, settings=settings, command=RUN)


def as_folder(folder: Path) -> None:
    """A folder in the place of the configuration."""
    (folder / SETTINGS).unlink()
    (folder / SETTINGS).mkdir()


FILE = (
    Case("no configuration", "The file is not there.", remove(SETTINGS), 2, command=RUN),
    Case("configuration is a folder", "What is given is a folder.", as_folder, 2, command=RUN),
    Case("YAML syntax", "The file is not YAML.", write(SETTINGS, "pairs:\n  window: {3\nstore: {}\n"), 2, command=RUN),
    Case("tabs in YAML", "Lines are indented with tabs.", write(SETTINGS, "pairs:\n\twindow: 3\n"), 2, command=RUN),
    Case(
        "missing space after a colon",
        "`window:3` is one word.",
        write(SETTINGS, "pairs:\n  window:3\n"),
        2,
        command=RUN,
    ),
    Case(
        "key twice",
        "A section is there twice: plain YAML readers would drop the first one.",
        add(SETTINGS, "store: {root: elsewhere}"),
        2,
        command=RUN,
    ),
    Case("no mapping", "The file holds a list.", write(SETTINGS, "- pairs\n- store\n"), 2, command=RUN),
    Case(
        "configuration in Latin-1",
        "The file is not UTF-8.",
        change(SETTINGS, lambda raw: b"# caf\xe9\n" + raw),
        2,
        command=RUN,
    ),
    Case(
        "several mistakes",
        "All are named at once.",
        add(SETTINGS, "historeis: {split: time}", "release: {keep: 0}"),
        2,
        command=RUN,
    ),
)

KEYS = (
    case("unknown section", "A section is mistyped.", "decodr.lr=0.001"),
    case("unknown key", "A key is mistyped.", "pairs.windw=3"),
    case("unknown nested key", "A key of a section within a section is mistyped.", "pairs.dask.worker=3"),
    case("key in another section", "The key is one of another section.", "pairs.uniqueness=suffix"),
    case("unknown key without a like", "No known key is close.", "dataset.colour=red"),
    Case(
        "unknown key in a list",
        "A key of a deployment is mistyped.",
        add(SETTINGS, "deployments: {serve: [{name: nightly, flw: refresh}]}"),
        2,
        command=RUN,
    ),
    case("--set without a section", "The key has no section.", "lr=0.001"),
    case("--set without a value", "There is no equals sign.", "decoder.lr"),
    case("--set into a value", "The key goes on below a value.", "store.root.path=x"),
)

VALUES = (
    case("keep rule without a column", "A rule on a column that is not mapped.", "interactions.keep.events=[buy]"),
    case(
        "store among the inputs",
        "The store lies in the folder of the log, whose files are read again with the next run.",
        "interactions.path=FOLDER",
        "store.root=FOLDER/store",
    ),
    case("entry out of range", "A number in a list is too small.", "quantizer.hidden=[256,0]"),
    case("out of range", "A number is too small.", "pairs.window=0"),
    Case(
        "out of range in the file",
        "The same in the file.",
        change(SETTINGS, lambda raw: raw.replace(b"window: 3", b"window: 0")),
        2,
        command=RUN,
    ),
    case("wrong type", "A word in the place of a number.", "decoder.lr=fast"),
    case("yes for a number", "YAML reads yes as true, which is no number.", "decoder.epochs=yes"),
    case("unknown choice", "The value is none of those allowed.", "histories.split=random"),
    case("list without brackets", "A list is written with brackets.", "quantizer.codebooks=256,256"),
    case("codebook of one code", "A level needs two codes.", "quantizer.codebooks=[256,1]"),
    case("section as a value", "A section is given a word.", "decoder.lr=", "pairs.gate=strict"),
    case("empty path", "The path of the log is empty.", "interactions.path=", "catalogue.path=''"),
    case("template without quotes", "YAML reads braces as a mapping.", "embedding.template={title}"),
    case("not a number", "NaN is in no range.", "decoder.lr=.nan"),
    case("a length of time", "Lengths are a number and a unit.", "histories.holdout=7 days"),
)

OPTIONS = (
    Case("unknown stage", "`--until` names no stage.", nothing, 2, command=("run", "--until", "quantiser")),
    Case("unreadable moment", "`--as-of` is no date.", nothing, 2, command=("run", "--as-of", "31/12/2014")),
    Case("unknown option", "The command has no such option.", nothing, 2, command=("run", "--asof", "2014-07-01")),
)
