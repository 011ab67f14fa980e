"""Notebooks in Databricks' source form and in Jupyter's, and from one to the other; pure.

The source form is text: a header, cells with `COMMAND ----------` between them, each line of a cell
in another language behind `MAGIC`. It has no room for outputs or for the metadata of cells other
than titles, so a notebook is kept in the form it came in and turned round only when it is asked
for in the other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from spec.errors import Invalid

COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
"""How a line of each language becomes a comment."""

SUFFIXES = {"PYTHON": ".py", "SQL": ".sql", "SCALA": ".scala", "R": ".r"}

_CELL = "application/vnd.databricks.v1+cell"
_NOTEBOOK = "application/vnd.databricks.v1+notebook"
_TEXT_MAGICS = {"%md": "markdown", "%raw": "raw"}
_MAGIC_OF = {kind: magic for magic, kind in _TEXT_MAGICS.items()}


@dataclass(frozen=True)
class _Cell:
    kind: str
    """`code`, `markdown` or `raw`."""
    text: str
    title: str | None = None


def header(language: str) -> str:
    """Return the first line of a notebook in source form."""
    return f"{COMMENTS[language]} Databricks notebook source"


def check_jupyter(content: bytes) -> dict[str, Any]:
    """Return a Jupyter notebook as an object.

    Raises:
        Invalid: it is none, or of a version before 4.
    """
    try:
        found = json.loads(content)
    except ValueError:
        raise Invalid("the content is no Jupyter notebook: it is not JSON") from None
    notebook = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    if not isinstance(notebook.get("cells"), list):
        raise Invalid("the content is no Jupyter notebook of version 4: it has no list of cells")
    if not all(isinstance(cell, dict) for cell in notebook["cells"]):
        raise Invalid("the content is no Jupyter notebook: not every cell is an object")
    return notebook


def to_jupyter(source: str, language: str) -> bytes:
    """Return a notebook of the source form as Jupyter's."""
    comment = COMMENTS[language]
    cells = [_jupyter_cell(cell) for cell in _cells(source, comment)]
    name = language.lower()
    notebook = {
        "cells": cells,
        "metadata": {
            _NOTEBOOK: {"language": name},
            "language_info": {"name": name},
        },
        "nbformat": 4,
        "nbformat_minor": 0,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()


def to_source(content: bytes) -> tuple[str, str]:
    """Return a Jupyter notebook in source form, and its language.

    Raises:
        Invalid: it is no notebook.
    """
    notebook = check_jupyter(content)
    language = _language(notebook.get("metadata"))
    comment = COMMENTS[language]
    texts = [_source_cell(cast(dict[str, Any], cell), comment) for cell in notebook["cells"]]
    between = f"\n\n{comment} COMMAND ----------\n\n"
    return f"{header(language)}\n{between.join(texts)}\n", language


def _language(metadata: object) -> str:
    for place, field in ((_NOTEBOOK, "language"), ("language_info", "name")):
        name = str(_field(_field(metadata, place), field)).upper()
        if name in COMMENTS:
            return name
    return "PYTHON"


def _field(given: object, name: str) -> object:
    """Return a field of what may be an object; None when it is none."""
    return cast(Mapping[str, object], given).get(name) if isinstance(given, dict) else None


def _cells(source: str, comment: str) -> list[_Cell]:
    lines = source.splitlines()
    if lines and lines[0].rstrip() == f"{comment} Databricks notebook source":
        del lines[0]
    chunks: list[list[str]] = [[]]
    for line in lines:
        if line.rstrip() == f"{comment} COMMAND ----------":
            chunks.append([])
        else:
            chunks[-1].append(line)
    return [_cell(_trimmed(chunk), comment) for chunk in chunks]


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Drop the empty lines around a cell, which separate it from its neighbours."""
    kept = list(lines)
    while kept and not kept[0].strip():
        del kept[0]
    while kept and not kept[-1].strip():
        del kept[-1]
    return kept


def _cell(lines: list[str], comment: str) -> _Cell:
    title = None
    if lines and lines[0].startswith(f"{comment} DBTITLE "):
        title = lines.pop(0).removeprefix(f"{comment} DBTITLE ").partition(",")[2]
    magic = f"{comment} MAGIC"
    if not lines or not all(line == magic or line.startswith(magic + " ") for line in lines):
        return _Cell("code", "\n".join(lines), title)
    plain = [line.removeprefix(magic).removeprefix(" ") for line in lines]
    word, _, rest = plain[0].partition(" ")
    kind = _TEXT_MAGICS.get(word.strip())
    if kind is None:
        return _Cell("code", "\n".join(plain), title)
    return _Cell(kind, "\n".join([rest, *plain[1:]] if rest else plain[1:]), title)


def _jupyter_cell(cell: _Cell) -> dict[str, Any]:
    titled = {} if cell.title is None else {_CELL: {"showTitle": True, "title": cell.title}}
    made: dict[str, Any] = {
        "cell_type": cell.kind,
        "metadata": titled,
        "source": cell.text.splitlines(keepends=True),
    }
    return made | {"outputs": [], "execution_count": None} if cell.kind == "code" else made


def _source_cell(cell: Mapping[str, Any], comment: str) -> str:
    text = _text(cell.get("source", ""))
    kind = str(cell.get("cell_type"))
    if kind in _MAGIC_OF:
        text = f"{_MAGIC_OF[kind]}\n{text}"
    if text.lstrip().startswith(("%", "!")):
        lines = (f"{comment} MAGIC {line}".rstrip() for line in text.splitlines())
        text = "\n".join(lines)
    return f"{comment} DBTITLE 1,{title}\n{text}" if (title := _title(cell)) else text


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(str(each) for each in cast(list[object], source))
    return str(source)


def _title(cell: Mapping[str, Any]) -> str | None:
    title = _field(_field(cell.get("metadata"), _CELL), "title")
    return title if isinstance(title, str) and title else None
