"""Events outside of a flow run: told to a Prefect server if one is at hand, and never worth starting one."""

import os

from flows import environment
from sidflow.lifecycle.rollback import RolledBack


def tell_rollback(done: RolledBack) -> str | None:
    """Emit `sidflow.release.rolled-back`; returns which server got it, in words, or None if none is at hand."""
    said = environment.prepare()
    url = os.environ.get("PREFECT_API_URL", "").removesuffix("/").removesuffix("/api")
    if not url or not environment.answers(url, seconds=2.0):
        return None
    from prefect.events import emit_event
    from prefect.events.worker import EventsWorker

    emit_event(
        event="sidflow.release.rolled-back",
        resource={
            "prefect.resource.id": f"sidflow.release.{done.live.release}",
            "prefect.resource.name": done.live.release,
        },
        payload={"from": done.left, "withdrawn": done.withdrawn},
    )
    EventsWorker.instance().drain()
    return said
