"""What the console is told of the stack, and where its pages are."""

from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent / "ui"


def built_pages() -> Path:
    """Return the folder of the console's pages: packaged with the code, or built in a checkout."""
    return _CHECKOUT / "dist" if (_CHECKOUT / "package.json").is_file() else _PACKAGE / "dist"


@dataclass(frozen=True)
class ConsoleSettings:
    """What the composition root knows and the console shows."""

    pages: Path | None = None
    """The folder that holds `index.html`; None where no pages are served."""
    version: str = "0"
    temporal_ui_url: str | None = None
    """None when Temporal is not this stack's own: nobody has said where its console is."""
    temporal_namespace: str = "default"
