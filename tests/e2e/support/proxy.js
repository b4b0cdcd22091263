import { connect, createServer } from 'node:net';

/**
 * One direction of one connection: bytes wait in order until their time has come and the line is not held.
 *
 * The end of the stream waits in the same queue: a line that swallows bytes swallows a FIN as well.
 */
class Lane {
  /** @type {{ due: number, chunk: Buffer | null }[]} */
  #queue = [];
  #lastDue = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #line;
  #to;

  /**
   * @param {DelayingProxy} line
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   */
  constructor(line, from, to) {
    this.#line = line;
    this.#to = to;
    from.on('data', (chunk) => this.#push(chunk));
    from.on('end', () => this.#push(null));
  }

  /** @param {Buffer | null} chunk */
  #push(chunk) {
    // A later chunk never overtakes an earlier one, even when the delay has been lowered in between.
    this.#lastDue = Math.max(this.#lastDue, performance.now() + this.#line.delay);
    this.#queue.push({ due: this.#lastDue, chunk });
    this.flush();
  }

  flush() {
    clearTimeout(this.#timer);
    if (this.#line.held) return;
    while (this.#queue.length > 0 && this.#queue[0].due <= performance.now()) {
      const item = this.#queue.shift();
      if (this.#to.destroyed) continue;
      if (item?.chunk) this.#to.write(item.chunk);
      else this.#to.end();
    }
    if (this.#queue.length > 0) {
      this.#timer = setTimeout(() => this.flush(), Math.max(1, this.#queue[0].due - performance.now()));
    }
  }

  get waiting() {
    return this.#queue.length;
  }

  close() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }
}

/** A TCP proxy that makes a line slow, or swallows everything on it while the connections stay open. */
export class DelayingProxy {
  /** Milliseconds that each direction adds; a round trip is slower by twice as much. */
  delay = 0;
  /** Whether the line swallows everything for now. */
  held = false;
  /** @type {Set<Lane>} */
  #lanes = new Set();
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  #isCut = false;
  /** Bytes that clients have sent since the line was made. */
  sent = 0;
  #server;

  /** @param {number} upstreamPort */
  constructor(upstreamPort) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.#isCut) {
        client.destroy();
        return;
      }
      client.on('data', ({ length }) => {
        this.sent += length;
      });
      this.#join(client, connect({ host: '127.0.0.1', port: upstreamPort, allowHalfOpen: true }));
    });
  }

  /** @param {number} upstreamPort a port on 127.0.0.1 */
  static async start(upstreamPort) {
    const proxy = new DelayingProxy(upstreamPort);
    await new Promise((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', () => resolve(undefined));
    });
    return proxy;
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that are open at this moment (each counts once per side). */
  get openSockets() {
    return this.#sockets.size;
  }

  /** Pieces of data that are on their way at this moment. */
  get underway() {
    return [...this.#lanes].reduce((sum, lane) => sum + lane.waiting, 0);
  }

  /** From now on nothing passes in either direction, and nothing is closed. */
  hold() {
    this.held = true;
  }

  /** Lets everything that was held pass, in order. */
  release() {
    this.held = false;
    for (const lane of this.#lanes) lane.flush();
  }

  /** Breaks every connection, and every attempt at a new one: what the browser sees when its network is gone. */
  cut() {
    this.#isCut = true;
    for (const lane of this.#lanes) lane.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  async stop() {
    for (const lane of this.#lanes) lane.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * @param {import('node:net').Socket} client
   * @param {import('node:net').Socket} upstream
   */
  #join(client, upstream) {
    const lanes = [new Lane(this, client, upstream), new Lane(this, upstream, client)];
    for (const lane of lanes) this.#lanes.add(lane);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      // A reset on one side is passed on at once: there is nothing left to keep in order.
      socket.on('error', () => (socket === client ? upstream : client).destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (!client.destroyed || !upstream.destroyed) return;
        for (const lane of lanes) {
          lane.close();
          this.#lanes.delete(lane);
        }
      });
    }
  }
}
