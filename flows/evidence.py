"""What a person sees of a whole run in the Prefect UI: a summary, and an event when a release is published."""

from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from flows.steps import Summary

METRICS = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")


def show_summary(summary: Summary) -> None:
    """A markdown artifact with stages, decision and metrics; an event for a release that is new."""
    create_markdown_artifact(markdown(summary), key="summary", description="What this run made")
    made = {step.kind for step in summary.artifacts if not step.cached}
    if summary.release is not None and "release" in made:
        emit_event(
            event="sidflow.release.published",
            resource={
                "prefect.resource.id": f"sidflow.release.{summary.release}",
                "prefect.resource.name": summary.release,
            },
            payload={"decision": summary.decision, "metrics": (summary.metrics or {}).get("test")},
        )


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
