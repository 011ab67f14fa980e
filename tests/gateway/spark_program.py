"""Runs in Spark: carries out `N.sql` files of a folder in turn, answering each in `N.json`."""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession


def main() -> None:
    folder = Path(sys.argv[1])
    session = SparkSession.builder.getOrCreate()
    number = 0
    while True:
        file = folder / f"{number}.sql"
        if not file.exists():
            time.sleep(0.05)
            continue
        statement = file.read_text()
        if statement == "stop":
            break
        try:
            rows = [list(row) for row in session.sql(statement).collect()]
            answer = {"rows": rows}
        except Exception as error:
            answer = {"error": str(error)}
        draft = folder / "draft"
        draft.write_text(json.dumps(answer, default=str))
        draft.rename(folder / f"{number}.json")
        number += 1
    session.stop()


main()
