"""What the SQL engines share: splitting scripts, binding parameters, portable forms, lineage."""
