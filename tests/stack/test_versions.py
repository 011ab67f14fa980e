import re

from control.stack.tools import make_tool
from control.stack.versions import MavenArtifacts, lock_file, pinned, versions_file
from spec.maven import Coordinate


def test_every_pin_names_one_exact_version() -> None:
    pins = pinned()
    assert all(re.fullmatch(r"\d+(\.\d+)+", version) for version in pins.wheels.values())
    assert all(tool.version.startswith("v") for tool in pins.go.values())
    for artifacts in pins.maven.values():
        for text in artifacts.coordinates:
            assert re.match(r"\d", Coordinate.parse(text).version)


def test_patterns_for_programs_on_path_compile() -> None:
    for tool in pinned().go.values():
        re.compile(tool.suits)


def test_a_changed_coordinate_gets_another_folder() -> None:
    before = MavenArtifacts(coordinates=("a:b:1",))
    after = MavenArtifacts(coordinates=("a:b:2",))
    assert before.digest != after.digest


def test_every_pin_is_a_tool_with_a_folder_of_its_own(layout) -> None:
    pins = pinned()
    tools = [
        make_tool(name, layout)
        for name in (*pins.wheels, *pins.environments, *pins.go, *pins.maven)
    ]
    assert len({tool.target for tool in tools}) == len(tools)
    assert not any(tool.ready() for tool in tools)


def test_an_environment_is_locked_whole() -> None:
    for name, pin in pinned().environments.items():
        lock = lock_file(name).read_text()
        assert f"{pin.package}=={pin.version} " in lock
        assert lock.count("==") <= lock.count("--hash=sha256:")
        assert "://" not in lock


def test_no_host_is_named() -> None:
    assert "://" not in versions_file().read_text()
