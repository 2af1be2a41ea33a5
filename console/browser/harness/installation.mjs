// An installation of its own for a file of tests: a database, the API, workers and a simulated Microsoft
// Graph. `cargo xtask browser` starts PostgreSQL and Redis and builds the programs.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { Gate } from "./gate.mjs";
import { atlas, Program, until } from "./programs.mjs";

const CLIENT_ID = "00000000-0000-4000-8000-00000000c11e";
const CLIENT_SECRET = "simulator-secret";

/** The address of a service that the environment must name. */
function service(variable) {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run these tests with cargo xtask browser`);
  return new URL(value);
}

/** The same tenant's id in each run of the tests, because the simulator makes its content of it. */
function directoryOf(name) {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export class Installation {
  /** Starts one whose simulated tenants hold `size` objects each. */
  static async start({ size = 60, api = {} } = {}) {
    const made = new Installation();
    const mark = randomBytes(6).toString("hex");
    made.directory = mkdtempSync(join(tmpdir(), "atlas-console-"));
    const server = service("DATABASE_URL");
    made.server = postgres(server.href, { max: 1, onnotice: () => {} });
    made.database = `console_${mark}`;
    await made.server.unsafe(`CREATE DATABASE ${made.database}`);
    server.pathname = `/${made.database}`;
    made.sql = postgres(server.href, { max: 1, onnotice: () => {} });

    const redis = service("REDIS_URL");
    made.redis = new Gate(redis.hostname, redis.port);
    redis.host = await made.redis.open();
    made.settings = {
      DATABASE_URL: server.href,
      REDIS_URL: redis.href,
      ATLAS_QUEUE_NAMESPACE: `console-${mark}`,
      ATLAS_SECRET_KEYS_FILE: join(made.directory, "keys"),
    };
    await made.atlas("migrate");
    const key = await made.atlas("keys", "generate");
    writeFileSync(made.settings.ATLAS_SECRET_KEYS_FILE, key, { mode: 0o600 });
    writeFileSync(join(made.directory, "secret"), CLIENT_SECRET, { mode: 0o600 });

    const simulator = join(made.directory, "simulator.address");
    const listen = ["--listen", "127.0.0.1:0", "--address-file", simulator, "--seed", "1"];
    made.simulator = made.program("atlas-graph-sim", [...listen, "--size", String(size)], {});
    const graph = new URL(
      `http://${(await made.simulator.address(simulator)).replace("http://", "")}`,
    );
    made.graphUrl = graph.origin;
    made.graph = new Gate(graph.hostname, graph.port);
    made.graphGate = `http://${await made.graph.open()}`;
    made.apiSettings = { ATLAS_LISTEN: "127.0.0.1:0", ...api };
    await made.startApi();
    return made;
  }

  programs = [];

  program(name, given, settings) {
    const started = new Program(this.directory, name, given, settings);
    this.programs.push(started);
    return started;
  }

  atlas(...given) {
    return atlas(this.settings, ...given);
  }

  /** Starts the API; after the first time on the address that it had. */
  async startApi() {
    const file = join(this.directory, "api.address");
    rmSync(file, { force: true });
    this.api = this.program("atlas-api", [], {
      ...this.settings,
      ...this.apiSettings,
      ATLAS_ADDRESS_FILE: file,
    });
    const address = (await this.api.address(file)).replace("http://", "");
    this.apiSettings.ATLAS_LISTEN = address;
    this.origin = `http://${address}`;
    await until("the API to be ready", async () => (await fetch(`${this.origin}/readyz`)).ok);
    this.pages ??= process.env.ATLAS_PREVIEW ? await this.preview() : this.origin;
  }

  /** Where `dist` is served as it is now, so that a change of the console needs no build of the API. */
  async preview() {
    const { preview } = await import("vite");
    process.env.ATLAS_URL = this.origin;
    this.previewed = await preview({ preview: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
    return `http://127.0.0.1:${this.previewed.httpServer.address().port}`;
  }

  /** Starts a worker. Runs wait until one takes them up, so nothing waits for it here. */
  startWorker() {
    const health = join(this.directory, `${randomUUID()}.health`);
    return this.program("atlas-worker", ["run"], {
      ...this.settings,
      ATLAS_GRAPH_URL: this.graphGate,
      ATLAS_LOGIN_URL: this.graphGate,
      ATLAS_HEALTH_FILE: health,
      ATLAS_GRAPH_FIRST_BACKOFF: "100ms",
      ATLAS_GRAPH_MAX_WAIT: "2s",
    });
  }

  /** Adds a tenant with credentials that the simulator accepts. */
  async addTenant(name) {
    const directoryId = directoryOf(name);
    const secret = [
      "--client-id",
      CLIENT_ID,
      "--client-secret-file",
      join(this.directory, "secret"),
    ];
    const given = ["--name", name, "--directory-id", directoryId, ...secret];
    return { id: await this.atlas("tenant", "add", ...given), name, directoryId };
  }

  /** Adds a user with a role in tenants, and returns a caller of the API. */
  async addUser(name, role = undefined, tenants = []) {
    const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, ".")}@example.com`;
    await this.atlas("user", "add", "--email", email, "--name", name);
    for (const { id } of tenants) {
      await this.atlas("member", "set", "--tenant", id, "--user", email, "--role", role);
    }
    const token = await this.atlas("token", "create", "--user", email, "--name", "browser");
    return new Caller(this, email, name, token);
  }

  /** Makes everything that is stored of a tenant so many days older. */
  async age({ id }, days) {
    const { sql } = this;
    await sql`
      UPDATE operation_runs SET created_at = created_at - ${days} * interval '1 day',
        started_at = started_at - ${days} * interval '1 day',
        completed_at = completed_at - ${days} * interval '1 day'
      WHERE tenant_id = ${id}`;
    await sql`
      UPDATE inventory_type_summaries SET data_as_of = data_as_of - ${days} * interval '1 day'
      WHERE tenant_id = ${id}`;
    await sql`
      UPDATE inventory_items SET first_seen_at = first_seen_at - ${days} * interval '1 day',
        last_seen_at = last_seen_at - ${days} * interval '1 day',
        changed_at = changed_at - ${days} * interval '1 day'
      WHERE tenant_id = ${id}`;
  }

  /** Sends to one of the simulator's control endpoints. */
  async simulate(what, body, method = "POST") {
    const sent = await fetch(`${this.graphUrl}/_sim/${what}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!sent.ok) throw new Error(`${what}: ${sent.status} ${await sent.text()}`);
  }

  /** Holds requests for this path until `release`. */
  hold(path, tenant) {
    return this.simulate("gates", { path: { exact: path }, tenant: tenant.directoryId });
  }

  release() {
    return this.simulate("gates", undefined, "DELETE");
  }

  async stop() {
    await Promise.all(this.programs.map((one) => one.stop("SIGKILL")));
    await this.previewed?.close();
    await this.redis.end();
    await this.graph.end();
    await this.sql.end();
    await this.server.unsafe(`DROP DATABASE ${this.database} WITH (FORCE)`);
    await this.server.end();
    rmSync(this.directory, { recursive: true });
  }

  /** The end of the programs' logs, for a test that failed. */
  logs() {
    return this.programs.map((one) => `${one.log}\n${readFileSync(one.log, "utf8").slice(-2000)}`);
  }
}

/** Somebody who asks the API, beside what the pages ask. */
class Caller {
  constructor(installation, email, name, token) {
    Object.assign(this, { installation, email, name, token });
  }

  async send(method, path, body) {
    const sent = await fetch(this.installation.origin + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await sent.text();
    if (!sent.ok) throw new Error(`${method} ${path}: ${sent.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  get(path) {
    return this.send("GET", path);
  }

  /** Starts a sync and returns the run. */
  async sync({ id }, selection = {}) {
    return (await this.send("POST", `/tenants/${id}/inventory-sync`, selection)).run;
  }

  ended(run) {
    return until(`the run ${run.id} to end`, async () => {
      const now = await this.get(`/operation-runs/${run.id}`);
      return now.status === "completed" && now;
    });
  }
}
