/** TCP connections that can be cut, held up and delayed, in both directions. Bytes are never changed or reordered. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Connections close by themselves; what they still hold then is of no interest. */
export class TcpProxy {
  /** How long each piece of data is kept back, ms. */
  delayMs = 0;
  /** Nobody listens: who connects is turned away. */
  closed = false;
  /** Nothing gets through and nobody is told, as when a cable is pulled. */
  silent = false;
  readonly #server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')));
  }

  static async listen(port: number, targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Cuts all connections, each wherever it is. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, broker: Socket): void {
    const pair = [client, broker] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    if (this.closed) end();
    void this.#carry(client, broker).catch(end);
    void this.#carry(broker, client).catch(end);
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    for await (const bytes of from) {
      if (this.delayMs > 0) await delay(this.delayMs * Math.random());
      while (this.silent) await delay(50);
      if (!to.write(bytes as Buffer)) await once(to, 'drain');
    }
    to.end();
  }
}
