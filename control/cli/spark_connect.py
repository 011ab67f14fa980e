"""`openlake spark-connect`: becomes the warm Spark Connect server."""

import os
import sys
from pathlib import Path

from activities.engines.spark_command import spark_environment, spark_submit_command
from control.cli.stack import make_layout
from control.stack.spark_connect import properties_file

_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def spark_connect() -> None:
    """Serve Spark Connect until told to stop; `openlake up --profile full` starts it."""
    layout = make_layout()
    command = spark_submit_command(
        layout.java_home_21,
        layout.spark_home,
        master="local[*]",
        app="spark-internal",
        main_class=_CLASS,
        jars=sorted(layout.spark_jars.glob("*.jar")),
        properties=properties_file(layout),
    )
    environment = spark_environment(layout.java_home_21, layout.spark_home, Path(sys.executable))
    # The process stays the one that `up` remembers.
    os.execve(command[0], command, {**os.environ, **environment})  # noqa: S606
