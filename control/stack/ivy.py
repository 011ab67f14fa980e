"""Fetches Maven artifacts with the Ivy that ships inside pyspark: no Maven, no JDK on PATH.

Ivy's own default settings say where artifacts come from; a user's `~/.ivy2/ivysettings.xml` (a
mirror, say) takes their place.
"""

import ssl
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies
from xml.sax.saxutils import quoteattr

from control.stack.commands import Runner
from control.stack.layout import Layout
from spec.errors import Invalid

_filtering_warnings = threading.Lock()
_MAVEN_NAMESPACE = "http://ant.apache.org/ivy/maven"


@dataclass(frozen=True)
class Coordinate:
    """One Maven artifact."""

    group: str
    name: str
    version: str
    kind: str = "jar"
    classifier: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Coordinate":
        """Read `group:name:version[:kind[:classifier]]`.

        Raises:
            Invalid: It has another shape.
        """
        words = text.split(":")
        if not 3 <= len(words) <= 5 or not all(words):
            raise Invalid(f"'{text}' is not group:name:version[:kind[:classifier]]")
        return cls(*words)


def ivy_xml(coordinates: Sequence[Coordinate], *, transitive: bool) -> str:
    """Return the Ivy module that depends on exactly these artifacts."""
    dependencies = "\n".join(_dependency(each, transitive) for each in coordinates)
    return f"""<ivy-module version="2.0" xmlns:m="{_MAVEN_NAMESPACE}">
  <info organisation="openlake" module="stack"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{dependencies}
  </dependencies>
</ivy-module>
"""


def _dependency(coordinate: Coordinate, transitive: bool) -> str:
    attributes = (
        f"org={quoteattr(coordinate.group)} name={quoteattr(coordinate.name)} "
        f"rev={quoteattr(coordinate.version)}"
    )
    if transitive:
        return f'    <dependency {attributes} conf="default->default,runtime"/>'
    kind = quoteattr(coordinate.kind)
    artifact = f"name={quoteattr(coordinate.name)} type={kind} ext={kind}"
    if coordinate.classifier:
        artifact += f" m:classifier={quoteattr(coordinate.classifier)}"
    return (
        f'    <dependency {attributes} transitive="false" conf="default->default">\n'
        f"      <artifact {artifact}/>\n"
        f"    </dependency>"
    )


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
        *_network_options(scratch / "trust.p12"),
        f"-Divy.home={scratch}",
        "-cp",
        next((layout.spark_home / "jars").glob("ivy-*.jar")),
        "org.apache.ivy.Main",
        "-ivy",
        module,
        "-cache",
        scratch / "cache",
        "-cachepath",
        found,
    ]
    own_settings = Path.home() / ".ivy2" / "ivysettings.xml"
    if own_settings.is_file():
        argv += ["-settings", own_settings]
    runner.run(what, argv, log=scratch / "log.txt", on_tick=on_tick)
    files: list[Path] = []
    for text in found.read_text().strip().split(":"):
        file = Path(text)
        files.append(file.replace(target / file.name))
    return files


def _network_options(trust_store: Path) -> list[str]:
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
