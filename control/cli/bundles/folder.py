"""A bundle's folder on this machine, and what of outside belongs to reading it."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spec.errors import Invalid

if TYPE_CHECKING:
    from spec.bundle import Bundle
    from spec.bundle_artifacts import Built

_FROM_ENVIRONMENT = "BUNDLE_VAR_"


@dataclass(frozen=True)
class LocalFolder:
    """A bundle's folder on this machine; see `spec.bundle_files.Folder`."""

    root: Path

    def read(self, path: str) -> str | None:
        """Return a file's text; None when there is none, or when it is not text."""
        try:
            return self._inside(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def exists(self, path: str) -> bool:
        """Tell whether this is a file below the root."""
        return self._inside(path).is_file()

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match, sorted; none that a link leads out of the folder for."""
        found = self._all() if pattern == "**/*" else self.root.glob(pattern)
        names = [path.relative_to(self.root).as_posix() for path in found if path.is_file()]
        return sorted(name for name in names if self.exists(name))

    def _all(self) -> Sequence[Path]:
        """Return all files but those in hidden folders, which may be huge (`.git`)."""
        found: list[Path] = []
        for base, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(base, name) for name in files]
        return found

    def _inside(self, path: str) -> Path:
        whole = (self.root / path).resolve()
        return whole if whole.is_relative_to(self.root.resolve()) else self.root / "\0outside"


@dataclass(frozen=True)
class Reader:
    """Reads a bundle for whoever deploys it."""

    folder: Path
    target: str | None
    variables: Sequence[str]
    """As the command line gives them: name=value."""
    user: str = ""
    host: str = ""
    find: Callable[[str, str], str] | None = None
    """Looks things up by name; see `spec.bundle_target.Given`."""

    def read(self, built: "Built | None" = None) -> "Bundle":
        """Return the checked bundle.

        Raises:
            InvalidFile: with every mistake.
            Invalid: a variable is not written as name=value, or the folder has no databricks.yml.
        """
        from spec.bundle import load_bundle
        from spec.bundle_target import Given

        require_bundle(self.folder)
        given = Given(
            user=self.user,
            host=self.host,
            variables={**_environment(), **_pairs(self.variables)},
            of_file=self._of_file(),
            find=self.find,
        )
        return load_bundle(LocalFolder(self.folder), target=self.target, given=given, built=built)

    def _of_file(self) -> dict[str, Any]:
        """Return the values of `.databricks/bundle/<target>/variable-overrides.json`."""
        from spec.bundle import target_of

        target = target_of(LocalFolder(self.folder), self.target)
        file = self.folder / ".databricks" / "bundle" / target / "variable-overrides.json"
        if not file.is_file():
            return {}
        try:
            values = json.loads(file.read_text("utf-8"))
        except ValueError as error:
            raise Invalid(f"{file} is no JSON: {error}") from None
        if not isinstance(values, dict):
            raise Invalid(f"{file} must hold an object of names and values")
        return cast(dict[str, Any], values)


def require_bundle(folder: Path) -> None:
    """Refuse a folder that holds no bundle.

    Raises:
        Invalid: it has no databricks.yml.
    """
    if not (folder / "databricks.yml").is_file():
        raise Invalid(f"{folder} has no databricks.yml; name the folder that holds it")


def _environment() -> dict[str, str]:
    # Not settings of ours: any name may follow, and only the bundle knows them.
    return {
        name.removeprefix(_FROM_ENVIRONMENT): value
        for name, value in os.environ.items()
        if name.startswith(_FROM_ENVIRONMENT)
    }


def _pairs(variables: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for each in variables:
        name, equals, value = each.partition("=")
        if not equals:
            raise Invalid(f"--var {each} is not written as name=value")
        given[name] = value
    return given
