"""DuckDB: the SQL engine of the embedded profile, a process of its own for every attempt."""

import json

from activities.engines.environment import ROOT, RUNTIME
from activities.engines.local import Launch, LocalEngine
from activities.folder import AttemptFolder
from spec.attempts import AttemptWork, SqlProgram
from spec.errors import EngineRejected


class DuckdbEngine(LocalEngine):
    """Runs SQL scripts; see `activities.programs.run_sql`."""

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        program = work.program
        if not isinstance(program, SqlProgram):
            raise EngineRejected(f"DuckDB runs SQL, not a {program.type} program")
        spec = {
            "text": program.text,
            "parameters": program.parameters,
            "catalog": work.catalog.model_dump(),
            "storage": work.storage.model_dump(),
            "job": {
                "namespace": work.lineage.namespace,
                "name": work.lineage.job_name,
                "run_id": work.lineage.run_id,
            },
        }
        folder.write("given/sql.json", json.dumps(spec))
        argv = [str(self.config.python), "-P", "-m", "activities.programs.run_sql"]
        return Launch(
            [*argv, str(folder.given / "sql.json")],
            folder.work,
            {"PYTHONPATH": f"{ROOT}:{RUNTIME}"},
        )
