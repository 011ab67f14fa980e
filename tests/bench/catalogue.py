"""Everything that can be measured, by the names that the command line takes."""

from tests.bench import history, pages, processor, timeline
from tests.bench.measures import MEASURES as COMMON
from tests.bench.measures import Measure
from tests.bench.overhead import overhead

MEASURES = {
    **COMMON,
    "timeline": Measure(timeline.take, timeline.prepare, 50),
    "processor": Measure(processor.take, processor.prepare, 200),
    "statements": overhead("duckdb"),
    "statements_trino": overhead("trino"),
    "history": Measure(history.take, history.prepare, 50),
    "pages": Measure(pages.take, pages.prepare, 1_000),
}
"""Behind the common ones stand those of OpenLake and raw Temporal, then those of OpenLake alone."""
