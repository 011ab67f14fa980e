"""A one-time run from a file of YAML or JSON: every mistake at once, each with its place."""

from pydantic import ValidationError

from spec.api.runs import SubmitRun
from spec.errors import InvalidFile, Problem
from spec.job_files import problem_at, refuse_unsupported
from spec.problems import Mistake, mistakes
from spec.yaml_lines import parse


def load_run(text: str, file: str = "run.yml") -> SubmitRun:
    """Read a request of `jobs/runs/submit`.

    Raises:
        InvalidFile: with every mistake.
    """
    node, problems = parse(text, file)
    if node is None or not isinstance(node.value, dict):
        what = "a run is a mapping with 'tasks', and with 'run_name' if you like; write it so"
        raise InvalidFile(problems or [Problem(file, 1, 1, "", what)])
    node, unsupported = refuse_unsupported(node, ())
    try:
        request = SubmitRun.model_validate(node.plain())
    except ValidationError as error:
        wrong = mistakes(error, SubmitRun)
        # Pydantic does not count tasks that are wrong, and then finds their list too short.
        inmost = [each for each in wrong if not any(_is_below(other, each) for other in wrong)]
        found = [problem_at(node, mistake) for mistake in inmost]
        raise InvalidFile([*problems, *unsupported, *found]) from None
    if problems or unsupported:
        raise InvalidFile([*problems, *unsupported])
    return request


def _is_below(one: Mistake, other: Mistake) -> bool:
    at = len(other.path)
    return len(one.path) > at and one.path[:at] == other.path
