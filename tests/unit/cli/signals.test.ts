import { expect, test, vi } from 'vitest';
import { stopSignal } from '../../../src/cli/signals.ts';

test('a signal that comes twice at once, as from a supervisor and a wrapper, stops in order; one later ends at once', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  let now = 0;
  const { signal, dispose } = stopSignal({ now: () => now, elapsed: () => now });
  try {
    process.emit('SIGTERM', 'SIGTERM');
    expect(signal.aborted).toBe(true);
    now = 400;
    process.emit('SIGTERM', 'SIGTERM');
    expect(exit).not.toHaveBeenCalled();
    now = 600;
    process.emit('SIGINT', 'SIGINT');
    expect(exit.mock.calls).toEqual([[130]]);
  } finally {
    dispose();
    exit.mockRestore();
  }
});
