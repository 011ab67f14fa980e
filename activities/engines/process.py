"""Plain Python: a file, a notebook, a wheel's entry point or dbt, in a process of its own."""

from pathlib import Path

from activities.engines import dbt
from activities.engines.base import Handle
from activities.engines.environment import PROGRAMS
from activities.engines.local import Launch, LocalEngine
from activities.folder import AttemptFolder
from activities.libraries.python import interpreter
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
    DbtProgram,
    NotebookProgram,
    PythonProgram,
    TableCareProgram,
    WheelProgram,
)
from spec.errors import EngineRejected
from spec.tasks import Isolation


class PythonEngine(LocalEngine):
    """Runs Python files, notebooks, wheels and dbt projects."""

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        if isinstance(work.program, DbtProgram):
            return dbt.launch(self.config, work, folder, work.program)
        argv, cwd = program_command(work, folder, "Python")
        python = str(interpreter(self.config, work.compute.python))
        return Launch([python, *argv], cwd, fork=work.compute.isolation is Isolation.FORK)

    async def cancel(self, handle: Handle) -> None:
        """See base class; queries that dbt had under way end too."""
        await super().cancel(handle)
        await dbt.stop_queries(self.folder(handle.key))

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See base class."""
        outcome, output = await super().collect(handle, work)
        if outcome.result is not AttemptResult.SUCCESS:
            await dbt.stop_queries(self.folder(handle.key))
        return outcome, output


def program_command(
    work: AttemptWork, folder: AttemptFolder, engine: str
) -> tuple[list[str], Path]:
    """Return what follows the interpreter on the command line, and the working directory.

    As `python FILE` does, the file's own folder comes first on the module path.

    Raises:
        EngineRejected: there is no such file, or it is no Python program.
    """
    program = work.program
    if isinstance(program, WheelProgram):
        words = [program.package_name, program.entry_point, *program.parameters]
        return [str(PROGRAMS / "run_wheel.py"), *words], folder.work
    if isinstance(program, TableCareProgram):
        words = [str(PROGRAMS / "run_table_care.py"), work.catalog.name]
        return [*words, program.model_dump_json()], folder.work
    if not isinstance(program, PythonProgram | NotebookProgram):
        raise EngineRejected(f"{engine} runs files and notebooks, no {program.type} task")
    path = folder.work / program.path
    if not path.is_file():
        raise EngineRejected(f"There is no file '{program.path}' among the task's files")
    if isinstance(program, NotebookProgram):
        return [str(PROGRAMS / "run_notebook.py"), str(path)], path.parent
    return [str(path), *program.parameters], path.parent
