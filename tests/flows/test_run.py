"""`sidflow run` as a user starts it: results, caching, gates, exit codes, inspection, with real processes."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from sidflow.artifacts.kinds import KINDS
from sidflow.release import current_release, log_entries
from tests.conftest import start_sidflow
from tests.flows.conftest import Answer, finish

pytestmark = pytest.mark.slow
Released = tuple[Path, Any]


@pytest.fixture
def again(server: str, released: Released) -> Any:
    """Run `sidflow ARGUMENTS` in the folder of the finished run and wait."""

    def run(*arguments: str, code: int = 0) -> Answer:
        return finish(start_sidflow(server, released[0], *arguments), code)

    return run


def made(answer: Any) -> list[str]:
    """The kinds that a run made, in flow order."""
    return [each["kind"] for each in answer["artifacts"] if not each["cached"]]


def folder_of(answer: Any, kind: str) -> str:
    """The data folder of a run's artifact."""
    return next(each["path"] for each in answer["artifacts"] if each["kind"] == kind)


def test_a_run_makes_every_stage_and_a_release(released: Released) -> None:
    """The JSON answer names all artifacts, metrics beside baselines, the decision and the release."""
    folder, answer = released
    assert made(answer) == list(KINDS)
    assert set(answer["metrics"]["test"]) >= {"recall@5", "recall@10", "ndcg@5", "ndcg@10"}
    names = ("popularity", "last_item_transitions")
    assert set(answer["metrics"]["baselines"]) == {*names, *(f"{name}_unseen" for name in names)}
    assert answer["decision"]["action"] == "full"
    live = current_release(Store(str(folder / "store")))
    assert live is not None
    assert answer["release"] == live.id


def test_what_others_read(released: Released) -> None:
    """The columns of pairs and SIDs, and that SIDs are unique."""
    _, answer = released
    pairs = pq.read_table(folder_of(answer, "pairs"))
    columns = ["item_a", "item_b", "support", "expected", "pmi", "p_value", "tier", "weight", "heldout"]
    assert pairs.column_names[: len(columns)] == columns
    table = pq.read_table(folder_of(answer, "semantic_ids"))
    assert table.column_names == ["item_id", "codes", "sid", "topics"]
    assert str(table.schema.field("codes").type) == "list<element: int16>"
    assert len(set(table["sid"].to_pylist())) == 40


def test_an_identical_run_makes_nothing(released: Released, again: Any) -> None:
    """All stages are cached, the release is the same, the log has one entry."""
    answer, _ = again("run", "--json")
    assert made(answer) == []
    assert answer["release"] == released[1]["release"]
    assert len(log_entries(Store(str(released[0] / "store")))) == 1


def test_inspection(again: Any, released: Released) -> None:
    """`show`, `artifacts` and `recommend` answer from the live release."""
    shown, _ = again("show", "pairs", "--json")
    assert shown["kind"] == "pairs"
    listed, _ = again("artifacts", "--json")
    assert {each["kind"] for each in listed} >= set(KINDS)
    user = pq.read_table(folder_of(released[1], "interactions"))["user_id"][0].as_py()
    lists, _ = again("recommend", user, "nobody", "-k", "3", "--json")
    assert [len(each["items"]) for each in lists] == [3, 3]
    assert "popular" in lists[1]["items"][0]["reason"]
    item = lists[0]["items"][0]["item_id"]
    lists, _ = again("recommend", "--history", item, "-k", "2", "--json")
    assert item not in [each["item_id"] for each in lists[0]["items"]]


def test_until_and_refresh(again: Any) -> None:
    """--until ends without a release; --refresh makes a stage and its dependents again."""
    answer, _ = again("run", "--json", "--until", "embeddings", "--refresh", "histories")
    assert [each["kind"] for each in answer["artifacts"]] == list(KINDS[: KINDS.index("embeddings") + 1])
    assert made(answer) == ["histories", "pairs"]
    assert answer["release"] is None


def test_bad_configuration_and_input(again: Any) -> None:
    """Exit code 2, with what is wrong and what to do."""
    _, err = again("run", "--set", "pairs.windw=3", code=2)
    assert "did you mean 'window'" in err
    _, err = again("run", "--set", "interactions.path=nowhere.csv", code=2)
    assert "nowhere.csv" in err


def test_a_refusal_leaves_the_live_release_alone(released: Released, again: Any) -> None:
    """Exit code 3 with observed value and limit; the candidate is listed; what is live stays."""
    store = Store(str(released[0] / "store"))
    live = current_release(store)
    _, err = again("run", "--json", "--set", "decoder.lr=0.001", "--set", "release.gate.min_recall_at_10=0.999", code=3)
    assert "0.999" in err
    assert current_release(store) == live
    (refused,), _ = again("artifacts", "--failed", "--json")
    assert refused["kind"] == "release"
    answer, _ = again("run", "--json", "--set", "decoder.lr=0.001")
    assert made(answer) == ["release"]
