import { describe, expect, it } from 'vitest';

import { estimate, generate, SCENARIOS } from '../../../replay/index.ts';
import { VigieError } from '../../../src/errors.ts';

function faultOf(name: string, options: Readonly<Record<string, unknown>>): VigieError {
  try {
    generate(name, options);
  } catch (error) {
    if (error instanceof VigieError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function firstFrom(start: string): number {
  const [chunk] = generate('benign', { accounts: 200, duration: '2d', start }).batches();
  return chunk!.times[0]!;
}

describe('options', () => {
  it('may be typed or written as on a command line', () => {
    expect(estimate('kairos-2025', { accounts: '0', records: '1_000' })).toEqual(
      estimate('kairos-2025', { accounts: 0, records: 1000 }),
    );
    const generated = generate('kairos-2025', { accounts: 0, window: '90m', start: '2025-07-07T00:00:00Z' });
    expect(generated.labels().options).toMatchObject({ window: 5_400_000, start: Date.UTC(2025, 6, 7) });
  });

  it.each([
    ['records', '0', /records.*"0".*smaller than 1/],
    ['records', 'many', /records.*"many".*not a number/],
    ['records', '1.5', /records.*"1.5".*not a whole number/],
    ['window', 'long', /window.*"long".*not a duration/],
    ['start', 'yesterday', /start.*"yesterday".*not a day or a date-time/],
    ['disorder', 1.5, /disorder.*larger than 1/],
    ['order', 'random', /order.*"random"/],
    ['seed', '', /seed.*empty/],
    ['ingested', 'perhaps', /ingested.*"perhaps"/],
  ])('are refused out of range, with name and value: %s %s', (name, value, message) => {
    const fault = faultOf('kairos-2025', { [name]: value });
    expect(fault.code).toBe('OPTION_INVALID');
    expect(fault.message).toMatch(message);
    expect(fault.remedy).toContain(name);
  });

  it('are refused when unknown, with the ones that exist', () => {
    const fault = faultOf('kairos-2025', { recrods: 5 });
    expect(fault.code).toBe('OPTION_UNKNOWN');
    expect(fault.remedy).toMatch(/Did you mean --records\?.*--records-per-event/);
  });

  it('are refused when records, pace and window contradict each other', () => {
    expect(faultOf('kairos-2025', { records: 10, pace: 1, window: '1h' }).message).toMatch(/all given/);
  });

  it('are refused when the theft would lie outside the background', () => {
    const fault = faultOf('kairos-2025', { accounts: 10, duration: '2d' });
    expect(fault.message).toMatch(/not within the background/);
    expect(fault.remedy).toMatch(/duration/);
  });

  it('describe themselves, with defaults as one would type them', () => {
    const { options } = SCENARIOS['kairos-2025']!;
    expect(options.filter((option) => option.description === '')).toEqual([]);
    expect(options.find((option) => option.name === 'maxDelay')!.defaultText).toBe('30s');
    expect(options.find((option) => option.name === 'accounts')!.defaultText).toBe('12000');
  });

  it('take a day for its beginning in UTC', () => {
    expect(firstFrom('2026-03-02')).toBe(firstFrom('2026-03-02T00:00:00Z'));
    expect(firstFrom('2026-03-02')).not.toBe(firstFrom('2026-03-02T12:00:00Z'));
  });

  it('belong to a scenario that exists', () => {
    const fault = faultOf('kairos-2024', {});
    expect(fault.code).toBe('SCENARIO_UNKNOWN');
    expect(fault.message).toBe('there is no scenario "kairos-2024"; did you mean "kairos-2025"?');
    expect(fault.remedy).toContain('kairos-2025');
  });
});
