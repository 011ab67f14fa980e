"""Makes wheels and their hashes; a wheel is a zip, so nothing needs to be built."""

import io
import zipfile

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(
    name: str,
    version: str,
    modules: dict[str, str],
    *,
    scripts: dict[str, str] | None = None,
    requires: tuple[str, ...] = (),
) -> tuple[str, bytes]:
    """Return file name and content of a pure wheel.

    Args:
        name: Of the package.
        version: Of the package.
        modules: Path → source.
        scripts: Console script → `module:function`.
        requires: Requirement lines.
    """
    folder = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        **modules,
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{folder}/WHEEL": WHEEL,
    }
    if scripts:
        points = "".join(f"{each} = {target}\n" for each, target in scripts.items())
        files[f"{folder}/entry_points.txt"] = f"[console_scripts]\n{points}"
    files[f"{folder}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{folder}/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()
