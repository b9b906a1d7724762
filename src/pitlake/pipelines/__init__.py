"""The declarative language: datasets, flows, expectations and the graph they make.

Definitions only: nothing here starts a query, reads or writes. Knows no other room.
"""
