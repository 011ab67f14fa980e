# Databricks notebook source
# ruff: noqa: D100, F821
# pyright: reportUndefinedVariable=false
dbutils.widgets.text("greeting", "Hello")
dbutils.widgets.text("city", "nowhere")  # a job parameter reaches widgets by itself
sentence = f"{dbutils.widgets.get('greeting')}, {dbutils.widgets.get('city')}!"
print(sentence)

# COMMAND ----------

# MAGIC %md
# MAGIC Another notebook of the same folder, with parameters of its own:

# COMMAND ----------

letters = dbutils.notebook.run("./letters", 60, {"text": sentence})
dbutils.notebook.exit(f"{sentence} has {letters} letters")
