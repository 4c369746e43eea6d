/**
 * Plots drawn here, as SVG inside the page: reading it loads nothing and runs no script. Text and axes take the page's
 * colour and marks its variables, so a plot follows light and dark.
 */

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { count } from '../../figures.ts';
import type { Level } from '../../sigma/rule.ts';
import { LEVELS } from '../rates.ts';
import { Html } from './html.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** The colour of a level, as a constant. The scale is `LEVEL_COLOURS`. */
export function colourOf(level: Level): string {
  return `var(--${level})`;
}

export const LEVEL_COLOURS: Plot.ScaleOptions = { domain: [...LEVELS], range: LEVELS.map(colourOf) };

/** `label` describes the plot to readers who cannot see it. */
export function svg(label: string, options: Plot.PlotOptions): Html {
  const plot = Plot.plot({
    document: document as never,
    ariaLabel: label,
    style: { background: 'none', color: 'inherit', fontSize: '12px' },
    ...options,
  });
  plot.setAttribute('role', 'img');
  return new Html(plot.outerHTML);
}

/** The ticks that lie within the axis. */
export function within(ticks: readonly number[], least: number, most: number): number[] {
  return ticks.filter((tick) => tick >= least && tick <= most);
}

/** Ticks for durations, ms. */
export const SPAN_TICKS: readonly number[] = [
  1000,
  10_000,
  60_000,
  600_000,
  3_600_000,
  6 * 3_600_000,
  86_400_000,
  7 * 86_400_000,
  30 * 86_400_000,
];

/** `10 s`, `1 min`, `6 h`, `7 d`: for ticks, which are whole in their unit. */
export function shortSpan(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  for (const [unit, size] of units) {
    if (ms >= size) return `${count(Math.round((ms / size) * 10) / 10)} ${unit}`;
  }
  return `${count(Math.round(ms))} ms`;
}

/** `1`, `1 k`, `2.5 M`. */
export function shortCount(value: number): string {
  if (value >= 1e6) return `${count(Math.round(value / 1e5) / 10)} M`;
  if (value >= 1e3) return `${count(Math.round(value / 100) / 10)} k`;
  return count(value);
}

/** A logarithmic axis with exactly these ticks and texts. By itself the scale labels only the powers of ten. */
export function logAxis(
  axis: 'x' | 'y',
  ticks: readonly number[],
  text: (tick: number) => string,
): Plot.Markish {
  return axis === 'x'
    ? Plot.axisX([...ticks], { text, label: null, tickSize: 5 })
    : Plot.axisY([...ticks], { text, label: null, tickSize: 0 });
}
