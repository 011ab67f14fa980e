"""Where installed packages lie, without importing them."""

from importlib.util import find_spec
from pathlib import Path

from spec.errors import EngineUnavailable


def package_folder(name: str) -> Path:
    """Return the folder of an installed package.

    Raises:
        EngineUnavailable: it is not installed.
    """
    found = find_spec(name)
    for place in (found and found.submodule_search_locations) or []:
        return Path(place)
    raise EngineUnavailable(f"The Python package '{name}' is not installed; Spark needs it")
