"""Benchmarks: pitlake and its peers on the same job, from the event to the moment at which a reader sees its result.

`compare` measures contenders, `report` renders what was measured, `smoke` guards the ratio between the two modes, `exactly_once`
kills parts of a running mine. docs/performance.md says how.
"""
