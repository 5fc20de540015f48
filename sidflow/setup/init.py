"""`sidflow init`: a configuration for one's own data."""

import os
import uuid
from pathlib import Path

from sidflow.config import load_config
from sidflow.errors import ConfigError
from sidflow.setup.guess import Guess, guess
from sidflow.setup.write import write_configuration


def initialise(interactions: str, catalogue: str | None, out: str, force: bool = False) -> Guess:
    """Guess the mapping of a log and a catalogue, and write it as a commented configuration.

    Args:
        interactions: File, folder, glob or fsspec URL of the log.
        catalogue: The same of the catalogue; None takes the items from the log, if it has their titles.
        out: The configuration to write; local.
        force: Write over a file that is there.

    Raises:
        ConfigError: If `out` is there already or cannot be written.
        DataContractError: If the files cannot be read, or a role that must be filled has no column.
    """
    target = Path(out)
    if target.exists() and not force:
        raise ConfigError(f"{out}: is there already and stays as it is. Give another name with --out, or use --force.")
    if not target.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder {target.parent}. Make it, or give another name with --out.")
    found = guess(interactions, catalogue)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(write_configuration(found, target.name))
            file.flush()
            os.fsync(file.fileno())
        load_config(temporary)
        temporary.replace(target)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}. Give another name with --out.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return found
