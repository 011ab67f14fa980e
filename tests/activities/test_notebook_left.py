"""A notebook task leaves the executed notebook, with all that its cells showed."""

import io
import json
import tarfile
from functools import partial
from typing import Any

import pytest

from activities.config import WorkerConfig
from activities.engines import registry
from activities.follow import Follower
from activities.libraries.install import install
from control.artifacts import notebook
from control.artifacts.service import first_file
from spec.attempts import AttemptOutcome, AttemptResult, AttemptWork, NotebookProgram
from tests.activities.fakes import FakeControl, make_ref, make_work

pytestmark = pytest.mark.integration

SOURCE = """# Databricks notebook source
print("before")

# COMMAND ----------

raise ValueError("no rows")

# COMMAND ----------

print("after")
"""


async def follow(config: WorkerConfig, control: FakeControl, work: AttemptWork) -> AttemptOutcome:
    engine = registry.load(work.ref.engine, config)
    follower = Follower(
        work.ref, control, engine, config.host, config.folder, None, partial(install, config)
    )
    return await follower.run()


async def test_a_failed_notebook_is_left_as_far_as_it_got(
    config: WorkerConfig, control: FakeControl
) -> None:
    work = make_work(make_ref(), NotebookProgram(path="nb.py"))
    work = control.add(work, **{"nb.py": SOURCE})
    assert (await follow(config, control, work)).result is AttemptResult.FAILED
    archive = control.artifacts[work.ref.task_run_id]
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["notebook.ipynb"]
    content = first_file(archive, "notebook.ipynb", notebook.MOST_BYTES)
    assert content is not None
    cells: list[dict[str, Any]] = json.loads(content)["cells"]
    assert ["".join(cell["source"]) for cell in cells] == [
        'print("before")',
        'raise ValueError("no rows")',
        'print("after")',
    ]
    assert "".join(cells[0]["outputs"][0]["text"]) == "before\n"
    assert cells[1]["outputs"][0]["ename"] == "ValueError"
    assert cells[2]["outputs"] == []
    page = notebook.page(content, "nb")
    assert "before" in page and "no rows" in page
