/** Process signals: those that end a process, and the one that asks it to read its rules again. */

/** SIGINT and SIGTERM as an AbortSignal; a second signal ends the process at once. */
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

/** Calls `call` on SIGHUP, which no longer ends the process. Returns a function that undoes this. */
export function onHangUp(call: () => void): () => void {
  process.on('SIGHUP', call);
  return () => process.off('SIGHUP', call);
}
