// A TCP proxy that can be closed, so that a server is away for programs without being stopped.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Gate {
  sockets = new Set();
  closed = false;

  constructor(host, port) {
    this.server = createServer((near) => {
      if (this.closed) {
        near.destroy();
        return;
      }
      const far = connect(port, host);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  /** Listens and returns `host:port`. */
  async open() {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `127.0.0.1:${this.server.address().port}`;
  }

  /** Ends all connections and refuses new ones, or takes them again. */
  close(closed = true) {
    this.closed = closed;
    if (closed) for (const socket of this.sockets) socket.destroy();
  }

  async end() {
    this.close();
    this.server.close();
    await once(this.server, "close");
  }
}
