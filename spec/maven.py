"""How Maven artifacts are asked of Ivy, the resolver that ships inside pyspark; pure text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from spec.errors import Invalid

MAIN_CLASS = "org.apache.ivy.Main"
_NAMESPACE = "http://ant.apache.org/ivy/maven"


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


def ivy_xml(
    coordinates: Sequence[Coordinate],
    *,
    transitive: bool,
    exclusions: Sequence[str] = (),
    without_modules: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the Ivy module that depends on exactly these artifacts.

    Args:
        coordinates: What is wanted.
        transitive: Also what the artifacts need at run time.
        exclusions: `group:name` or `group` of what must not come along.
        without_modules: (group, pattern of the name) of more of that.
    """
    lines = [_dependency(each, transitive) for each in coordinates]
    wanted = [(re.escape(g), re.escape(n) if n else ".*") for g, n in map(_module, exclusions)]
    wanted += [(re.escape(group), name) for group, name in without_modules]
    lines += [
        f'    <exclude org={quoteattr(group)} module={quoteattr(name)} matcher="exactOrRegexp"/>'
        for group, name in wanted
    ]
    dependencies = "\n".join(lines)
    return f"""<ivy-module version="2.0" xmlns:m="{_NAMESPACE}">
  <info organisation="openlake" module="stack"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{dependencies}
  </dependencies>
</ivy-module>
"""


def _module(exclusion: str) -> tuple[str, str]:
    group, _, name = exclusion.partition(":")
    return group, "" if name == "*" else name


def _dependency(coordinate: Coordinate, transitive: bool) -> str:
    attributes = (
        f"org={quoteattr(coordinate.group)} name={quoteattr(coordinate.name)} "
        f"rev={quoteattr(coordinate.version)}"
    )
    plain = coordinate.kind == "jar" and coordinate.classifier is None
    if transitive and plain:
        return f'    <dependency {attributes} conf="default->default,runtime"/>'
    kind = quoteattr(coordinate.kind)
    artifact = f"name={quoteattr(coordinate.name)} type={kind} ext={kind}"
    if coordinate.classifier:
        artifact += f" m:classifier={quoteattr(coordinate.classifier)}"
    only, conf = (
        ("", "default->default,runtime")
        if transitive
        else (
            'transitive="false" ',
            "default->default",
        )
    )
    return (
        f'    <dependency {attributes} {only}conf="{conf}">\n'
        f"      <artifact {artifact}/>\n"
        f"    </dependency>"
    )


def ivy_settings(repositories: Sequence[str], base: str | None, resolver: str) -> str:
    """Return Ivy settings that ask these repositories before those of other settings.

    Args:
        repositories: URLs of Maven repositories.
        base: The file of the other settings; None means Ivy's own.
        resolver: The name of the default resolver there.
    """
    own = "".join(
        f'      <ibiblio name="repository-{n}" m2compatible="true" root={quoteattr(url)}/>\n'
        for n, url in enumerate(repositories)
    )
    included = (
        f"file={quoteattr(base)}"
        if base is not None
        else 'url="${ivy.default.settings.dir}/ivysettings.xml"'
    )
    return f"""<ivysettings>
  <include {included}/>
  <settings defaultResolver="openlake"/>
  <resolvers>
    <chain name="openlake">
{own}      <resolver ref={quoteattr(resolver)}/>
    </chain>
  </resolvers>
</ivysettings>
"""
