"""How a report looks, on light and on dark ground."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c2733; --dim: #56677a; --line: #d8dfe6; --card: #f5f7fa;
  --good: #1e7d43; --bad: #c0292b; --p50: #2b6cb0; --p99: #c05621; }
@media (prefers-color-scheme: dark) { :root { --ground: #12181f; --ink: #e8edf2; --dim: #a3b1bf; --line: #2d3945; --card: #1b232c;
  --good: #5fcf8a; --bad: #ff7b72; --p50: #63a4e8; --p99: #f0a35e; } }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { margin: 0; font-size: 28px; }
h2 { margin: 40px 0 12px; font-size: 20px; }
p { margin: 6px 0 12px; color: var(--dim); }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.tile { flex: 1 1 160px; padding: 12px 16px; border-radius: 8px; background: var(--card); border-left: 5px solid var(--line);
  color: var(--dim); }
.tile b { display: block; color: var(--ink); font-size: 28px; line-height: 1.3; }
.tile.good { border-color: var(--good); }
.tile.bad { border-color: var(--bad); }
span.good { color: var(--good); }
span.bad { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 60%; }
th, td { padding: 5px 18px 5px 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
td:last-child { white-space: normal; }
th { color: var(--dim); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
meter { width: 120px; }
span.p50, span.p99, span.one { font-weight: 600; }
span.p50 { color: var(--p50); }
span.p99 { color: var(--p99); }
span.one { color: var(--bad); }
.plots { margin: 8px 0 20px; }
.plots text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.plots .stage, .plots .name { fill: var(--ink); font-size: 13px; font-weight: 600; }
.plots .tick { text-anchor: end; }
.plots .panel { fill: var(--card); }
.plots .grid { stroke: var(--line); }
.plots .promise { stroke: var(--bad); stroke-dasharray: 3 3; }
.plots polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.plots polyline.p50 { stroke: var(--p50); }
.plots polyline.p99 { stroke: var(--p99); }
.plots circle.p50 { fill: var(--p50); }
.plots circle.p99 { fill: var(--p99); }
"""
