"""What tasks bring to Spark: jars, Maven libraries, wheels, settings and variables."""

import dataclasses
import hashlib
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from activities.config import WorkerConfig
from activities.engines.spark import needs_own_driver
from activities.follow import Follower
from activities.libraries import install as libraries
from control.stack import ivy
from spec.attempts import (
    AttemptOutcome,
    AttemptResult,
    AttemptWork,
    Compute,
    JarProgram,
    Program,
    PythonLibraries,
    PythonProgram,
    WheelProgram,
)
from spec.compute import MavenLibrary
from spec.tasks import Engine
from tests.activities.fakes import make_ref, make_work
from tests.activities.lake import Lake
from tests.activities.test_lakehouse import Field
from tests.activities.test_libraries import UV
from tests.activities.wheels import make_wheel

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MAIN = """
package acme
import org.apache.spark.sql.SparkSession
object Main {
  def main(args: Array[String]): Unit = {
    val spark = SparkSession.builder().getOrCreate()
    println("args " + args.mkString(","))
    println("conf " + spark.conf.get("spark.acme.answer") + " " + spark.sparkContext.master)
    println("env " + sys.env("ACME") + " property " + System.getProperty("acme.word"))
    spark.sql("CREATE NAMESPACE IF NOT EXISTS jars")
    spark.range(args(0).toLong).writeTo("jars.t").createOrReplace()
    println("rows " + spark.table("jars.t").count())
    if (args.contains("fail")) throw new IllegalStateException("as told")
  }
}
"""


@pytest.fixture(scope="module")
def jar(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A jar of the class above; Spark brings the compiler."""
    folder = tmp_path_factory.mktemp("jar")
    (folder / "Main.scala").write_text(MAIN)
    java = lake.layout.java_home_21 / "bin" / "java"
    spark = f"{lake.layout.spark_home}/jars/*"
    compiler = [str(java), "-cp", spark, "scala.tools.nsc.Main", "-usejavacp"]
    subprocess.run([*compiler, "-d", "main.jar", "Main.scala"], cwd=folder, check=True)
    return (folder / "main.jar").read_bytes()


@pytest.fixture
async def field(lake: Lake, config: WorkerConfig, tmp_path: Path) -> Any:
    kept = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "HOME", "PATH")
    network = {name: os.environ[name] for name in kept if name in os.environ}
    config = dataclasses.replace(
        config,
        uv=UV,
        installer_environment=network,
        ivy_settings=ivy.user_settings(),
        java_network=tuple(ivy.network_options(tmp_path / "trust.p12")),
    )
    field = Field(lake, config)
    yield field
    await field.close()


async def run(
    field: Field, program: Program, compute: Compute, files: dict[str, bytes], **sources: str
) -> tuple[AttemptWork, AttemptOutcome, str]:
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    field.control.blobs.update((hashes[path], content) for path, content in files.items())
    work = await field.lake.open(Engine.SPARK, program, compute=compute, files=hashes)
    work = field.control.add(work, **sources)
    follower = Follower(
        work.ref,
        field.control,
        field.adapter(Engine.SPARK),
        field.config.host,
        field.config.folder,
        None,
        partial(libraries.install, field.config),
    )
    outcome = await follower.run()
    log = field.control.log(work.ref)
    print(log)
    return work, outcome, log


async def test_a_jar_runs_with_the_tasks_settings(field: Field, jar: bytes) -> None:
    compute = Compute(
        spark_files={"spark.jars": ("libs/main.jar",)},
        spark_conf={
            "spark.acme.answer": "42",
            "spark.master": "local[1]",
            "spark.driver.memory": "700m",
            "spark.driver.extraJavaOptions": "-Dacme.word=hello -XX:+UseParallelGC",
            "spark.app.name": "not this",
        },
        environment={"ACME": "yes", "PATH": "/nowhere"},
    )
    program = JarProgram(main_class_name="acme.Main", parameters=("7", "b c"))
    work, outcome, log = await run(field, program, compute, {"libs/main.jar": jar})
    assert outcome.result is AttemptResult.SUCCESS, log
    for line in ("args 7,b c", "conf 42 local[1]", "env yes property hello", "rows 7"):
        assert line in log
    assert len(field.rows(work, "jars.t")) == 7
    # Nothing is said that the task did not say itself.
    assert "WARN" not in log
    failing = JarProgram(
        main_class_name="acme.Main", path="libs/main.jar", parameters=("1", "fail")
    )
    compute = Compute(spark_conf={"spark.acme.answer": "1"}, environment={"ACME": "x"})
    _, outcome, log = await run(field, failing, compute, {"libs/main.jar": jar})
    assert outcome.result is AttemptResult.FAILED
    assert "java.lang.IllegalStateException: as told" in outcome.message


SCORE = """
import sys
def main():
    import pyspark
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    doubled = spark.sparkContext.parallelize([1, 2]).map(double).collect()
    print("args", sys.argv[1:], "doubled", doubled, "prefix", sys.prefix)
def double(x):
    import scoring
    return scoring.FACTOR * x
FACTOR = 2
"""


async def test_a_wheel_runs_on_spark_and_on_its_executors(field: Field) -> None:
    name, content = make_wheel("scoring", "1.0", {"scoring.py": SCORE})
    sha256 = hashlib.sha256(content).hexdigest()
    field.control.blobs[sha256] = content
    python = PythonLibraries(requirements=(f"./w/{name}",), files={f"w/{name}": sha256})
    program = WheelProgram(package_name="scoring", entry_point="main", parameters=("--a=b",))
    _, outcome, log = await run(field, program, Compute(python=python), {})
    assert outcome.result is AttemptResult.SUCCESS, log
    assert "args ['--a=b'] doubled [2, 4]" in log
    assert ".environments" in log


async def test_maven_libraries_are_there_with_what_they_need(field: Field) -> None:
    source = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark._jvm.com.github.lalyos.jfiglet.FigletFont.convertOneLine("hi"))
"""
    library = MavenLibrary(coordinates="com.github.lalyos:jfiglet:0.0.9")
    program, compute = PythonProgram(path="main.py"), Compute(maven=(library,))
    _, outcome, log = await run(field, program, compute, {}, main=source)
    assert outcome.result is AttemptResult.SUCCESS, log
    assert "|_| |_|_|" in log
    wrong = Compute(maven=(MavenLibrary(coordinates="com.github.lalyos:jfiglet:no.such"),))
    _, outcome, log = await run(field, program, wrong, {}, main=source)
    assert (outcome.result, outcome.code) == (AttemptResult.FAILED, "LIBRARY_INSTALLATION_ERROR")
    assert "no.such" in outcome.message


def test_what_a_shared_server_cannot_give_asks_for_a_driver() -> None:
    def needs(program: Program, **compute: Any) -> bool:
        work = make_work(make_ref(engine=Engine.SPARK), program, compute=Compute(**compute))
        return needs_own_driver(work)

    file = PythonProgram(path="main.py")
    assert not needs(file)
    assert not needs(file, environment={"A": "b"})
    assert needs(file, spark_conf={"spark.x": "1"})
    assert needs(file, maven=(MavenLibrary(coordinates="a:b:1"),))
    assert needs(file, python=PythonLibraries(requirements=("six",)))
    assert needs(JarProgram(main_class_name="a.B"))
