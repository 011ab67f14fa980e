"""Notebooks go from one form to the other and back without losing a cell."""

import json

import pytest

from control.files.forms import to_jupyter, to_source
from control.files.notebooks import export, interpret
from control.files.tables import FileKind
from spec.errors import Invalid

SOURCE = """\
# Databricks notebook source
# MAGIC %md
# MAGIC # Flights
# MAGIC
# MAGIC All of *March*.

# COMMAND ----------

# DBTITLE 1,Read
import os

x = "%not magic"

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 1 -- one
# MAGIC   AS n

# COMMAND ----------

# MAGIC %run ./other

# COMMAND ----------

# MAGIC !ls

# COMMAND ----------

print("last")
"""


def cells(content: bytes) -> list[tuple[str, str]]:
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(content)["cells"]]


def test_source_becomes_cells_and_comes_back_unchanged() -> None:
    made = to_jupyter(SOURCE, "PYTHON")
    assert cells(made) == [
        ("markdown", "# Flights\n\nAll of *March*."),
        ("code", 'import os\n\nx = "%not magic"'),
        ("code", "%sql\nSELECT 1 -- one\n  AS n"),
        ("code", "%run ./other"),
        ("code", "!ls"),
        ("code", 'print("last")'),
    ]
    assert to_source(made) == (SOURCE, "PYTHON")


@pytest.mark.parametrize(
    ("language", "comment"), [("SQL", "--"), ("SCALA", "//"), ("R", "#"), ("PYTHON", "#")]
)
def test_each_language_has_its_own_comments(language: str, comment: str) -> None:
    source = SOURCE.replace("# MAGIC", f"{comment} MAGIC").replace("# COMM", f"{comment} COMM")
    source = source.replace("# Databricks", f"{comment} Databricks")
    source = source.replace("# DBTITLE", f"{comment} DBTITLE")
    assert to_source(to_jupyter(source, language)) == (source, language)


def test_jupyter_keeps_its_bytes_and_turns_into_source() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "metadata": {"tags": ["a"]}, "source": ["# T\n", "x"]},
            {"cell_type": "code", "metadata": {}, "source": "a = 1\n\nb = 2", "outputs": [1]},
            {"cell_type": "raw", "metadata": {}, "source": "as it is"},
        ],
        "metadata": {"kernelspec": {"name": "python3"}, "own": {"kept": True}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    content = json.dumps(notebook).encode()
    imported = interpret("/a/n.ipynb", content, "AUTO", None)
    assert (imported.path, imported.kind, imported.language) == (
        "/a/n",
        FileKind.NOTEBOOK,
        "PYTHON",
    )
    for form in ("JUPYTER", "AUTO", "RAW"):
        assert export(imported.content, "PYTHON", ".ipynb", form, "n") == (content, "ipynb")
    source, kind = export(content, "PYTHON", ".ipynb", "SOURCE", "n")
    assert kind == "py"
    assert cells(to_jupyter(source.decode(), "PYTHON")) == [
        ("markdown", "# T\nx"),
        ("code", "a = 1\n\nb = 2"),
        ("raw", "as it is"),
    ]


def test_a_page_shows_either_form() -> None:
    page, kind = export(SOURCE.encode(), "PYTHON", ".py", "HTML", "flights")
    assert kind == "html"
    assert b"Flights</h1>" in page or b">Flights" in page


@pytest.mark.parametrize(
    ("name", "content", "form", "language", "kind"),
    [
        ("n.py", b"# Databricks notebook source\n1", "AUTO", None, FileKind.NOTEBOOK),
        ("n.py", b"print(1)", "AUTO", None, FileKind.FILE),
        ("n.scala", b"// Databricks notebook source\n1", "AUTO", None, FileKind.NOTEBOOK),
        ("n.R", b"# Databricks notebook source\n1", "AUTO", None, FileKind.NOTEBOOK),
        ("n.sql", b"SELECT 1", "SOURCE", None, FileKind.NOTEBOOK),
        ("n", b"1", "SOURCE", "SCALA", FileKind.NOTEBOOK),
        ("n.ipynb", b"{}", "RAW", None, FileKind.FILE),
    ],
)
def test_what_an_import_makes(
    name: str, content: bytes, form: str, language: str | None, kind: FileKind
) -> None:
    imported = interpret(f"/a/{name}", content, form, language)
    assert imported.kind is kind
    is_notebook = kind is FileKind.NOTEBOOK
    assert imported.path == ("/a/n" if is_notebook else f"/a/{name}")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"not json", "JUPYTER"),
        (b"[]", "JUPYTER"),
        (b'{"cells": [1]}', "JUPYTER"),
        (b"x", "DBC"),
        (b"x", "HTML"),
        (b"x", "R_MARKDOWN"),
        (b"x", "SOURCE"),
    ],
)
def test_what_is_no_notebook_is_refused(content: bytes, form: str) -> None:
    with pytest.raises(Invalid):
        interpret("/a/n", content, form, None)


def test_a_notebook_has_ten_mebibytes_at_most() -> None:
    with pytest.raises(Invalid) as refused:
        interpret("/a/n", b"x" * (10 * 1024 * 1024 + 1), "SOURCE", "PYTHON")
    assert refused.value.code == "MAX_NOTEBOOK_SIZE_EXCEEDED"
