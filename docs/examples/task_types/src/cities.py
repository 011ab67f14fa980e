"""Leaves the inputs of a for-each as a task value."""

from dbruntime import dbutils

people = {"Berlin": 3_700_000, "Hamburg": 1_800_000, "München": 1_500_000, "Köln": 1_100_000}
cities = [{"name": name, "people": number} for name, number in people.items()]
dbutils.jobs.taskValues.set("cities", cities)
