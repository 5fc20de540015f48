"""What must be in the environment before prefect is imported, and which Prefect server a command uses."""

import json
import os
import urllib.request
from pathlib import Path

STATE = Path(".sidflow")
SERVER_FILE = STATE / "server.json"
DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "sidflow,tasks,flows",
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the command says what happened, without stack traces
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads made torch 15x slower on two cores that others used too
}


def set_defaults() -> None:
    """Set what is not set; before torch and prefect are imported, since both read it once."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def prepare() -> str:
    """Set the environment for prefect; returns which server is used, in words."""
    set_defaults()
    os.environ.setdefault("PREFECT_HOME", str((STATE / "prefect").absolute()))
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)  # its SQLite database needs the folder
    if url := running_server():
        os.environ["PREFECT_API_URL"] = f"{url}/api"
        return f"the server of `sidflow serve` at {url}"
    if api := os.environ.get("PREFECT_API_URL"):
        return f"the server of PREFECT_API_URL at {api}"
    return "an ephemeral server (start one with a UI: sidflow serve)"


def running_server() -> str | None:
    """The address in .sidflow/server.json, if something healthy answers there within 2 s."""
    try:
        url = str(json.loads(SERVER_FILE.read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None
    return url if answers(url, seconds=2.0) else None


def answers(url: str, seconds: float) -> bool:
    """Whether a Prefect server at this address says that it is healthy."""
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=seconds) as response:
            return bool(response.status == 200)
    except OSError:
        return False
