"""Runs a graph on Spark: session, sources, planning, streaming queries for its flows."""
