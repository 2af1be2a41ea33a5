// A service with one route: start a tenant's sync, or join the one that is active.
const cluster = require('node:cluster');
const fs = require('node:fs');
const { Pool } = require('pg');
const { redis } = require('./connections');

const [, , kind] = process.argv;

const ROLE = 'SELECT role FROM memberships WHERE user_id = $1 AND tenant_id = $2';
const INSERT = `INSERT INTO runs (tenant_id, requested_by) VALUES ($1, $2)
  ON CONFLICT (tenant_id, kind, selection_hash) WHERE status IN ('queued', 'running') DO NOTHING
  RETURNING id`;
const ACTIVE = `SELECT id FROM runs WHERE tenant_id = $1 AND kind = 'inventory_sync'
  AND selection_hash = 'all' AND status IN ('queued', 'running')`;
const ADD_JOB = `SELECT graphile_worker.add_job('inventory_sync',
  payload := json_build_object('run', $1::text, 'tenant', $2::text), job_key := 'run-' || $1::text)`;

// One name for each text, so that PostgreSQL prepares it once for each connection.
const statement = (name, text) => (client, values) => client.query({ name, text, values });
const role = statement('role', ROLE);
const insert = statement('insert', INSERT);
const active = statement('active', ACTIVE);
const addJob = statement('add_job', ADD_JOB);

// Inserts the run and puts its job into Redis after the commit. Undefined when the run is active already.
function startWithBullmq(pool) {
  const { Queue } = require('bullmq');
  const queue = new Queue('sync', { connection: redis });
  return async (tenant, user) => {
    const id = (await insert(pool, [tenant, user])).rows[0]?.id;
    if (id) await queue.add('inventory_sync', { run: id, tenant }, { jobId: `run-${id}` });
    return id;
  };
}

// Inserts the run and its job in one transaction.
function startWithGraphile(pool) {
  return async (tenant, user) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const id = (await insert(client, [tenant, user])).rows[0]?.id;
      if (id) await addJob(client, [id, tenant]);
      await client.query('COMMIT');
      return id;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
}

async function serve() {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
  const start = kind === 'bullmq' ? startWithBullmq(pool) : startWithGraphile(pool);
  const app = require('fastify')();
  const body = { type: 'object', properties: { policy_types: { type: 'array', items: { type: 'string' } } } };
  app.post('/tenants/:tenant/inventory-sync', { schema: { body } }, async (request, reply) => {
    const user = /^Bearer user-(\d+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (!user) return reply.code(401).send({ error: 'unauthenticated' });
    const { tenant } = request.params;
    const member = (await role(pool, [user, tenant])).rows[0];
    if (!member) return reply.code(404).send({ error: 'not found' });
    if (member.role !== 'operator') return reply.code(403).send({ error: 'forbidden' });
    const created = await start(tenant, user);
    const id = created ?? (await active(pool, [tenant])).rows[0].id;
    return reply.code(202).header('location', `/runs/${id}`).send({ run: id, created: Boolean(created) });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
}

async function main() {
  if (!cluster.isPrimary) return serve();
  if (kind === 'graphile') {
    const { makeWorkerUtils } = require('graphile-worker');
    const utils = await makeWorkerUtils({ connectionString: process.env.DATABASE_URL });
    await utils.migrate();
    await utils.release();
  }
  let listening = 0;
  const processes = Number(process.env.PROCESSES);
  // Node gives all processes of a cluster the same free port.
  cluster.on('listening', (_, { port }) => {
    listening += 1;
    if (listening === processes) fs.writeFileSync(process.env.ADDRESS_FILE, `127.0.0.1:${port}`);
  });
  cluster.on('exit', () => process.exit(1));
  for (let number = 0; number < processes; number += 1) cluster.fork();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
