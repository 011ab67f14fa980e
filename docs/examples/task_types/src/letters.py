# Databricks notebook source
# ruff: noqa: D100, F821
# pyright: reportUndefinedVariable=false
text = dbutils.widgets.get("text")
dbutils.notebook.exit(sum(character.isalpha() for character in text))
