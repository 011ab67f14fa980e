"""Draws an executed notebook as one HTML page, with nbconvert; pure.

The page loads nothing from elsewhere and its scripts reach nothing: what cells showed was made by
user code, and whoever opens the page has other things open too.
"""

from html import escape
from typing import Any, cast

from spec.errors import Invalid

MOST_BYTES = 10 * 1024 * 1024
"""Of a notebook with its outputs; Databricks' limit on notebooks."""

_POLICY = (
    "default-src 'none'; img-src data:; font-src data:; media-src data:;"
    " style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
)

_STYLE = """\
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2328; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1.openlake { font-size: 1.1rem; font-weight: 600; border-bottom: 1px solid #d0d7de;
  padding-bottom: .5rem; }
pre { font: 12.5px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  margin: 0; }
.prompt, .anchor-link { display: none; }
.input_area, .highlight { background: #f6f8fa; }
.input_area { border: 1px solid #d0d7de; border-radius: 4px; padding: .5rem .75rem; }
.output_wrapper { margin: .25rem 0 1rem; padding: 0 .75rem; overflow-x: auto; }
.cell { margin: .75rem 0; }
.output_stderr, .output_error { background: #fff1f0; padding: .25rem .5rem; }
.output_wrapper img, .output_wrapper svg { max-width: 100%; }
table { border-collapse: collapse; font-size: 12.5px; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #d8dee4; text-align: right; }
.ansi-bold { font-weight: bold; }
.ansi-red-fg, .ansi-red-intense-fg { color: #b42318; }
.ansi-green-fg, .ansi-green-intense-fg { color: #1a7f37; }
.ansi-yellow-fg, .ansi-yellow-intense-fg { color: #9a6700; }
.ansi-blue-fg, .ansi-blue-intense-fg { color: #0550ae; }
.ansi-cyan-fg, .ansi-cyan-intense-fg { color: #1b7c83; }
"""


def page(content: bytes, title: str) -> str:
    """Return an `.ipynb` as a page.

    Args:
        content: The notebook, outputs included.
        title: What the page is called.

    Raises:
        Invalid: it is too large, or no notebook.
    """
    if len(content) > MOST_BYTES:
        raise Invalid(
            f"the notebook with its outputs has more than {MOST_BYTES} bytes, the most that is"
            " exported as a page; its task run's artifacts hold it whole"
        )
    # Only here: they take a second to import, and nobody else needs them.
    import nbformat
    from nbconvert.exporters.html import HTMLExporter
    from pygments.formatters import HtmlFormatter

    exporter: Any = HTMLExporter(template_name="basic")
    formats, formatter = cast(Any, nbformat), cast(Any, HtmlFormatter)()
    try:
        body, _ = exporter.from_notebook_node(formats.reads(content.decode(), as_version=4))
    except Exception as error:
        # User code may have left anything under this name, and it fails in any way.
        raise Invalid(f"what the task left is no notebook: {error}") from error
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{formatter.get_style_defs('.highlight')}\n{_STYLE}</style>\n</head>\n"
        f'<body>\n<h1 class="openlake">{escape(title)}</h1>\n{body}\n</body>\n</html>\n'
    )
