"""Builds greetings-1.0-py3-none-any.whl from src/; a wheel is a zip with three notes in it."""

import zipfile
from pathlib import Path

HERE = Path(__file__).parent
NOTES = "greetings-1.0.dist-info"
FILES = {
    "greetings.py": (HERE / "src" / "greetings.py").read_text(),
    f"{NOTES}/METADATA": "Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n",
    f"{NOTES}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{NOTES}/entry_points.txt": "[console_scripts]\ngreet = greetings:main\n",
}
FILES[f"{NOTES}/RECORD"] = "".join(f"{path},,\n" for path in [*FILES, f"{NOTES}/RECORD"])

with zipfile.ZipFile(HERE / "greetings-1.0-py3-none-any.whl", "w") as wheel:
    for path, text in FILES.items():
        # A date that never changes, so that the same sources are the same wheel.
        wheel.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
