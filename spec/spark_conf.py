"""What Spark settings and environment variables of a job may say; pure."""

from collections.abc import Mapping

CATALOG = "spark.sql.catalog.lakehouse"

_REFUSED = {
    CATALOG: "the lakehouse catalog is OpenLake's own, with the attempt's token; remove it",
    "spark.openlineage": "lineage is told by OpenLake itself; remove it",
}

JOINED = ("spark.sql.extensions", "spark.extraListeners", "spark.plugins")
"""Settings that are lists: the user's entries come beside OpenLake's."""

WITHOUT_EFFECT = (
    "spark.app.name",
    "spark.submit.deployMode",
    "spark.pyspark.python",
    "spark.pyspark.driver.python",
)
"""The attempt names the application; its driver runs on the worker, with the task's Python."""

_OWN_VARIABLES = ("OPENLAKE_", "OPENLINEAGE_", "PYICEBERG_CATALOG__LAKEHOUSE__")


def refusal(setting: str) -> str | None:
    """Return why a Spark setting is refused; None when it may be set."""
    for name, reason in _REFUSED.items():
        if setting == name or setting.startswith(name + "."):
            return f"the Spark setting '{setting}' is refused: {reason}"
    return None


def check_conf(settings: Mapping[str, str]) -> None:
    """Raise for the first setting that is refused.

    Raises:
        ValueError: says which, why and what to do.
    """
    for name, value in settings.items():
        reason = refusal(name)
        if reason is None and name == "spark.submit.deployMode" and value == "cluster":
            reason = "the driver runs on the engine worker; remove 'spark.submit.deployMode'"
        if reason is not None:
            raise ValueError(reason)


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise for the first environment variable that is refused.

    Raises:
        ValueError: says which, why and what to do.
    """
    for name in variables:
        if name.startswith(_OWN_VARIABLES):
            raise ValueError(f"the variable '{name}' is OpenLake's own; remove it")
        if not name or "=" in name or "\0" in name + variables[name]:
            raise ValueError(f"'{name}' cannot be the name of an environment variable")


def merge_conf(*layers: Mapping[str, str]) -> dict[str, str]:
    """Return settings of which a later layer wins, and lists are joined."""
    merged: dict[str, str] = {}
    for layer in layers:
        for name, value in layer.items():
            if name in JOINED and merged.get(name):
                known = merged[name].split(",")
                merged[name] = ",".join(known + [v for v in value.split(",") if v not in known])
            else:
                merged[name] = value
    return merged
