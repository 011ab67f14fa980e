"""Shows its secret in the log, slowly and in other spellings, in a value and in its error."""

import base64
import sys
import time

from dbruntime import dbutils

password = dbutils.secrets.get("test-leaks", "password")
print("whole:", password)
print("in base64:", base64.b64encode(f"user:{password}".encode()).decode())
for half in (password[:5], password[5:]):
    sys.stdout.write(half)
    sys.stdout.flush()
    time.sleep(1.2)
print(" in two pieces")
dbutils.jobs.taskValues.set("password", password)
raise ValueError(f"no access with {password}")
