"""Opening the fsspec filesystem behind a path or URL, with an error that names what to install."""

from typing import Any

import fsspec

from sidflow.errors import ConfigError

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


def open_filesystem(path: str, where: str) -> tuple[Any, str]:
    """The filesystem of a local path (`~` is the home folder) or URL, and the path on it.

    Args:
        path: What to open.
        where: The setting or path, for the message.

    Raises:
        ConfigError: If the path is empty, or its protocol is unknown or needs a package that is not installed.
    """
    if not path.strip():
        raise ConfigError(f"{where or 'path'}: is empty; allowed: a path or an fsspec URL. Set it.")
    protocol = path.partition("://")[0]
    try:
        filesystem, inner = fsspec.core.url_to_fs(path)
    except ValueError as error:
        raise ConfigError(
            f"{where}: {' '.join(str(error).split())}; allowed: a local path, s3://, gs:// and what else fsspec knows. "
            "Correct the path."
        ) from error
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        step = f"Install the extra: pip install '.[{extra}]'" if extra else "Install that package"
        raise ConfigError(f"{where}: {protocol}:// needs a package that is not installed: {error}. {step}.") from error
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise ConfigError(
            f"{where}: cannot be reached: {reason}. Check the address and the network, and that this machine has what "
            f"{protocol}:// needs."
        ) from error
    return filesystem, str(inner)
