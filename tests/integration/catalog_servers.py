"""Catalogs that are not the stack's: a real Hive Metastore, and Iceberg's own REST server."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
from pyiceberg.catalog import Catalog
from pyiceberg.catalog import hive as pyiceberg_hive

from control.stack.install import install
from control.stack.layout import Layout
from control.stack.progress import Silent
from tests.control.postgres import free_port, postgres

_QUICK = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_OPENED = ("java.lang", "java.net", "java.util")
_METASTORE = "org.apache.hadoop.hive.metastore"


@contextlib.contextmanager
def hive_metastore(layout: Layout) -> Iterator[str]:
    """Run a metastore over a PostgreSQL of its own; yields its `thrift://` address.

    It only notes where tables are; folders, which it insists on making, it makes below a local one.
    """
    install(layout, ["hive-metastore"], Silent())
    jars = layout.maven_dir("hive-metastore")
    home = next(jars.glob("apache-hive-metastore-*"))
    hadoop = layout.spark_home / "jars"
    port = free_port()
    with postgres() as database, tempfile.TemporaryDirectory(prefix="openlake-hive-") as scratch:
        folder = Path(scratch)
        place = urlsplit(database)
        (folder / "metastore-site.xml").write_text(
            _site(
                {
                    "javax.jdo.option.ConnectionURL": (
                        f"jdbc:postgresql://{place.hostname}:{place.port}{place.path}"
                    ),
                    "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
                    "javax.jdo.option.ConnectionUserName": "postgres",
                    "javax.jdo.option.ConnectionPassword": "none",
                    "metastore.warehouse.dir": f"file://{folder}/warehouse",
                    "metastore.thrift.bind.host": "127.0.0.1",
                    **_bucket_as(folder),
                }
            )
        )
        path = [folder, *jars.glob("*.jar"), home / "lib" / "*", *hadoop.glob("hadoop-client-*")]
        java = [
            str(layout.java_home_21 / "bin" / "java"),
            *_QUICK,
            *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED),
            "-cp",
            ":".join(map(str, path)),
        ]
        environment = {**os.environ, "METASTORE_HOME": str(home)}
        tool = f"{_METASTORE}.tools.schematool.MetastoreSchemaTool"
        made = subprocess.run(
            [*java, tool, "-dbType", "postgres", "-initSchema"],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
        command = [*java, f"{_METASTORE}.HiveMetaStore", "-p", str(port)]
        with _running(command, environment, folder / "log", port):
            yield f"thrift://127.0.0.1:{port}"


@contextlib.contextmanager
def iceberg_rest_server(layout: Layout) -> Iterator[str]:
    """Run Iceberg's reference server; yields its address.

    Tables are in the stack's object store, whose keys it vends with each one. Its own metadata
    files, which nobody else reads, it keeps in a local folder.
    """
    install(layout, ["iceberg-rest", "iceberg-rest-server"], Silent())
    folders = [layout.maven_dir(name) for name in ("iceberg-rest", "iceberg-rest-server")]
    jars = [jar for folder in folders for jar in folder.glob("*.jar")]
    jars += (layout.spark_home / "jars").glob("hadoop-client-*")
    store, port = layout.s3("lakehouse"), free_port()
    settings = {
        # `__` stands for a dash, `_` for a dot.
        "REST_PORT": str(port),
        "WAREHOUSE": "s3://lakehouse/elsewhere",
        "IO__IMPL": "org.apache.iceberg.hadoop.HadoopFileIO",
        "URI": "jdbc:sqlite::memory:",
        "CLIENT_REGION": store.region,
        "S3_ENDPOINT": store.endpoint,
        "S3_PATH__STYLE__ACCESS": "true",
        "S3_ACCESS__KEY__ID": store.access_key,
        "S3_SECRET__ACCESS__KEY": store.secret_key,
        "INCLUDE__CREDENTIALS": "true",
    }
    environment = {**os.environ, **{f"CATALOG_{name}": text for name, text in settings.items()}}
    with tempfile.TemporaryDirectory(prefix="openlake-rest-") as scratch:
        folder = Path(scratch)
        (folder / "core-site.xml").write_text(_site(_bucket_as(folder)))
        command = [
            str(layout.java_home_21 / "bin" / "java"),
            *_QUICK,
            "-cp",
            ":".join(map(str, [folder, *jars])),
            "org.apache.iceberg.rest.RESTCatalogServer",
        ]
        with _running(command, environment, folder / "log", port):
            address = f"http://127.0.0.1:{port}"
            assert httpx2.get(f"{address}/v1/config").status_code == 200
            yield address


def hive_catalog(uri: str, files: dict[str, str]) -> Catalog:
    """Return PyIceberg's catalog on Hive 4, which lacks methods that PyIceberg 0.12 calls."""
    from hive_metastore.ThriftHiveMetastore import Client
    from hive_metastore.ttypes import GetTableRequest
    from thrift.protocol.TBinaryProtocol import TBinaryProtocol

    class Client4(Client):
        def get_table(self, dbname: str, tbl_name: str) -> Any:
            return self.get_table_req(GetTableRequest(dbName=dbname, tblName=tbl_name)).table

    class Connection(pyiceberg_hive._HiveClient):
        def _client(self) -> Any:
            return Client4(TBinaryProtocol(self._transport))

    catalog = pyiceberg_hive.HiveCatalog("hive", uri=uri, **files)
    catalog._client = Connection(uri)
    return catalog


@contextlib.contextmanager
def _running(
    command: list[str], environment: dict[str, str], log: Path, port: int
) -> Iterator[None]:
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
    try:
        end = time.monotonic() + 60
        while not _listens(process.pid, port):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < end, log.read_text()[-3000:]
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def _listens(pid: int, port: int) -> bool:
    connections = psutil.Process(pid).net_connections("tcp")
    return any(each.status == "LISTEN" and each.laddr.port == port for each in connections)


def _bucket_as(folder: Path) -> dict[str, str]:
    """Return settings by which Hadoop takes a local folder for the bucket of the lakehouse."""
    return {
        "fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "fs.viewfs.mounttable.lakehouse.linkMergeSlash": f"file://{folder}",
    }


def _site(properties: dict[str, str]) -> str:
    rows = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in properties.items()
    )
    return f"<configuration>{rows}</configuration>"
