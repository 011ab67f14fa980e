#!/bin/sh
# Finds a Chromium for the console's tests; installs Debian's where this may be done.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "  · chromium     from Debian's packages, once"
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-liberation; } \
        > "$log" 2>&1 < /dev/null || { cat "$log" >&2; exit 1; }
    rm -f "$log"
    exit 0
fi
printf '\033[31m✗\033[0m %s\n' "the console's tests drive Chromium; install it (Debian: apt-get install chromium) and run the same command again" >&2
exit 1
