"""Programs of tasks whose code comes in libraries: wheels, jars, spark-submit; pure."""

from collections.abc import Mapping

from control.jobs.materials import key_of, place_of
from spec.api.runs import RunOverrides
from spec.attempts import JarProgram, Program, PythonProgram, WheelProgram
from spec.errors import Invalid
from spec.references import Context, resolve
from spec.spark_submit import Submission, parse
from spec.tasks import Task

_KINDS = ("python_wheel_task", "spark_jar_task", "spark_submit_task")


def is_packaged(task: Task) -> bool:
    """Tell whether this module makes the task's program."""
    return task.kind in _KINDS


def packaged_parameters(
    task: Task, overrides: RunOverrides
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return a task's parameters, by place and by name, with what the run overrides."""
    if (wheel := task.python_wheel_task) is not None:
        if overrides.python_params is not None:
            return overrides.python_params, overrides.python_named_params or {}
        named = wheel.named_parameters | (overrides.python_named_params or {})
        return wheel.parameters, named
    if task.spark_jar_task is not None:
        given = overrides.jar_params
        return task.spark_jar_task.parameters if given is None else given, {}
    if task.spark_submit_task is not None:
        given = overrides.spark_submit_params
        return task.spark_submit_task.parameters if given is None else given, {}
    raise Invalid(f"task '{task.task_key}' is a {task.kind}, which brings no code of its own")


def packaged_program(
    task: Task, arguments: tuple[str, ...], named: Mapping[str, str], context: Context
) -> Program:
    """Return what the engine is to run.

    Job parameters reach a wheel task by themselves, as `--name=value`, and win over its own named
    ones; one with parameters by place gets them by reference only.
    """
    if (jar := task.spark_jar_task) is not None:
        resolved = tuple(resolve(text, context) for text in arguments)
        return JarProgram(main_class_name=jar.main_class_name, parameters=resolved)
    if task.spark_submit_task is not None:
        return _submitted(parse(arguments), context)
    wheel = task.python_wheel_task
    if wheel is None:
        raise Invalid(f"task '{task.task_key}' is a {task.kind}, which brings no code of its own")
    values = {name: resolve(text, context) for name, text in named.items()}
    if not arguments:
        values |= context.parameters
    return WheelProgram(
        package_name=wheel.package_name,
        entry_point=wheel.entry_point,
        parameters=(
            *(resolve(text, context) for text in arguments),
            *(f"--{name}={value}" for name, value in values.items()),
        ),
    )


def _submitted(submission: Submission, context: Context) -> Program:
    parameters = tuple(resolve(text, context) for text in submission.arguments)
    if submission.app == "spark-internal":
        return JarProgram(main_class_name=submission.main_class, parameters=parameters)
    place = place_of(key_of(submission.app, git=False))
    if place.endswith(".py"):
        return PythonProgram(path=place, parameters=parameters)
    return JarProgram(main_class_name=submission.main_class, path=place, parameters=parameters)
