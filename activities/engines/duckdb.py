"""DuckDB: the SQL engine of the embedded profile, a process of its own for every attempt."""

import json
from typing import Any

from activities.engines.environment import ROOT, RUNTIME
from activities.engines.local import Launch, LocalEngine
from activities.folder import AttemptFolder
from spec.attempts import AttemptWork, CompareProgram, LoadProgram, SqlProgram
from spec.errors import EngineRejected


class DuckdbEngine(LocalEngine):
    """Runs SQL scripts, loads files and compares tables; see `activities.programs`."""

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        match work.program:
            case SqlProgram() as program:
                given = {"text", "parameters", "check", "dialect"}
                spec = program.model_dump(mode="json", include=given)
                spec["session"] = [program.catalog, program.schema_name]
                return self._launch(work, folder, "run_sql", spec)
            case LoadProgram() as program:
                spec = program.model_dump(mode="json", include={"task", "name", "format", "url"})
                return self._launch(work, folder, "load_file", spec)
            case CompareProgram() as program:
                spec = program.model_dump(mode="json", exclude={"type"})
                return self._launch(work, folder, "compare_tables", spec)
            case _ as program:
                raise EngineRejected(f"DuckDB runs SQL, not a {program.type} program")

    def _launch(
        self, work: AttemptWork, folder: AttemptFolder, program: str, spec: dict[str, Any]
    ) -> Launch:
        """Start one of our programs with what it needs to reach the lakehouse."""
        spec |= {
            "catalog": work.catalog.model_dump(),
            "storage": work.storage.model_dump(),
            "job": {
                "namespace": work.lineage.namespace,
                "name": work.lineage.job_name,
                "run_id": work.lineage.run_id,
            },
        }
        folder.write("given/spec.json", json.dumps(spec))
        argv = [str(self.config.python), "-P", "-m", f"activities.programs.{program}"]
        return Launch(
            [*argv, str(folder.given / "spec.json")],
            folder.work,
            {"PYTHONPATH": f"{ROOT}:{RUNTIME}"},
        )
