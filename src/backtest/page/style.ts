/** The page's style, light and dark. Plots use the same variables, so they follow without a script. */

import { Html } from './html.ts';

export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1d232b; --soft: #505a66; --line: #d9dde2; --panel: #f3f4f1; --accent: #1f5fa8;
  --critical: #b3123f; --high: #bf4c00; --medium: #866800; --low: #2873b0; --informational: #6b7581;
  --good: #1d7a4a; --bad: #b3123f;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6e9ed; --soft: #a0abb8; --line: #343c46; --panel: #1d232b; --accent: #7db5f0;
    --critical: #ff5c86; --high: #ff9a4d; --medium: #e8c547; --low: #6fb7f2; --informational: #98a3af;
    --good: #5fcf94; --bad: #ff5c86;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
p { max-width: 52rem; margin: .5rem 0; }
.soft, caption, figcaption { color: var(--soft); }
.lead { font-size: 1.15rem; max-width: 56rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
.tile { background: var(--panel); border-radius: .5rem; padding: 1rem 1.25rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .35rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; }
td.n, th.n { text-align: right; white-space: nowrap; }
th.title { min-width: 13rem; }
table.small { font-size: .8rem; } table.small th.title { min-width: 11rem; }
td.nowrap, th.nowrap { white-space: nowrap; }
.level { white-space: nowrap; font-weight: 600; }
.level::before { content: ''; display: inline-block; width: .65em; height: .65em; border-radius: 50%; margin-right: .4em;
  background: currentColor; }
.critical { color: var(--critical); } .high { color: var(--high); } .medium { color: var(--medium); }
.low { color: var(--low); } .informational { color: var(--informational); }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.matrix th.name { font-weight: 500; vertical-align: bottom; min-width: 4.9rem; max-width: 6.5rem; font-size: .8rem; }
.matrix th { padding: .2rem .4rem; }
.matrix td { vertical-align: middle; }
.matrix th.n { white-space: normal; }
.matrix td { padding: .2rem .4rem; border: 2px solid var(--paper); background: var(--panel); font-size: .8rem; }
.matrix td.rule, .matrix td.level { background: none; } .matrix th.rule { font-size: .8rem; font-weight: 400; }
.matrix td.hit { background: color-mix(in srgb, var(--c) 22%, var(--paper)); white-space: nowrap; }
td small { color: var(--soft); display: block; }
.matrix th.title { min-width: 15rem; vertical-align: bottom; }
.matrix td.none { color: var(--soft); text-align: center; }
.c-critical { --c: var(--critical); } .c-high { --c: var(--high); } .c-medium { --c: var(--medium); }
.c-low { --c: var(--low); } .c-informational { --c: var(--informational); }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; overflow: visible; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(34rem, 100%), 1fr)); gap: 0 2rem; }
.thirds { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); gap: .5rem 2rem; }
.pair > *, .thirds > * { min-width: 0; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; font-size: .875rem; margin: .5rem 0; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--accent); }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; } .wide { overflow: visible; }
  .wide table { font-size: .7rem; } .wide th.title { min-width: 0; } h2, h3 { break-after: avoid; } figure, tr { break-inside: avoid; } }
`);
