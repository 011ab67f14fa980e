"""Learns to predict the delay on arrival from what is known when a plane leaves the gate.

Where MLflow is and which experiment the run belongs to, it finds in its environment.
"""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import mlflow
import pandas as pd
from dbruntime import dbutils
from matplotlib.figure import Figure
from mlflow.models import infer_signature
from mlflow.sklearn import log_model
from numpy.typing import ArrayLike
from pyiceberg.catalog import load_catalog
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 2013
MAX_ROWS = 60_000
KEY = ["flight_date", "carrier", "flight", "origin"]
CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = ["dep_delay", "distance", "month", "hour", "temp", "humid", "wind_speed", "precip"]
NUMBERS += ["visib", "plane_year", "seats"]
TARGET = "arr_delay"
ALPHA = 1.0


def sample() -> pd.DataFrame:
    """Return flights that arrived, at most MAX_ROWS, always the same ones of the same table."""
    columns = tuple(dict.fromkeys([*KEY, *CATEGORIES, *NUMBERS, TARGET]))
    table = load_catalog("lakehouse").load_table("silver.flights")
    flights = table.scan(row_filter="arr_delay is not null", selected_fields=columns).to_pandas()
    # Files come back in any order; the key gives one, so that the seed decides alone.
    flights = flights.sort_values(KEY, ignore_index=True)
    if len(flights) > MAX_ROWS:
        flights = flights.sample(MAX_ROWS, random_state=SEED)
    return flights.drop(columns="flight_date").astype(dict.fromkeys([*NUMBERS, TARGET], "float64"))


def model() -> Pipeline:
    """Return the untrained model."""
    inputs = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
    )
    return make_pipeline(inputs, Ridge(alpha=ALPHA))


def plot(actual: ArrayLike, predicted: ArrayLike, r2: float) -> Figure:
    """Draw what was predicted against what happened."""
    figure, axes = plt.subplots(figsize=(6, 6), layout="constrained")
    axes.hexbin(actual, predicted, gridsize=60, bins="log", extent=(-60, 240, -60, 240))
    axes.plot([-60, 240], [-60, 240], color="black", linewidth=0.8)
    axes.set(xlabel="delay on arrival, minutes", ylabel="predicted", title=f"R² = {r2:.3f}")
    return figure


def main() -> None:
    """Train on four fifths, judge by the rest, log all of it."""
    flights = sample()
    if len(flights) < 50:
        raise SystemExit(f"{len(flights)} flights are too few to learn from: choose more.")
    train = flights.sample(frac=0.8, random_state=SEED)
    test = flights.drop(index=train.index)
    inputs = [*CATEGORIES, *NUMBERS]
    with mlflow.start_run(run_name="arrival-delay"):
        mlflow.log_params({"alpha": ALPHA, "seed": SEED, "rows": len(flights)})
        trained = model().fit(train[inputs], train[TARGET])
        predicted = trained.predict(test[inputs])
        r2 = float(r2_score(test[TARGET], predicted))
        mae = float(mean_absolute_error(test[TARGET], predicted))
        mlflow.log_metrics({"r2": r2, "mae": mae})
        mlflow.log_figure(plot(test[TARGET], predicted, r2), "predicted.png")
        log_model(
            trained,
            name="model",
            signature=infer_signature(test[inputs].head(), predicted[:5]),
            # The one type in the file that is not scikit-learn's own: a column's data type.
            skops_trusted_types=["numpy.dtype"],
            # Named here, because finding them out would load the model in another process.
            pip_requirements=["scikit-learn", "pandas"],
        )
    dbutils.jobs.taskValues.set("r2", round(r2, 4))
    dbutils.jobs.taskValues.set("mae", round(mae, 2))
    print(f"{len(flights):,} flights; R² {r2:.3f}; wrong by {mae:.1f} minutes on average")


if __name__ == "__main__":
    main()
