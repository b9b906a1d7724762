"""Runs a graph on Spark: session, sources, planning, one streaming query per flow."""
