"""The style sheet of a training report: no resources from elsewhere, light and dark, from a phone to a wide screen."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --paper: #fff; --panel: #f5f7f9; --ink: #1c2129; --muted: #5d6775; --line: #d8dde3;
  --a: #2f6fb0; --b: #c4620e; --good: #1b7f53; --warn: #a33a2a; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --panel: #1c2229; --ink: #e6eaee; --muted: #9aa6b3; --line: #343c46;
  --a: #6aa9e9; --b: #f0a04b; --good: #5cc795; --warn: #f0897a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .25rem; }
h3 { font-size: .95rem; font-weight: 600; margin: .25rem 0; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.muted { color: var(--muted); }
.warning { color: var(--warn); }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); margin: 1.25rem 0; }
.tile, figure { background: var(--panel); border-radius: .5rem; margin: 0; padding: .75rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: .85rem; }
.charts { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr)); }
.charts.wide { grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: middle;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: .85rem; color: var(--muted); }
td.number, th.number { text-align: right; white-space: nowrap; }
td.where { overflow-wrap: anywhere; min-width: 7rem; }
.bars { min-width: 9rem; width: 40%; }
.bar { height: .6rem; border-radius: .3rem; min-width: 2px; margin: .15rem 0; }
.before { background: var(--line); } .after { background: var(--a); } .bar.tested { background: var(--b); }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin: 0 .3rem 0 .6rem;
  vertical-align: -.05rem; }
.key:first-child { margin-left: 0; }
audio { width: 100%; min-width: 9rem; height: 2.25rem; display: block; }
.listen td { padding-top: .5rem; padding-bottom: .5rem; }
svg.chart { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .tick { fill: var(--muted); } svg .label { fill: var(--ink); }
svg polyline { fill: none; }
svg .mark { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 4 3; }
svg .curve { stroke-width: 1.8; stroke-linejoin: round; }
svg .curve.train { stroke: var(--a); } svg .curve.test { stroke: var(--b); }
svg .faint { fill: var(--a); opacity: .35; } svg .strong { fill: var(--b); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: .25rem 0; padding-left: 1.2rem; }
@media (max-width: 40rem) {
  .listen thead { display: none; }
  .listen tr { display: grid; grid-template-columns: 1fr 1fr; gap: .25rem .75rem; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  .listen td { border: 0; padding: 0; } .listen td.where, .listen td.number { text-align: left; }
  .listen td.sound::before { content: attr(data-what); display: block; font-size: .8rem; color: var(--muted); }
  .listen td.error:not(:empty)::before { content: attr(data-what) " "; font-size: .8rem; color: var(--muted); }
  audio { min-width: 0; }
}
"""
