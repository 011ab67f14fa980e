"""Plain Python: a file, a notebook or a wheel's entry point, in a process of its own."""

from pathlib import Path

from activities.engines.environment import PROGRAMS
from activities.engines.local import Launch, LocalEngine
from activities.folder import AttemptFolder
from activities.libraries.python import interpreter
from spec.attempts import AttemptWork, NotebookProgram, PythonProgram, WheelProgram
from spec.errors import EngineRejected


class PythonEngine(LocalEngine):
    """Runs Python files, notebooks and wheels."""

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        argv, cwd = program_command(work, folder, "Python")
        return Launch([str(interpreter(self.config, work.compute.python)), *argv], cwd)


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
    if not isinstance(program, PythonProgram | NotebookProgram):
        raise EngineRejected(f"{engine} runs files and notebooks, no {program.type} task")
    path = folder.work / program.path
    if not path.is_file():
        raise EngineRejected(f"There is no file '{program.path}' among the task's files")
    if isinstance(program, NotebookProgram):
        return [str(PROGRAMS / "run_notebook.py"), str(path)], path.parent
    return [str(path), *program.parameters], path.parent
