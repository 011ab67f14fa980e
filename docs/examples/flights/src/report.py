"""Draws one picture of the airlines' delays and keeps it in MLflow beside the model."""

import argparse

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import mlflow
import pandas as pd
from matplotlib.figure import Figure
from pyiceberg.catalog import load_catalog


def draw(ranking: pd.DataFrame, r2: str) -> Figure:
    """Return a bar for each airline, the most punctual on top."""
    rows = ranking.sort_values("place", ascending=False)
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(rows) + 1.5), layout="constrained")
    bars = axes.barh(rows["airline"], rows["mean_arr_delay"])
    labels = [f"{share:.0%} on time" for share in rows["on_time_share"].fillna(0)]
    axes.bar_label(bars, labels, padding=4, fontsize=8)
    axes.margins(x=0.2)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        xlabel="mean delay on arrival, minutes",
        title=f"{rows['flights'].sum():,} flights from New York; the model's R² is {r2}",
    )
    return figure


def main() -> None:
    """Draw and keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--r2", default="unknown", help="how good the model is")
    r2: str = parser.parse_args().r2
    ranking = load_catalog("lakehouse").load_table("gold.carrier_ranking").scan().to_pandas()
    with mlflow.start_run(run_name="report"):
        mlflow.log_figure(draw(ranking, r2), "carriers.png")
        mlflow.log_table(ranking, "carriers.json")
    best = ranking.sort_values("place").iloc[0]
    print(f"Most punctual: {best['airline']}, {best['mean_arr_delay']:.1f} minutes on average")


if __name__ == "__main__":
    main()
