"""Reads the arguments of `spark-submit`, as its own help spells them; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from spec.spark_conf import check_conf

_SETTINGS = {
    "--master": "spark.master",
    "--driver-memory": "spark.driver.memory",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--driver-library-path": "spark.driver.extraLibraryPath",
    "--driver-cores": "spark.driver.cores",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
    "--total-executor-cores": "spark.cores.max",
}
"""Options that are another spelling of a setting."""

_FILES = {
    "--jars": "spark.jars",
    "--py-files": "spark.submit.pyFiles",
    "--files": "spark.files",
    "--archives": "spark.archives",
}
_COORDINATES = re.compile(r"[^:\s]+:[^:\s]+(:[^:\s]+)+")
_LISTS = ("--packages", "--exclude-packages", "--repositories")
_FLAGS = ("--verbose", "-v", "--supervise")
_WITHOUT_EFFECT = ("--name", "--queue")

_REFUSED = {
    "--properties-file": "give its lines as '--conf' options",
    "--deploy-mode": "the driver runs on the engine worker; remove it",
    "--proxy-user": "a task runs as the worker's user for tasks; remove it",
    "--principal": "Kerberos is not supported; remove it",
    "--keytab": "Kerberos is not supported; remove it",
    "--kill": "cancel the run instead",
    "--status": "read the run instead",
    "--version": "remove it",
    "--help": "remove it",
    "-h": "remove it",
}


@dataclass(frozen=True)
class Submission:
    """What a `spark-submit` line asks for."""

    app: str
    """A jar, a Python file, or `spark-internal`."""
    arguments: tuple[str, ...] = ()
    main_class: str | None = None
    conf: dict[str, str] = field(default_factory=dict[str, str])
    files: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Spark's setting, e.g. `spark.jars` → paths."""
    packages: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that is named."""
        listed = [path for paths in self.files.values() for path in paths]
        return (*(() if self.app == "spark-internal" else (self.app,)), *listed)


def parse(parameters: Sequence[str]) -> Submission:
    """Read the arguments.

    Raises:
        ValueError: an option is unknown or refused, or no application is named.
    """
    words = list(parameters)
    if words and words[0] == "spark-submit":
        words = words[1:]
    given: list[tuple[str, str]] = []
    while words and words[0].startswith("-"):
        option, equals, value = words.pop(0).partition("=")
        if option in _REFUSED and (option, value or (words or [""])[0]) != (
            "--deploy-mode",
            "client",
        ):
            raise ValueError(f"spark-submit's '{option}' is not supported; {_REFUSED[option]}")
        if option in _FLAGS:
            continue
        if not equals:
            if not words:
                raise ValueError(f"spark-submit's '{option}' needs a value")
            value = words.pop(0)
        given.append((option, value))
    if not words:
        raise ValueError("name the application after spark-submit's options: a jar or a .py file")
    return _submission(given, words[0], tuple(words[1:]))


def _submission(
    given: Sequence[tuple[str, str]], app: str, arguments: tuple[str, ...]
) -> Submission:
    conf: dict[str, str] = {}
    files: dict[str, tuple[str, ...]] = {}
    lists: dict[str, tuple[str, ...]] = dict.fromkeys(_LISTS, ())
    main_class = None
    for option, value in given:
        if option in ("--conf", "-c"):
            name, equals, text = value.partition("=")
            if not equals:
                raise ValueError(f"'--conf {value}' is not written as name=value")
            conf[name.strip()] = text
        elif option in _SETTINGS:
            conf[_SETTINGS[option]] = value
        elif option in _FILES:
            files[_FILES[option]] = _split(value)
        elif option in _LISTS:
            lists[option] = _split(value)
        elif option == "--class":
            main_class = value
        elif option not in (*_WITHOUT_EFFECT, "--deploy-mode"):
            raise ValueError(f"'{option}' is no option of spark-submit that OpenLake knows")
    check_conf(conf)
    for each in lists["--packages"]:
        if not _COORDINATES.fullmatch(each):
            raise ValueError(f"'--packages {each}' is not group:artifact:version")
    packages, exclusions, repositories = (lists[name] for name in _LISTS)
    return Submission(app, arguments, main_class, conf, files, packages, exclusions, repositories)


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
