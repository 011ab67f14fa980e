"""Runs one notebook as a task: its cells in order, output to the log as it comes.

Started by path (`python run_notebook.py NOTEBOOK`, or by Spark's driver), so it imports nothing of
OpenLake's own. Reads `.ipynb`, Databricks' source form of `.py`, and whatever else jupytext knows.
Leaves `artifacts.tar.gz` with `notebook.ipynb`, all outputs in it, in `OPENLAKE_OUT`, and
`error.json` when a cell fails.
"""

import io
import json
import os
import re
import sys
import tarfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

_HEADER = "# Databricks notebook source"
_SEPARATOR = re.compile(r"^# COMMAND -+\s*$", re.MULTILINE)
_MAGIC_LINE = re.compile(r"^# MAGIC ?", re.MULTILINE)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_cells: Any = nbformat.v4
_formats: Any = nbformat
_MAGIC = re.compile(r"\s*%(\w+)[ \t]*(.*)", re.DOTALL)

_SETUP = """\
from dbruntime import dbutils
getArgument = dbutils.widgets.getArgument
def displayHTML(html):
    from IPython.display import HTML, display
    display(HTML(html))
def _openlake_display():
    from IPython.display import display as show
    def display(value, *rest, **options):
        rows = getattr(value, "toPandas", None) if hasattr(value, "sparkSession") else None
        return show(value.limit(1000).toPandas() if rows else value, *rest, **options)
    return display
display = _openlake_display()
del _openlake_display
"""

_SPARK_SETUP = """\
from dbruntime import spark
sql, table = spark.sql, spark.table
if "PYSPARK_GATEWAY_PORT" in __import__("os").environ:
    sc = spark.sparkContext
"""


class _Client(NotebookClient):
    """Prints what cells write, as they write it."""

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """See base class."""
        shown = super().output(outs, msg, display_id, cell_index)
        content = msg["content"]
        kind = msg["header"]["msg_type"]
        if kind == "stream":
            _write(content["text"])
        elif kind in ("execute_result", "display_data"):
            _write(content["data"].get("text/plain", "") + "\n")
        return shown


def main(path: Path) -> int:
    """Run the notebook; 0 when it ends or exits, 1 when a cell fails."""
    out = Path(os.environ["OPENLAKE_OUT"])
    try:
        book = load(path)
    except (ValueError, OSError) as error:
        return _fail(out, str(error), None)
    setup: Any = _cells.new_code_cell(setup_code())
    book.cells.insert(0, setup)
    client: Any = _Client(
        book,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        coalesce_streams=True,
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    try:
        client.execute()
    except CellExecutionError as error:
        if error.ename == "NotebookExit":
            return 0
        trace = _ANSI.sub("", error.traceback)
        return _fail(out, f"{error.ename}: {_ANSI.sub('', error.evalue)}", trace)
    except DeadKernelError:
        return _fail(out, "The notebook's Python process died (killed, or out of memory)", None)
    finally:
        book.cells.remove(setup)
        _keep(book, out)
    return 0


def _keep(book: Any, out: Path) -> None:
    """Leave the executed notebook for people; `control.artifacts` gives it to them."""
    content: bytes = _formats.writes(book).encode()
    entry = tarfile.TarInfo("notebook.ipynb")
    entry.size, entry.mtime = len(content), int(time.time())
    with tarfile.open(out / "artifacts.tar.gz", "w:gz") as archive:
        archive.addfile(entry, io.BytesIO(content))


def setup_code() -> str:
    """Return what is run before a notebook's own cells."""
    return _SETUP + (_SPARK_SETUP if _has_spark() else "")


def load(path: Path, above: tuple[Path, ...] = ()) -> Any:
    """Read a notebook of any form, with every `%run` replaced by the cells it names.

    Raises:
        ValueError: it cannot be read, or uses what OpenLake lacks; says what and where.
    """
    if path in above:
        raise ValueError(f"the notebook {path.name} runs itself by %run")
    text = path.read_text(encoding="utf-8")
    book: Any
    if path.suffix == ".ipynb":
        book = _formats.reads(text, as_version=4)
    elif text.startswith(_HEADER):
        book = _from_databricks(text.removeprefix(_HEADER))
    else:
        book = _other_forms().reads(text, fmt=path.suffix.lstrip(".") or "py")
    cells: list[Any] = []
    for number, cell in enumerate(book.cells, 1):
        cells += _portable(cell, f"cell {number} of {path.name}", path, above)
    book.cells = cells
    return book


def _other_forms() -> Any:
    # Only here: it takes a second to import.
    return import_module("jupytext")


def _from_databricks(text: str) -> Any:
    cells: list[Any] = []
    for source in _SEPARATOR.split(text):
        lines = source.strip("\n")
        if lines.lstrip().startswith("# MAGIC"):
            lines = _MAGIC_LINE.sub("", lines)
        if lines.strip():
            cells.append(_cells.new_code_cell(lines))
    return _cells.new_notebook(cells=cells)


def _portable(cell: Any, where: str, path: Path, above: tuple[Path, ...]) -> list[Any]:
    """Spell Databricks' cell magics in a way this kernel knows."""
    found = _MAGIC.fullmatch(cell.source) if cell.cell_type == "code" else None
    if found is None or cell.source.lstrip().startswith("%%"):
        return [cell]
    name, rest = found.group(1), found.group(2)
    if name == "python":
        cell.source = rest.lstrip("\n")
    elif name == "md":
        return [_cells.new_markdown_cell(rest.lstrip("\n"))]
    elif name == "sql":
        if not _has_spark():
            raise ValueError(f"{where} is %sql, which needs a Spark task; or use a sql_task")
        cell.source = f"display(spark.sql({rest.strip()!r}))"
    elif name == "run":
        return load(_named(rest, where, path), (*above, path)).cells
    elif name in ("scala", "r", "fs", "sh", "pip", "conda"):
        raise ValueError(f"{where} uses %{name}, which OpenLake does not run")
    return [cell]


def _named(rest: str, where: str, path: Path) -> Path:
    name = rest.strip().strip("\"'")
    for suffix in ("", ".ipynb", ".py"):
        candidate = (path.parent / f"{name}{suffix}").resolve()
        if candidate.is_file():
            return candidate
    raise ValueError(f"{where} runs the notebook '{name}', but there is none beside {path.name}")


def _has_spark() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ or "SPARK_REMOTE" in os.environ


def _write(text: str) -> None:
    # IPython's advice to interactive users; a notebook that exits by dbutils does nothing wrong.
    if "To exit: use 'exit'" not in text:
        sys.stdout.write(_ANSI.sub("", text))
        sys.stdout.flush()


def _fail(out: Path, error: str, trace: str | None) -> int:
    print(trace or error, file=sys.stderr, flush=True)
    content = {"error": error.splitlines()[0] if error else "", "trace": trace}
    (out / "error.json").write_text(json.dumps(content))
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
