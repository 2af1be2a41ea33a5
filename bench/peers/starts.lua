-- What wrk sends. Variables: TOKEN; PATH_FORMAT, the path with a place for a tenant's number; MODE,
-- `create` (each start is of another tenant) or `join` (starts of a hundred tenants, whose runs are active).
local headers = {
  ["Content-Type"] = "application/json",
  ["Authorization"] = "Bearer " .. os.getenv("TOKEN"),
}
local path_format, creates = os.getenv("PATH_FORMAT"), os.getenv("MODE") == "create"
local turn = 0

request = function()
  turn = turn + 1
  local tenant = creates and turn or (turn * 7919 % 100 + 1)
  return wrk.format("POST", string.format(path_format, tenant), headers, "{}")
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"answers":%d,"per_second":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
