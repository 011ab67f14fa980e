"""Runs a dbt task's commands, one after the other; the first that fails ends it.

Run by the Python of dbt's environment, which has nothing of OpenLake's own, as
`python -P -m activities.programs.run_dbt SPEC` in the project's folder. Leaves in `$OPENLAKE_OUT`:
`dbt.json` (what became of every node), `artifacts.tar.gz` (dbt's own files), `lineage.jsonl`,
and `error.json` when a command failed.
"""

import json
import logging
import os
import shlex
import signal
import sys
import tarfile
from datetime import UTC, datetime
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from activities.events import event
from activities.programs.dbt_warehouses import bend_duckdb, bend_trino

MOST_RESULTS = 5000
_MESSAGE_CHARACTERS = 1000
_TARGET = "openlake"
_BAD = ("error", "fail", "runtime error", "partial success")


def main(spec_path: str) -> int:
    """Run every command; 0 when all went well."""
    given: dict[str, Any] = json.loads(Path(spec_path).read_text())
    out = Path(os.environ["OPENLAKE_OUT"])
    signal.signal(signal.SIGTERM, _interrupt)
    logging.getLogger("trino").setLevel(logging.WARNING)
    _write_profile(given)
    if given["warehouse"] == "trino":
        bend_trino(given)
    elif given["warehouse"] == "duckdb":
        bend_duckdb(given)
    runner: Any = import_module("dbt.cli.main").dbtRunner()
    results: list[dict[str, Any]] = []
    try:
        for command in given["commands"]:
            print(f"$ {command}", flush=True)
            if not _run(runner, command, given, results, out):
                return 1
    finally:
        size = _pack(out / "artifacts.tar.gz", given["most_artifact_bytes"])
        left = {"results": results[:MOST_RESULTS], "artifacts_bytes": size}
        (out / "dbt.json").write_text(json.dumps(left))
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # dbt takes it for Ctrl-C: it cancels its queries and says so.
    raise KeyboardInterrupt


def _write_profile(given: dict[str, Any]) -> None:
    """Make the profile that the project asks for, with every target that a command names."""
    if given["output"] is None:
        return
    yaml: Any = import_module("yaml")
    project: dict[str, Any] = yaml.safe_load(Path("dbt_project.yml").read_text()) or {}
    words = [word for command in given["commands"] for word in shlex.split(command)]
    targets = {_TARGET, *_values(words, "--target", "-t")}
    own = str(project.get("profile") or _TARGET)
    profile = {"target": _TARGET, "outputs": dict.fromkeys(targets, given["output"])}
    folder = Path(os.environ["DBT_PROFILES_DIR"])
    folder.mkdir(exist_ok=True)
    # JSON is YAML.
    (folder / "profiles.yml").write_text(
        json.dumps(dict.fromkeys((own, *_values(words, "--profile")), profile))
    )
    if own == _TARGET:
        os.environ["DBT_PROFILE"] = own


def _values(words: list[str], *names: str) -> list[str]:
    """Return what follows these options, in either spelling."""
    after = [value for name, value in pairwise(words) if name in names]
    return after + [word.partition("=")[2] for word in words if word.partition("=")[0] in names]


def _run(
    runner: Any, command: str, given: dict[str, Any], results: list[dict[str, Any]], out: Path
) -> bool:
    target = Path(os.environ["DBT_TARGET_PATH"])
    (target / "run_results.json").unlink(missing_ok=True)
    ended = runner.invoke(shlex.split(command)[1:])
    found = _results(target, command)
    results += found
    _tell_lineage(target, found, given["job"], out)
    if ended.success:
        return True
    _fail(command, found, ended.exception, out)
    return False


def _results(target: Path, command: str) -> list[dict[str, Any]]:
    told: dict[str, Any] = _json(target / "run_results.json")
    return [
        {
            "command": command,
            "unique_id": each["unique_id"],
            "status": str(each["status"]),
            "execution_time": each.get("execution_time") or 0.0,
            "message": _cut(each.get("message")),
            "rows_affected": _rows(each.get("adapter_response")),
            "failures": each.get("failures"),
            "relation_name": each.get("relation_name"),
        }
        for each in told.get("results", [])
    ]


def _rows(response: Any) -> int | None:
    rows = response.get("rows_affected") if isinstance(response, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return int(rows) if isinstance(rows, int) and rows >= 0 else None


def _fail(command: str, results: list[dict[str, Any]], error: Any, out: Path) -> None:
    """Name what failed, with its message."""
    bad = [each for each in results if each["status"] in _BAD]
    lines = [f"{each['unique_id']}: {each['message'] or each['status']}" for each in bad]
    if error is not None:
        lines.append(str(error))
    lines = lines or [f"'{command}' failed; see the log"]
    first = " ".join(lines[0].split())
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    trace = f"{command}\n\n" + "\n\n".join(lines)
    (out / "error.json").write_text(json.dumps({"error": f"{first}{more}", "trace": trace}))


def _tell_lineage(
    target: Path, results: list[dict[str, Any]], job: dict[str, str], out: Path
) -> None:
    """Tell what each node that was built read, by dbt's manifest."""
    manifest = _json(target / "manifest.json")
    nodes: dict[str, Any] = {**manifest.get("nodes", {}), **manifest.get("sources", {})}
    with (out / "lineage.jsonl").open("a") as file:
        for each in results:
            node = nodes.get(each["unique_id"])
            if each["status"] != "success" or node is None or not node.get("relation_name"):
                continue
            inputs = sorted(set(_sources(each["unique_id"], manifest, nodes)))
            told = event(
                "RUNNING",
                datetime.now(UTC),
                {"namespace": job["namespace"], "name": job["name"], "facets": {}},
                {"runId": job["run_id"], "facets": {}},
                [{"namespace": job["namespace"], "name": name, "facets": {}} for name in inputs],
                [{"namespace": job["namespace"], "name": _dataset(node), "facets": {}}],
            )
            file.write(json.dumps(told) + "\n")


def _sources(unique_id: str, manifest: dict[str, Any], nodes: dict[str, Any]) -> list[str]:
    """Return the tables a node reads; what is not stored itself leads to its own parents."""
    found: list[str] = []
    for parent in manifest.get("parent_map", {}).get(unique_id, []):
        node = nodes.get(parent)
        if node is not None and node.get("relation_name"):
            found.append(_dataset(node))
        else:
            found += _sources(parent, manifest, nodes)
    return found


def _dataset(node: dict[str, Any]) -> str:
    name = node.get("alias") or node.get("identifier") or node["name"]
    return f"{node['database']}.{node['schema']}.{name}".lower()


def _pack(place: Path, most_bytes: int) -> int | None:
    """Gather dbt's own files: what it found, compiled, ran and logged; return their size."""
    with tarfile.open(place, "w:gz") as tar:
        for name in ("target", "logs"):
            folder = Path(os.environ["DBT_TARGET_PATH" if name == "target" else "DBT_LOG_PATH"])
            wanted = [*folder.glob("*.json"), *folder.glob("*.log"), *folder.glob("compiled")]
            for file in sorted(wanted):
                tar.add(file, f"{name}/{file.name}")
    size = place.stat().st_size
    if size <= most_bytes:
        return size
    print(f"dbt's artifacts have {size} bytes; more than {most_bytes} are not kept", flush=True)
    place.unlink()
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _cut(text: Any) -> str | None:
    return str(text)[:_MESSAGE_CHARACTERS] if text else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
