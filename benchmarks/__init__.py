"""Benchmarks: pitlake and its peers on the same job, from the event to the moment at which a reader sees its result.

`compare` measures contenders, `report` renders what was measured, `smoke` guards the ratio between the two modes, `freshness`
looks at a running demo, `exactly_once` kills parts of one. docs/performance.md says how.
"""
