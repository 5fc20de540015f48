"""Task: the page about a release, and a few of its figures, for whoever looks at the run."""

import base64
import urllib.request

from prefect import task
from prefect.artifacts import create_image_artifact, create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext

from sidflow.artifacts import Store
from sidflow.release import find_release
from sidflow.report import Report, draw_still
from sidflow.report import write_report as write

SHOWN = ("metrics-baselines", "decoder-validation", "code-usage", "item-map")


@task(name="write report", task_run_name="write-report", cache_policy=NO_CACHE)
def write_report(store: Store, release: str, served: str | None = None) -> str:
    """The report of a release in the store, linked from the run.

    Args:
        store: Where the release is.
        release: Its id.
        served: Address under which the store's reports may be served; used only if this report is found there.

    Returns:
        The page's path or URL in the store.
    """
    written = write(store, find_release(store, release))
    if TaskRunContext.get() is not None:
        show_place(release, written.place, served)
        show_figures(written.report)
    return written.place


def show_place(release: str, place: str, served: str | None) -> None:
    """A link to the page; its place as text where no browser could follow a link from a page of the UI."""
    address = f"{served}/{release}.html"
    if served is not None and _answers(address):
        create_link_artifact(address, f"Report of release {release}", key="report", description=place)
    else:
        text = f"Report of release {release}: `{place}`\n\nWhile `sidflow serve` runs, runs link to their reports.\n"
        create_markdown_artifact(text, key="report", description=f"Report of release {release}")


def show_figures(report: Report) -> None:
    """Pictures inside the run's page, as data URIs: nothing else has to be served for them."""
    for name in SHOWN:
        if figure := report.figures.get(name):
            picture = base64.b64encode(draw_still(figure)).decode()
            key = f"figure-{name}"
            create_image_artifact(f"data:image/png;base64,{picture}", key, f"{figure.title}. {figure.reading}")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=2.0) as response:
            return bool(response.status == 200)
    except OSError:
        return False
