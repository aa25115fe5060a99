-- wrk calls done() once, when the run has ended: no cost per request.
-- Prints one line of key=value pairs for the scripts that read it. Times are in microseconds.
-- `status` counts answers of 400 and above; the other four are wrk's socket errors.
function done(summary, latency, requests)
  local errors = summary.errors
  local pairs_out = {
    string.format("requests=%d", summary.requests),
    string.format("duration_us=%d", summary.duration),
    string.format("p50_us=%.0f", latency:percentile(50)),
    string.format("p99_us=%.0f", latency:percentile(99)),
    string.format("p999_us=%.0f", latency:percentile(99.9)),
    string.format("max_us=%.0f", latency.max),
    string.format("connect=%d", errors.connect),
    string.format("read=%d", errors.read),
    string.format("write=%d", errors.write),
    string.format("timeout=%d", errors.timeout),
    string.format("status=%d", errors.status),
  }
  io.write("measured " .. table.concat(pairs_out, " ") .. "\n")
end
