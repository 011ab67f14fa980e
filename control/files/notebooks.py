"""Telling notebooks from files, and their languages; pure."""

from dataclasses import dataclass
from posixpath import splitext

from control.artifacts.notebook import page
from control.files import forms
from control.files.tables import FileKind
from spec.errors import Invalid

MOST_NOTEBOOK_BYTES = 10 * 1024 * 1024
"""Databricks' limit, in whatever form."""

_LANGUAGES = {suffix: language for language, suffix in forms.SUFFIXES.items()}
_REFUSED = {
    "DBC": "archives of Databricks are its own, unpublished format",
    "R_MARKDOWN": "R Markdown is not kept; notebooks are, in SOURCE and JUPYTER",
    "HTML": "an HTML page shows a notebook and does not hold it; it can be exported only",
}


class TooLarge(Invalid):
    """The notebook is too large."""

    code = "MAX_NOTEBOOK_SIZE_EXCEEDED"


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
        Invalid: the format or the language is not supported, or the content is no notebook.
        TooLarge: it is a notebook of more than 10 MiB.
    """
    if form in _REFUSED:
        raise Invalid(
            f"{form} cannot be imported: {_REFUSED[form]}; use SOURCE, JUPYTER, RAW or AUTO"
        )
    imported = _interpret(path, content, form, language)
    if imported.kind is FileKind.NOTEBOOK:
        check_size(imported.content)
    return imported


def check_size(content: bytes) -> None:
    """Check that content may be a notebook.

    Raises:
        TooLarge: it has more than 10 MiB.
    """
    if len(content) > MOST_NOTEBOOK_BYTES:
        raise TooLarge(f"a notebook has at most {MOST_NOTEBOOK_BYTES} bytes, not {len(content)}")


def _interpret(path: str, content: bytes, form: str, language: str | None) -> Imported:
    stem, extension = splitext(path)
    by_name = _LANGUAGES.get(extension.lower())
    match form:
        case "RAW":
            return Imported(path, FileKind.FILE, content)
        case "JUPYTER":
            return _jupyter(path, content)
        case "AUTO" if extension == ".ipynb":
            return _jupyter(path, content)
        case "AUTO" if by_name and content.startswith(forms.header(by_name).encode()):
            return _source(stem, content, by_name)
        case "AUTO":
            return Imported(path, FileKind.FILE, content)
        case _ if by_name and language in (None, by_name):
            return _source(stem, content, by_name)
        case _ if language is None:
            raise Invalid(
                "a notebook in SOURCE format needs 'language': PYTHON, SQL, SCALA or R; a file"
                " that is no notebook is imported with the format AUTO or RAW"
            )
        case _:
            return _source(path, content, language)


def _jupyter(path: str, content: bytes) -> Imported:
    stem, extension = splitext(path)
    path = stem if extension == ".ipynb" else path
    forms.check_jupyter(content)
    return Imported(path, FileKind.NOTEBOOK, content, "PYTHON", ".ipynb")


def _source(path: str, content: bytes, language: str) -> Imported:
    header = forms.header(language).encode()
    if not content.startswith(header):
        content = header + b"\n" + content
    return Imported(path, FileKind.NOTEBOOK, content, language, forms.SUFFIXES[language])


def export(content: bytes, language: str, suffix: str, form: str, title: str) -> tuple[bytes, str]:
    """Return a notebook in the form that is asked for, and its file type (`py`, `ipynb`, …).

    Args:
        content: As it is kept.
        language: Its language.
        suffix: `.ipynb`, or that of the language when it is kept in source form.
        form: SOURCE, JUPYTER, HTML, AUTO or RAW; the last two give it as it is kept.
        title: Of an HTML page.

    Raises:
        Invalid: there is no such form, or the notebook cannot be turned into it.
        TooLarge: it would have more than 10 MiB.
    """
    is_jupyter = suffix == ".ipynb"
    match form:
        case "SOURCE" if is_jupyter:
            text, language = forms.to_source(content)
            made, kind = text.encode(), forms.SUFFIXES[language][1:]
        case "JUPYTER" | "HTML" if not is_jupyter:
            made, kind = forms.to_jupyter(content.decode("utf-8", "replace"), language), "ipynb"
        case "SOURCE" | "JUPYTER" | "HTML" | "AUTO" | "RAW":
            made, kind = content, suffix[1:]
        case _:
            raise Invalid(
                f"{form} cannot be exported: {_REFUSED.get(form, 'there is no such format')}; use"
                " SOURCE, JUPYTER, HTML or AUTO"
            )
    check_size(made)
    return (page(made, title).encode(), "html") if form == "HTML" else (made, kind)
