"""What a person sees of a whole run in the Prefect UI: a summary; for a new release an event and its report."""

import json
import logging

from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from flows.environment import SERVER_FILE
from flows.steps import Summary
from sidflow.artifacts import Store
from tasks.write_report import write_report

log = logging.getLogger(__name__)

METRICS = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")


def show_summary(summary: Summary) -> None:
    """A markdown artifact with stages, decision and metrics; an event for a release that is new."""
    create_markdown_artifact(markdown(summary), key="summary", description="What this run made")
    if summary.release is not None and is_new(summary):
        emit_event(
            event="sidflow.release.published",
            resource={
                "prefect.resource.id": f"sidflow.release.{summary.release}",
                "prefect.resource.name": summary.release,
            },
            payload={"decision": summary.decision, "metrics": (summary.metrics or {}).get("test")},
        )


def is_new(summary: Summary) -> bool:
    """Whether the run has published a release that was not there before."""
    made = {step.kind for step in summary.artifacts if not step.cached}
    return summary.release is not None and "release" in made


def report_release(store: Store, summary: Summary) -> None:
    """The report of a release that is new. One that cannot be written is a failed task run and a warning, no more."""
    if summary.release is None or not is_new(summary):
        return
    state = write_report(store, summary.release, served_reports(), return_state=True)
    if not state.is_completed():
        log.warning(
            "release %s is published, but its report could not be written: %s. Try again: sidflow report %s",
            summary.release,
            state.message,
            summary.release,
        )


def served_reports() -> str | None:
    """The address under which `sidflow serve` serves reports, if its file says one."""
    try:
        address = json.loads(SERVER_FILE.read_text())["reports"]
    except (OSError, ValueError, KeyError):
        return None
    return None if address is None else str(address)


def markdown(summary: Summary) -> str:
    """The summary as Markdown tables."""
    lines = [f"# Release {summary.release or '(none: the run ended before it)'}", ""]
    if summary.decision is not None:
        lines += [f"Decision **{summary.decision['action']}**: {summary.decision['reason']}", ""]
    lines += ["| stage | rows | seconds | cached |", "|---|---:|---:|---|"]
    for step in summary.artifacts:
        lines.append(f"| {step.kind} | {step.rows:,} | {step.seconds:.1f} | {'yes' if step.cached else ''} |")
    if summary.metrics is not None:
        lines += ["", "| test | " + " | ".join(METRICS) + " |", "|---|" + "---:|" * len(METRICS)]
        for name, values in {"sidflow": summary.metrics["test"], **summary.metrics["baselines"]}.items():
            lines.append(
                f"| {name.replace('_', ' ')} | " + " | ".join(f"{values[each]:.4f}" for each in METRICS) + " |"
            )
    return "\n".join(lines) + "\n"
