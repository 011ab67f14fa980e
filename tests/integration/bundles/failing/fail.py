"""Prints the names of its environment, waits if this is the first attempt, and fails."""

import os
import sys
import time

print("environment: " + ",".join(sorted(os.environ)), flush=True)
attempt = os.environ["OPENLAKE_ATTEMPT"]
if attempt == "0":
    print("waiting", flush=True)
    time.sleep(int(sys.argv[1]))
raise ValueError(f"no rows on attempt {attempt}")
