"use strict";
const element = (id) => document.getElementById(id);
const id = location.pathname.split("/").pop();
const api = new URL("../../operation-runs/" + id, location.href);
let token = "";
let watch = 0;

async function read(url) {
  const answer = await fetch(url, {
    headers: { authorization: "Bearer " + token, accept: "application/json" },
    cache: "no-store",
    credentials: "omit",
  });
  const body = await answer.json();
  if (!answer.ok) {
    const failure = new Error(body.detail || "The API answered " + answer.status + ".");
    failure.again = answer.status === 429 || answer.status >= 500;
    failure.wait = Number(answer.headers.get("retry-after")) || 5;
    throw failure;
  }
  return { body, wait: Number(answer.headers.get("retry-after")) || 0 };
}

async function readResults() {
  const items = [];
  let cursor = "";
  do {
    const url = new URL(api.href + "/results");
    url.searchParams.set("limit", "200");
    if (cursor) url.searchParams.set("cursor", cursor);
    const { body } = await read(url);
    items.push(...body.items);
    cursor = body.next_cursor || "";
  } while (cursor);
  return items;
}

const time = (text) => (text ? new Date(text).toLocaleString() : "");

function show(run) {
  element("run").hidden = false;
  element("tenant").textContent = run.tenant.name;
  element("status").textContent = run.status;
  element("outcome").textContent = run.outcome || "";
  element("initiator").textContent = run.initiator.display;
  element("created").textContent = time(run.created_at);
  element("completed").textContent = time(run.completed_at);
  const progress = run.progress || {};
  const done = (progress.completed || 0) + (progress.failed || 0) + (progress.skipped || 0);
  const total = progress.total || 0;
  const seen = run.counts ? run.counts.items_seen : progress.items_seen || 0;
  element("seen").textContent = String(seen);
  element("done").textContent = done + " of " + total;
  element("progress").max = Math.max(total, 1);
  element("progress").value = done;
  const notes = [];
  if (run.wait) notes.push("Waits: " + run.wait.reason + ".");
  if (run.heartbeat && run.heartbeat.state !== "ok") notes.push("Its worker is " + run.heartbeat.state + ".");
  if (run.error) notes.push(run.error.detail, run.error.hint || "");
  element("note").textContent = notes.join(" ").trim();
  document.title = run.tenant.name + ": " + (run.outcome || run.status);
}

function cell(text, number) {
  const cell = document.createElement("td");
  cell.textContent = text === undefined ? "" : String(text);
  if (number) cell.className = "number";
  return cell;
}

function showResults(results) {
  const rows = results.map((result) => {
    const row = document.createElement("tr");
    row.append(
      cell(result.policy_type),
      cell(result.status),
      cell(result.seen, true),
      cell(result.created, true),
      cell(result.changed, true),
      cell(result.missing, true),
      cell(result.error ? result.error.detail : ""),
    );
    return row;
  });
  element("results").tBodies[0].replaceChildren(...rows);
}

async function follow(mine) {
  while (mine === watch) {
    let wait;
    try {
      const { body: run, wait: asked } = await read(api);
      const results = await readResults();
      if (mine !== watch) return;
      element("message").textContent = "";
      element("access").hidden = true;
      show(run);
      showResults(results);
      if (run.status === "completed") return;
      wait = asked || 1;
    } catch (failure) {
      if (mine !== watch) return;
      element("message").textContent = failure.message;
      if (failure.again === false) {
        element("access").hidden = false;
        return;
      }
      wait = failure.wait || 5;
    }
    await new Promise((wake) => setTimeout(wake, wait * 1000));
  }
}

element("access").addEventListener("submit", (event) => {
  event.preventDefault();
  token = element("token").value.trim();
  element("token").value = "";
  watch += 1;
  follow(watch);
});
