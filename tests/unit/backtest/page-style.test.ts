/** The colours of the report page, as WCAG 2 measures them. */

import { expect, test } from 'vitest';
import { STYLE } from '../../../src/backtest/page/style.ts';

/** The variables of one theme. */
function themeAfter(mark: string): Map<string, string> {
  const block = STYLE.text.slice(STYLE.text.indexOf(mark)).match(/:root \{([^}]*)\}/)![1]!;
  return new Map(
    [...block.matchAll(/--([a-z]+): (#[0-9a-f]{6})/g)].map(([, name, colour]) => [name!, colour!]),
  );
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

test.each([
  ['light', ':root'],
  ['dark', 'prefers-color-scheme: dark'],
])('every text of the page can be read on what is behind it, %s', (_theme, mark) => {
  const theme = themeAfter(mark);
  const rgb = (name: string): number[] => channels(theme.get(name)!);
  const levels = ['critical', 'high', 'medium', 'low', 'informational'];
  for (const name of [...levels, 'ink', 'soft', 'accent', 'good', 'bad']) {
    expect({ name, ratio: contrast(rgb(name), rgb('paper')) }).toMatchObject({
      ratio: expect.toSatisfy((r: number) => r >= 4.5),
    });
  }
  for (const level of levels) {
    // As a cell of the matrix mixes it: 22 % of the level's colour.
    const tint = rgb(level).map((value, i) => Math.round(0.22 * value + 0.78 * rgb('paper')[i]!));
    expect({ level, ratio: contrast(rgb('soft'), tint) }).toMatchObject({
      ratio: expect.toSatisfy((r: number) => r >= 4.5),
    });
  }
  expect(contrast(rgb('soft'), rgb('panel'))).toBeGreaterThanOrEqual(4.5);
});
