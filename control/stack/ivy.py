"""Fetches Maven artifacts with the Ivy that ships inside pyspark: no Maven, no JDK on PATH.

Ivy's own default settings say where artifacts come from; a user's `~/.ivy2/ivysettings.xml` (a
mirror, say) takes their place.
"""

import ssl
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from control.stack.commands import Runner
from control.stack.layout import Layout
from spec.maven import MAIN_CLASS, Coordinate, ivy_xml

_filtering_warnings = threading.Lock()


def fetch(
    layout: Layout,
    runner: Runner,
    what: str,
    coordinates: Sequence[str],
    target: Path,
    *,
    scratch: Path,
    transitive: bool = False,
    on_tick: Callable[[], None] | None = None,
) -> list[Path]:
    """Download artifacts into a folder and return their files.

    Args:
        layout: Says where Java and Ivy are.
        runner: Runs Ivy.
        what: Names the part in errors.
        coordinates: See `Coordinate.parse`.
        target: An existing folder on the same disk as `scratch`.
        scratch: Ivy's own folder; kept by the caller after a failure, so that what was fetched
            completely is not fetched again.
        transitive: Also what the artifacts need at run time.
        on_tick: Called about twice a second.

    Raises:
        Unavailable: Something could not be fetched.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    module = scratch / "ivy.xml"
    parsed = [Coordinate.parse(text) for text in coordinates]
    module.write_text(ivy_xml(parsed, transitive=transitive))
    found = scratch / "files.txt"
    argv: list[str | Path] = [
        layout.java_home_21 / "bin" / "java",
        "-Xmx256m",
        *network_options(scratch / "trust.p12"),
        f"-Divy.home={scratch}",
        "-cp",
        next((layout.spark_home / "jars").glob("ivy-*.jar")),
        MAIN_CLASS,
        "-ivy",
        module,
        "-cache",
        scratch / "cache",
        "-cachepath",
        found,
    ]
    own_settings = user_settings()
    if own_settings is not None:
        argv += ["-settings", own_settings]
    runner.run(what, argv, log=scratch / "log.txt", on_tick=on_tick)
    files: list[Path] = []
    for text in found.read_text().strip().split(":"):
        file = Path(text)
        files.append(file.replace(target / file.name))
    return files


def user_settings() -> Path | None:
    """Return the file in which this user says where artifacts come from, if there is one."""
    file = Path.home() / ".ivy2" / "ivysettings.xml"
    return file if file.is_file() else None


def network_options(trust_store: Path) -> list[str]:
    """Give Java what Python and curl know: this machine's certificates and proxy."""
    options: list[str] = []
    bundle = ssl.get_default_verify_paths().cafile
    if bundle:
        _write_trust_store(Path(bundle), trust_store)
        options += [
            f"-Djavax.net.ssl.trustStore={trust_store}",
            "-Djavax.net.ssl.trustStoreType=PKCS12",
        ]
    proxy = urlsplit(getproxies().get("https", ""))
    if proxy.hostname:
        options += [f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port or 80}"]
    return options


def _write_trust_store(bundle: Path, trust_store: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    with _filtering_warnings, warnings.catch_warnings():
        # Some machines' bundles hold old roots that the library grumbles about.
        warnings.simplefilter("ignore")
        certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
    entries = [
        pkcs12.PKCS12Certificate(certificate, str(number).encode())
        for number, certificate in enumerate(certificates)
    ]
    trust_store.write_bytes(pkcs12.serialize_java_truststore(entries, NoEncryption()))
