"""How Spark's driver is started: straight by `java`, without `spark-submit`.

Spark's own launcher adds `--add-modules=jdk.incubator.vector`, which Java runtimes that come as
wheels leave out, so they refuse to start under it. Spark works without (the module only speeds up
some linear algebra); all other options are the launcher's own (`JavaModuleOptions` of Spark 4.1).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

_OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)

_JAVA_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED),
    "--enable-native-access=ALL-UNNAMED",
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
)

SUBMIT_CLASS = "org.apache.spark.deploy.SparkSubmit"


def spark_submit_command(
    java_home: Path,
    spark_home: Path,
    *,
    master: str,
    app: str | Path,
    app_args: Sequence[str] = (),
    conf: Mapping[str, str] | None = None,
    jars: Sequence[Path] = (),
    class_path: str = "",
    memory: str = "1g",
    main_class: str | None = None,
    properties: Path | None = None,
    java_options: Sequence[str] = (),
) -> list[str]:
    """Return the command that runs a Spark application with its driver in this process.

    Args:
        java_home: Of a Java 17 or 21 runtime.
        spark_home: The folder whose `jars/` is Spark, e.g. that of the `pyspark` package.
        master: Spark's master URL, e.g. `local[2]`.
        app: A Python file, a jar, or `spark-internal` for a class that Spark brings along.
        app_args: The application's own arguments.
        conf: Spark's settings. What is secret belongs in `properties` instead, for command lines
            can be read by everybody on the machine.
        jars: Libraries for driver and executors. With a local master they are simply on the class
            path; else Spark ships them to its executors.
        class_path: More of the driver's class path, behind Spark's and the jars.
        memory: The driver's heap, as Java's `-Xmx` takes it.
        main_class: For a jar.
        properties: A file of further settings, `name value` a line.
        java_options: Further options of the Java runtime.
    """
    local = master.startswith("local")
    options: list[str] = ["--master", master]
    if properties:
        options += ["--properties-file", str(properties)]
    if main_class:
        options += ["--class", main_class]
    if jars and not local:
        options += ["--jars", ",".join(str(jar) for jar in jars)]
    for name, value in (conf or {}).items():
        options += ["--conf", f"{name}={value}"]
    return [
        str(java_home / "bin" / "java"),
        f"-Xmx{memory}",
        *_JAVA_OPTIONS,
        *java_options,
        *("-cp", spark_class_path(spark_home, jars if local else (), class_path)),
        SUBMIT_CLASS,
        *options,
        str(app),
        *app_args,
    ]


def spark_class_path(spark_home: Path, jars: Sequence[Path], more: str = "") -> str:
    """Return the driver's class path: Spark's own jars, then these."""
    return ":".join([str(spark_home / "jars" / "*"), *map(str, jars), *filter(None, [more])])


def spark_environment(java_home: Path, spark_home: Path, python: Path) -> dict[str, str]:
    """Return what the driver finds in its environment, beside what the caller gives it.

    Args:
        java_home: As above.
        spark_home: As above.
        python: The interpreter of driver and executors; without it Spark takes `python3` of PATH.
    """
    return {
        "JAVA_HOME": str(java_home),
        "SPARK_HOME": str(spark_home),
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
        # Else it looks the host's name up, and listens where others can reach it.
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
