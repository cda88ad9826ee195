-- The requests of one run, for wrk: `wrk ... -s load.lua URL -- PLAN`.
--
-- PLAN is a Lua file that returns { reads = {...}, writes = {...}, write_every = N }: complete requests
-- as text. Every thread goes through all of them, each from another place, so that no two ask for
-- the same secret at once. With write_every = 1 all are writes, with 10 every tenth, with 0 none.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  local plan = dofile(arguments[1])
  local reads, writes, write_every = plan.reads, plan.writes, plan.write_every
  local count, sent = #reads, 0
  local position = math.floor(count * number * 0.618) % count

  request = function()
    position = position % count + 1
    sent = sent + 1
    if write_every > 0 and sent % write_every == 0 then
      return writes[position]
    end
    return reads[position]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,"p999_us":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
