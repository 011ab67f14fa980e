# Databricks notebook source
import shop  # pyright: ignore[reportMissingImports]

# COMMAND ----------
print(shop.greet("book"))
