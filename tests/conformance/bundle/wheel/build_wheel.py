"""Writes a wheel by hand: a build in a test must not fetch tools from anywhere."""

import zipfile
from pathlib import Path

NAME = "shop-1.0"
Path("dist").mkdir(exist_ok=True)
with zipfile.ZipFile(f"dist/{NAME}-py3-none-any.whl", "w") as wheel:
    info = f"{NAME}.dist-info"
    wheel.write("shop/__init__.py")
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    wheel.writestr(
        f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    names = ["shop/__init__.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
    wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
