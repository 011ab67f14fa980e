import xml.etree.ElementTree as ET

import pytest

from spec.errors import Invalid
from spec.maven import Coordinate, ivy_xml

MAVEN = "{http://ant.apache.org/ivy/maven}"


def dependency(text: str, *, transitive: bool = False) -> ET.Element:
    found = ET.fromstring(ivy_xml([Coordinate.parse(text)], transitive=transitive)).find(
        "dependencies/dependency"
    )
    assert found is not None
    return found


def artifact(text: str) -> ET.Element:
    found = dependency(text).find("artifact")
    assert found is not None
    return found


def test_a_plain_jar_comes_alone() -> None:
    element = dependency("org.acme:thing_2.13:1.2.3")
    assert element.attrib["transitive"] == "false"
    assert (element.attrib["org"], element.attrib["name"], element.attrib["rev"]) == (
        "org.acme",
        "thing_2.13",
        "1.2.3",
    )


def test_a_classifier_goes_into_mavens_namespace() -> None:
    assert artifact("org.acme:server:1:jar:runner").attrib == {
        "name": "server",
        "type": "jar",
        "ext": "jar",
        f"{MAVEN}classifier": "runner",
    }


def test_an_archive_has_its_own_extension() -> None:
    assert artifact("io.acme:server:476:tar.gz").attrib["ext"] == "tar.gz"


def test_what_an_artifact_needs_comes_along_when_asked() -> None:
    element = dependency("org.acme:thing:1", transitive=True)
    assert "transitive" not in element.attrib
    assert element.find("artifact") is None


def test_names_are_escaped() -> None:
    assert dependency('org.acme:a"b<c:1').attrib["name"] == 'a"b<c'


@pytest.mark.parametrize("text", ["", "a", "a:b", "a::1", "a:b:1:jar:c:d"])
def test_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="group:name:version"):
        Coordinate.parse(text)
