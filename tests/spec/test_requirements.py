"""Lines of requirements, words of spark-submit, settings of Spark: what is read and refused."""

import pytest

from spec.compute import ClusterSpec, EnvironmentSpec
from spec.requirements import lines_of, read_line
from spec.spark_conf import merge_conf
from spec.spark_submit import parse


@pytest.mark.parametrize(
    ("line", "kind", "path", "rest"),
    [
        ("six==1.17", "plain", "", ""),
        ("six[x] @ https://h/six.whl", "plain", "", ""),
        ("--index-url https://h/simple", "plain", "", ""),
        ("-r /Workspace/a/r.txt", "include", "/Workspace/a/r.txt", ""),
        ("-rmore.txt", "include", "more.txt", ""),
        ("--requirement=more.txt", "include", "more.txt", ""),
        ("/Users/a@b.c/x-1-py3-none-any.whl", "wheel", "/Users/a@b.c/x-1-py3-none-any.whl", ""),
        ("x @ /l/x.whl", "wheel", "/l/x.whl", ""),
        ("./x.whl[a,b] ; python_version > '3'", "wheel", "./x.whl", "[a,b] ; python_version > '3'"),
    ],
)
def test_lines_are_told_apart(line: str, kind: str, path: str, rest: str) -> None:
    read = read_line(line)
    assert (read.kind, read.path, read.rest) == (kind, path, rest)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-e .", "build a wheel"),
        ("--editable=.", "build a wheel"),
        ("-c limits.txt", "constraints are not supported"),
        ("/libs/x.tar.gz", "is no wheel"),
        ("x @ file:///etc/x.whl", "names a file of a machine"),
    ],
)
def test_what_is_not_supported_is_refused_in_an_environment(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EnvironmentSpec(dependencies=("six", line))


def test_comments_and_continuations_are_taken_out() -> None:
    assert lines_of("# all\nsix \\\n  ==1.17 # why\n\n  a#b\n") == ["six    ==1.17", "a#b"]


def test_spark_submit_reads_options_in_both_spellings() -> None:
    read = parse(["spark-submit", "--class=a.B", "-v", "--conf", "x=y=z", "/a.jar", "--class", "c"])
    assert (read.main_class, read.conf, read.app) == ("a.B", {"x": "y=z"}, "/a.jar")
    assert read.arguments == ("--class", "c")
    assert parse(["--deploy-mode", "client", "/a.py"]).app == "/a.py"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--deploy-mode cluster /a.jar", "the driver runs on the engine worker"),
        ("--properties-file /x /a.jar", "give its lines as"),
        ("--proxy-user root /a.jar", "worker's user for tasks"),
        ("--conf spark.sql.catalog.lakehouse.token=x /a.jar", "OpenLake's own"),
        ("--packages one:two /a.jar", "is not group:artifact:version"),
        ("--wrong x /a.jar", "no option of spark-submit"),
        ("--class a.B", "name the application"),
        ("--class", "needs a value"),
    ],
)
def test_spark_submit_says_what_is_wrong(words: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(words.split())


def test_settings_that_are_openlakes_own_are_refused() -> None:
    for name in ("spark.sql.catalog.lakehouse", "spark.sql.catalog.lakehouse.uri"):
        with pytest.raises(ValueError, match="remove it"):
            ClusterSpec(spark_conf={name: "x"})
    with pytest.raises(ValueError, match="deployMode"):
        ClusterSpec(spark_conf={"spark.submit.deployMode": "cluster"})
    for name in ("OPENLAKE_OUT", "PYICEBERG_CATALOG__LAKEHOUSE__TOKEN", ""):
        with pytest.raises(ValueError, match="variable"):
            ClusterSpec(spark_env_vars={name: "x"})
    other = {"spark.sql.catalog.lakehouse2": "x", "spark.driver.extraJavaOptions": "-Da=b"}
    assert ClusterSpec(spark_conf=other).spark_conf == other


def test_lists_are_joined_and_the_rest_is_overruled() -> None:
    merged = merge_conf({"a": "1", "spark.plugins": "x,y"}, {"a": "2"}, {"spark.plugins": "y,z"})
    assert merged == {"a": "2", "spark.plugins": "x,y,z"}
