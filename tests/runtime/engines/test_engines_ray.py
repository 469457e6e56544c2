"""A Ray node of two CPUs gives what the command gives, row by row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.runtime.engines.test_engines_job import lists, mixed
from tests.runtime.engines.test_engines_spark import by_command, same
from tests.runtime.tables import series, wide

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("ray"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return ``ray.data`` of a node of its own, which sends no usage statistics and writes nothing at home."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("RAY_AUTH_MODE", "disabled")
        environment.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "runtime"), str(ROOT)]))
        ray = pytest.importorskip("ray", reason="ray is not installed (group engines)")
        pytest.importorskip("ray.data")
        ray.init(
            num_cpus=2,
            object_store_memory=100 << 20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray.data
        ray.shutdown()


def collected(data: Any, dataset: Any) -> pa.Table:
    import ray

    return pa.concat_tables(ray.get(dataset.to_arrow_refs()))


def test_wide_tables_get_the_classes_of_the_command(data: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.ray import classify_dataset

    expected = by_command(wide(*series(400)), tmp_path)
    dataset = data.read_parquet(str(tmp_path / "in.parquet")).repartition(3)
    classified = classify_dataset(dataset, units="mm", batch_size=90, compute=data.ActorPoolStrategy(size=1))
    same(collected(data, classified), expected)


def test_lists_whose_rows_have_dates_of_their_own(data: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.ray import TrendClassifier, plan_dataset

    tables = [lists(200, 60, 1, "a"), lists(150, 41, 2, "b")]
    # Each file would have a mix of its own.
    expected = pa.concat_tables([by_command(table, tmp_path, "trained") for table in tables]).sort_by("pid")
    pq.write_table(mixed(*tables), tmp_path / "mixed.parquet")
    dataset = data.read_parquet(str(tmp_path / "mixed.parquet"))
    classified = dataset.map_batches(
        TrendClassifier,
        fn_constructor_kwargs={"job": plan_dataset(dataset, units="mm", priors="trained")},
        batch_format="pyarrow",
        batch_size=60,
        compute=data.ActorPoolStrategy(size=1),
    )
    same(collected(data, classified), expected)
