"""Every error that sidflow raises on purpose.

    SidflowError
    ├── ConfigError            a setting is unknown, out of range or contradicts another   exit 2
    ├── DataContractError      an input breaks its contract (data/README.md)               exit 2
    │   └── NotObtained        one place does not give a public data set; another may
    ├── GateRefused            a gate refused to publish a data set                        exit 3
    ├── ArtifactError                                                                      exit 1
    │   ├── MissingArtifact    nothing is published under this name
    │   ├── CorruptArtifact    a part is gone or its checksum differs
    │   └── ReleaseMismatch    a decoder met a SID table that is not its own
    ├── ShapeError             arrays do not fit together                                  exit 1
    └── TrainingDiverged       a loss became NaN, infinite or absurdly large               exit 1

A message says what, where, got, allowed and the next step.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class SidflowError(Exception):
    """Base of all errors that a user can act on; shown without a stack trace."""

    exit_code: ClassVar[int] = 1


class ConfigError(SidflowError):
    """A setting is unknown, out of range or contradicts another."""

    exit_code = 2


class DataContractError(SidflowError):
    """An input file or table breaks its contract."""

    exit_code = 2


class NotObtained(DataContractError):
    """One place does not give what was asked of it; another may."""


class GateRefused(SidflowError):
    """A gate refused to publish; the candidate and its results are kept."""

    exit_code = 3


class ArtifactError(SidflowError):
    """The artifact store cannot give what was asked for."""


class MissingArtifact(ArtifactError):
    """Nothing is published under this name."""


class CorruptArtifact(ArtifactError):
    """A part is gone or its content differs from the manifest's checksum."""


class ReleaseMismatch(ArtifactError):
    """Two artifacts of different releases were put together."""


class ShapeError(SidflowError):
    """Arrays whose shapes do not fit together."""


class TrainingDiverged(SidflowError):
    """A loss became NaN, infinite or absurdly large."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'brand'?` for the known name that is closest to another, nothing where none is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
