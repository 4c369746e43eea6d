/** Signals: those that end a process, and the one that asks to read its rules again. */

/** SIGINT and SIGTERM as an AbortSignal; the second one ends the process at once. */
export function stopSignal(): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** Calls back on SIGHUP, which ends the process no more until what is returned was called. */
export function onHangUp(call: () => void): () => void {
  process.on('SIGHUP', call);
  return () => process.off('SIGHUP', call);
}
