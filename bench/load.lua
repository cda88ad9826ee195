-- The requests of one run, for wrk: `wrk ... -s load.lua URL -- PLAN`.
--
-- PLAN is a Lua file that returns { reads = {...}, writes = {...}, write_every = N }: complete requests
-- as text. Every thread goes through all of them, each from another place, so that no two ask for
-- the same secret at once. With write_every = 1 all are writes, with 10 every tenth, with 0 none.
-- In place of `reads` there may be `count` and `read(n)`, which makes the request for secret n, from 0. Then
-- threads jump through all of them, so that what was asked for a moment ago is far away.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function apart(count)
  local step = math.floor(count * 0.618)
  local function divisor(a, b) return b == 0 and a or divisor(b, a % b) end
  while step > 1 and divisor(step, count) ~= 1 do step = step - 1 end
  return math.max(step, 1)
end

function init(arguments)
  local plan = dofile(arguments[1])
  local reads, writes, write_every, read = plan.reads, plan.writes, plan.write_every, plan.read
  local count, sent = plan.count or #reads, 0
  local position = math.floor(count * number * 0.618) % count

  if read then
    local step = apart(count)
    request = function()
      position = (position + step) % count
      return read(position)
    end
    return
  end

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
