/**
 * Loaded before `vigie run` (NODE_OPTIONS=--import): the wall clock of the whole process, libraries included, jumps
 * as FAULT_CLOCK says, a JSON list of [ms after the start, ms ahead of the true time from then on]. What is
 * monotonic goes on as it is, as when an operator or NTP sets a clock.
 */

const RealDate = Date;
let aheadMs = 0;
const now = (): number => RealDate.now() + aheadMs;

class JumpingDate extends RealDate {
  constructor(...parts: ConstructorParameters<typeof RealDate> | []) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }

  static override now(): number {
    return now();
  }
}
globalThis.Date = JumpingDate as DateConstructor;

for (const [afterMs, ahead] of JSON.parse(process.env['FAULT_CLOCK'] ?? '[]') as [number, number][]) {
  setTimeout(() => {
    aheadMs = ahead;
  }, afterMs).unref();
}
