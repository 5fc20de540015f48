"""Asking a Prefect server as its own client does."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

BUSY = 503  # the server's database was locked for the moment; Prefect's client asks again, too


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST with a body, as JSON; a server that is busy is asked again for half a minute."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            if error.code != BUSY or time.monotonic() > deadline:
                raise
            time.sleep(1)
