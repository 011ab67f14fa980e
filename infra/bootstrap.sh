#!/bin/sh
# Makes the locked Python environment in .venv from a Python 3.11, 3.12 or 3.13 and nothing else.
# Instant when nothing changed; an interrupted run is taken up by the next one.
set -eu
cd "$(dirname "$0")/.."

stop() { printf '\033[31m✗\033[0m %s\n' "$1" >&2; exit 1; }

stamp=.venv/.openlake-locked
wanted=$(cat requirements.lock pyproject.toml infra/bootstrap.sh | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

find_python() {
    for name in ${PYTHON:-} python3.12 python3.11 python3.13 python3 python; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
        then command -v "$name"; return; fi
    done
    return 1
}
python=$(find_python) || stop "OpenLake needs Python 3.11, 3.12 or 3.13 on PATH; install one, or name it: PYTHON=/path/to/python3.12 make …"

free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024 / 1024) }')
[ "$free" -ge 5 ] || stop "only $free GiB are free here and OpenLake's environment needs 5; free some disk space and run the same command again"

echo "  · python       $("$python" --version 2>&1) at $python"
trap 'rm -rf .venv.new; exit 130' INT TERM
if ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv .venv.new
    "$python" -m venv .venv.new >/dev/null 2>&1 ||
        { rm -rf .venv.new; stop "this Python cannot make virtual environments; install its venv module (Debian: apt-get install python3-venv) and run the same command again"; }
    # Scripts of a virtual environment name its path, so it is made anew in its place.
    rm -rf .venv.new && "$python" -m venv .venv
fi
echo "  · packages     the locked ones, about 2 GB the first time"
uv=$(sed -n 's/^uv = "\(.*\)"/\1/p' infra/versions.toml)
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
command -v .venv/bin/uv >/dev/null 2>&1 && [ "$(.venv/bin/uv --version | cut -d' ' -f2)" = "$uv" ] ||
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv" ||
    stop "a package could not be fetched; see the line above, check the network or your package index, and run the same command again"
.venv/bin/python -m uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock &&
    .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --no-deps -e . ||
    stop "the packages could not be installed; see the lines above, then run the same command again: it goes on where it stopped"
echo "$wanted" > "$stamp"
