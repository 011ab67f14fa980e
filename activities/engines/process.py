"""Plain Python: a file or a notebook, run by the worker's interpreter in a process of its own."""

from activities.engines.local import Launch, LocalEngine
from activities.folder import AttemptFolder
from spec.attempts import AttemptWork, PythonProgram
from spec.errors import EngineRejected


class PythonEngine(LocalEngine):
    """Runs Python files and notebooks."""

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        program = work.program
        if not isinstance(program, PythonProgram):
            raise EngineRejected(
                f"The Python engine runs files and notebooks, not '{program.type}'; "
                "give the task a SQL warehouse"
            )
        path = folder.work / program.path
        # As `python FILE` does, the file's own folder comes first on the module path.
        argv = [str(self.config.python), str(path), *program.parameters]
        return Launch(argv, path.parent)
