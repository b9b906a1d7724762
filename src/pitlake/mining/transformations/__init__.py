"""Pure functions `DataFrame → DataFrame`, one module per layer, each with the schema of the table that it fills.

They run in Spark's real-time mode: no Python on the data's way, joins by broadcast and equality alone, one aggregation at most.
Timestamps are instants; where a calendar date is taken from one, the session's time zone is taken to be UTC.
"""
