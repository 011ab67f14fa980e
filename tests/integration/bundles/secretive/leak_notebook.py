# Databricks notebook source
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false
password = dbutils.secrets.get("test-leaks", "password")
print(password)
dbutils.notebook.exit(f"it is {password}")
