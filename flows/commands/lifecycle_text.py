"""What people read of rollback, gc and forget."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from flows.commands.options import plain
from sidflow.lifecycle.collect import Fate, Plan
from sidflow.lifecycle.forget import Forgetting
from sidflow.lifecycle.rollback import RolledBack

AGGREGATES = {"decoder": "decoder weights", "quantizer": "codebooks", "semantic_ids": "SIDs"}


def print_rollback(console: Console, done: RolledBack, told: str | None, again: str) -> None:
    """What is live now, how to undo it, and what the next run does; `again` ends commands, see `config_option`."""
    console.print(f"Release [bold]{done.live.release}[/bold] (as of {done.live.as_of:%Y-%m-%d %H:%M} UTC) is live.")
    if done.withdrawn:
        console.print(f"{done.left} was withdrawn: it is never live again, and no later run builds on it.")
    elif done.left:
        console.print(plain(f"Undo with: sidflow rollback {done.left}{again}"), soft_wrap=True)
        console.print(
            plain(
                f"A later run may still build on {done.left}. If it is bad, withdraw it for good: "
                f"sidflow rollback {done.live.release} --withdraw{again}"
            ),
            soft_wrap=True,
        )
    console.print("A run on the same data leaves this release live; new data makes a new one.")
    console.print(f"Event sent to {told}." if told else "No Prefect server at hand, so no event was sent.")


def print_plan(console: Console, plan: Plan, applied: bool) -> None:
    """What stays and goes: releases one by one, artifacts by kind, what goes one by one, caches."""
    _print_releases(console, plan)
    _print_kinds(console, plan)
    for fate in plan.attempts:
        if not fate.stays:
            console.print(
                f"  {fate.name} {'went' if applied else 'goes'} ({fate.state}, {_size(fate.bytes)}): {fate.why}"
            )
    caches = ", ".join(f"{name} {_size(size)}" for name, size in plan.caches.items()) or "none"
    console.print(f"Caches: {caches}. They are no artifacts; the folder cache/ may be deleted at any time.")
    done = "Deleted" if applied else "Would delete"
    console.print(
        f"{done} {len(plan.going)} of {len(plan.attempts)} artifacts, {_size(plan.free_bytes)}.", style="bold"
    )
    console.print("Why each of the others stays: --json.")
    if not applied and plan.going:
        console.print("To do it: the same command with --apply.")


def print_forgotten(console: Console, done: Forgetting, raw: str, again: str) -> None:
    """What was taken out, where traces remain, what ends them, and what is the user's own to do."""
    _print_removed(console, done)
    _print_traces(console, done, again)
    console.print(
        f"Your own files are untouched: {plain(raw)}, exports and reports. Runs on them keep "
        f"{'this user' if done.users == 1 else 'these users'} out, but only you can delete the rows there."
    )


def _print_releases(console: Console, plan: Plan) -> None:
    table = Table("release", "", "why", title="Releases", title_justify="left")
    table.add_column("holds", justify="right")
    for each in plan.releases:
        table.add_row(each.name, "stays" if each.stays else "goes", plain(each.why), _size(each.bytes))
    console.print(table if plan.releases else "No releases.")


def _print_kinds(console: Console, plan: Plan) -> None:
    table = Table("kind", title="Artifacts", title_justify="left")
    for name in ("stay", "bytes", "go", "frees"):
        table.add_column(name, justify="right")
    for kind in sorted({each.kind for each in plan.attempts}):
        stay, go = _split([each for each in plan.attempts if each.kind == kind])
        table.add_row(kind, str(len(stay)), _size(_total(stay)), str(len(go)), _size(_total(go)))
    console.print(table)


def print_left(console: Console, plan: Plan, left: dict[str, int], again: str) -> None:
    """What still holds rows of forgotten users, and why it stays."""
    why = {each.name: each.why for each in plan.attempts if each.stays}
    for name, rows in left.items():
        if name in why:
            console.print(f"Still holds {rows:,} rows of forgotten users: {name}, {why[name]}.")
    if any(name in why for name in left):
        console.print(
            plain(
                "The current release goes once a run has made another; data behind a quantizer goes once a run has "
                f"fitted another: sidflow run{again} --set refresh.force=full. What was used lately goes with "
                "--grace 0h."
            )
        )
    elif not left:
        console.print("No artifact holds rows of forgotten users.")
    if not all(each.stays for each in plan.releases):
        console.print("Runs on newer data build on the current release; one on the same data may start from scratch.")


def _print_removed(console: Console, done: Forgetting) -> None:
    verb = "Would remove" if done.dry_run else "Removed"
    for each in done.segments:
        console.print(
            f"{verb} {each.rows:,} rows and {each.rejects:,} rejects of {plain(each.source)} ({each.segment})."
        )
    if done.evidence_rows:
        console.print(f"{verb} {done.evidence_rows:,} rows of gates' evidence.")
    if done.caches:
        console.print(f"{verb} cached {' and '.join(done.caches)}; they are made again.")
    if done.reports:
        console.print(f"{verb} the reports of {', '.join(done.reports)}, which named them.")
    if not done.segments:
        console.print("No row in the cleaned interactions.")
    if not done.dry_run:
        console.print("Noted by digest: later runs leave these users out, whatever the files say.")


def _print_traces(console: Console, done: Forgetting, again: str) -> None:
    for each in done.traces:
        rows = ", ".join(f"{kind} {count:,} rows" for kind, count in each.rows.items()) or "no rows"
        learned = ", ".join(AGGREGATES.get(kind, kind) for kind in each.learned)
        state = ", current" if each.current else ""
        console.print(
            f"Trace: release {each.release} (as of {each.as_of:%Y-%m-%d}{state}): {rows}; learned: {learned}."
        )
    if not done.traces and not done.artifacts:
        console.print("No release and no artifact holds a trace.")
    if not done.dry_run:
        console.print("A run that is under way may have read their rows before: it says so, and gc finds them.")
    for number, command in enumerate(commands(done, again), start=1):
        console.print(plain(f"  {number}. {command}"), soft_wrap=True)


def commands(done: Forgetting, again: str = "") -> list[str]:
    """What ends the traces, in order; gc says what else a kept quantizer holds back."""
    if not done.artifacts:
        return []
    first = [f"sidflow run{again}"] if any(each.current and each.rows for each in done.traces) else []
    return [*first, f"sidflow gc --apply --forgotten --grace 0h{again}   (when no run is under way)"]


def plan_json(plan: Plan, applied: bool, left: dict[str, int]) -> dict[str, object]:
    """A plan for programs; `left` is rows of forgotten users by artifact."""
    lists = {name: [asdict(each) for each in getattr(plan, name)] for name in ("releases", "attempts")}
    totals = {"free_bytes": plan.free_bytes, "deleted": len(plan.going) if applied else 0}
    return {"applied": applied, **totals, **lists, "caches": plan.caches, "forgotten_rows": left}


def _split(fates: list[Fate]) -> tuple[list[Fate], list[Fate]]:
    return [each for each in fates if each.stays], [each for each in fates if not each.stays]


def _total(fates: list[Fate]) -> int:
    return sum(each.bytes for each in fates)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
