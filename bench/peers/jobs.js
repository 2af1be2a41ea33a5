// Empty jobs: how many in a second with one worker process, and how long after it was added one begins.
const { fork } = require('node:child_process');
const { Pool } = require('pg');
const { redis } = require('./connections');

const [, , kind, countText, concurrencyText, role] = process.argv;
const count = Number(countText);
const concurrency = Number(concurrencyText);
const connectionString = process.env.DATABASE_URL;
const PATIENCE_MS = 120_000;
const ADDED_PER_SECOND = 100;
const SECONDS = 10;

// One clock for both processes.
const now = () => performance.timeOrigin + performance.now();
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function producer() {
  if (kind === 'bullmq') {
    const { Queue } = require('bullmq');
    const queue = new Queue('empty', { connection: redis });
    const options = { removeOnComplete: true };
    return {
      add: (data) => queue.add('empty', data, options),
      addAll: async () => {
        for (let first = 0; first < count; first += 1000) {
          const size = Math.min(1000, count - first);
          await queue.addBulk(Array.from({ length: size }, () => ({ name: 'empty', data: {}, opts: options })));
        }
      },
      close: () => queue.close(),
    };
  }
  const pool = new Pool({ connectionString, max: 4 });
  return {
    add: (data) => pool.query("SELECT graphile_worker.add_job('empty', $1::json)", [JSON.stringify(data)]),
    addAll: () => pool.query(
      "SELECT count(*) FROM (SELECT graphile_worker.add_job('empty', '{}') FROM generate_series(1, $1)) added",
      [count],
    ),
    close: () => pool.end(),
  };
}

async function startWorker(handle) {
  if (kind === 'bullmq') {
    const { Worker } = require('bullmq');
    return new Worker('empty', async (job) => handle(job.data), { connection: redis, concurrency });
  }
  const { run, Logger } = require('graphile-worker');
  return run({
    connectionString,
    concurrency,
    maxPoolSize: concurrency + 4,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    taskList: { empty: async (payload) => handle(payload) },
  });
}

// At a steady rate, so that a job finds the worker idle.
async function add() {
  const { add: addOne, close } = producer();
  const began = now();
  const added = [];
  while (added.length < ADDED_PER_SECOND * SECONDS) {
    const due = ((now() - began) / 1000) * ADDED_PER_SECOND;
    while (added.length < due) added.push(addOne({ addedAt: now() }));
    await pause(5);
  }
  await Promise.all(added);
  await close();
}

async function measure() {
  if (kind === 'graphile') {
    const { makeWorkerUtils } = require('graphile-worker');
    const utils = await makeWorkerUtils({ connectionString });
    await utils.migrate();
    await utils.release();
  }
  const { addAll, close } = producer();
  await addAll();
  await close();
  let began = 0;
  let handled = 0;
  let last = 0;
  const waited = [];
  let allHandled;
  const done = new Promise((resolve) => { allHandled = resolve; });
  await startWorker((data) => {
    const at = now();
    if (data.addedAt) {
      waited.push(at - data.addedAt);
      return;
    }
    began ||= at;
    handled += 1;
    last = at;
    if (handled === count) allHandled();
  });
  const inTime = await Promise.race([done.then(() => true), pause(PATIENCE_MS).then(() => false)]);
  if (!inTime) throw new Error(`${handled} of ${count} jobs ended in time`);
  await new Promise((resolve) => {
    fork(__filename, [kind, countText, concurrencyText, 'add']).on('exit', resolve);
  });
  for (let turn = 0; turn < 100 && waited.length < ADDED_PER_SECOND * SECONDS; turn += 1) await pause(50);
  waited.sort((a, b) => a - b);
  const at = (share) => waited[Math.min(waited.length - 1, Math.floor(waited.length * share))];
  const result = { per_second: (count / (last - began)) * 1000, p50_ms: at(0.5), p99_ms: at(0.99) };
  console.log(`\nRESULT ${JSON.stringify(result)}`);
}

(role === 'add' ? add() : measure()).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
