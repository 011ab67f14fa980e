"""Telling notebooks from files, and their languages; pure."""

from dataclasses import dataclass
from posixpath import splitext

from control.files.tables import FileKind
from spec.errors import Invalid

_HEADERS = {
    "PYTHON": "# Databricks notebook source",
    "SQL": "-- Databricks notebook source",
}
_SUFFIXES = {"PYTHON": ".py", "SQL": ".sql"}
_LANGUAGES = {suffix: language for language, suffix in _SUFFIXES.items()}


@dataclass(frozen=True)
class Imported:
    """What an import puts where."""

    path: str
    kind: FileKind
    content: bytes
    language: str | None = None
    suffix: str = ""


def interpret(path: str, content: bytes, form: str, language: str | None) -> Imported:
    """Return what an import means.

    Args:
        path: Normalised.
        content: As uploaded.
        form: SOURCE and JUPYTER make notebooks, RAW makes files, AUTO looks at the content.
        language: Of a notebook in source form.

    Raises:
        Invalid: the format or the language is not supported.
    """
    if form == "RAW":
        return Imported(path, FileKind.FILE, content)
    if form == "JUPYTER":
        return _jupyter(path, content)
    if form == "AUTO":
        return _auto(path, content)
    if form != "SOURCE":
        raise Invalid(f"the format {form} is not supported; use SOURCE, JUPYTER, RAW or AUTO")
    stem, extension = splitext(path)
    if extension in _LANGUAGES and language in (None, _LANGUAGES[extension]):
        language = _LANGUAGES[extension]
        path = stem
    if language is None:
        raise Invalid("a notebook in SOURCE format needs 'language': PYTHON or SQL")
    if language not in _HEADERS:
        raise Invalid(f"notebooks in {language} are not supported; use PYTHON or SQL")
    return _source(path, content, language)


def _auto(path: str, content: bytes) -> Imported:
    stem, extension = splitext(path)
    if extension == ".ipynb":
        return _jupyter(path, content)
    language = _LANGUAGES.get(extension)
    if language is not None and content.startswith(_HEADERS[language].encode()):
        return _source(stem, content, language)
    return Imported(path, FileKind.FILE, content)


def _jupyter(path: str, content: bytes) -> Imported:
    stem, extension = splitext(path)
    path = stem if extension == ".ipynb" else path
    return Imported(path, FileKind.NOTEBOOK, content, "PYTHON", ".ipynb")


def _source(path: str, content: bytes, language: str) -> Imported:
    header = _HEADERS[language].encode()
    if not content.startswith(header):
        content = header + b"\n" + content
    return Imported(path, FileKind.NOTEBOOK, content, language, _SUFFIXES[language])
