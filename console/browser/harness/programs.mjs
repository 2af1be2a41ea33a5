// The programs of an installation as child processes: started, stopped, killed and started again.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const LIMIT_MS = 60_000;
const POLL_MS = 25;

/** Where the programs are; `cargo xtask browser` sets it. */
const programs = process.env.ATLAS_BIN_DIR ?? "../target/debug";

/** What this test's own environment says is nothing for the programs. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("ATLAS_")),
);

/** Runs the command line of an installation to its end and returns what it printed. */
export async function atlas(settings, ...given) {
  const env = { ...clean, ...settings };
  return (await run(join(programs, "atlas"), given, { env })).stdout.trim();
}

/** Calls until there is a value, and fails with `what` after a minute. */
export async function until(what, look) {
  const end = Date.now() + LIMIT_MS;
  let reason = "";
  while (Date.now() < end) {
    try {
      const value = await look();
      if (value) return value;
    } catch (error) {
      reason = `: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited a minute for ${what}${reason}`);
}

/** One process, with its output in a log of the directory. */
export class Program {
  constructor(directory, name, given, settings) {
    this.log = join(directory, `${name}-${given.length}.log`);
    const output = openSync(this.log, "a");
    this.child = spawn(join(programs, name), given, {
      env: { ...clean, ...settings },
      stdio: ["ignore", output, output],
    });
    this.ended = once(this.child, "exit");
  }

  /** The address that it wrote, once it listens. */
  address(file) {
    return until(`the address in ${file}`, () => {
      if (this.child.exitCode !== null) throw new Error(readFileSync(this.log, "utf8"));
      return readFileSync(file, "utf8").trim();
    });
  }

  /** Ends it as a service manager does, or at once as a lost machine does. */
  async stop(signal = "SIGTERM") {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.ended;
  }
}
