-- Which orders were seen: the beginning of every script that asks.
--
-- Markers live in two hashes, digest → fingerprint: one is written, the other holds the markers of the time before. When the
-- written one is as old as the retention, the other is forgotten as a whole and written from then on. So a marker is kept
-- for at least the retention and at most twice as long, without a timer of its own, which would cost more memory than the
-- marker. Redis's own clock decides: those of the callers may differ.

-- open_seen returns the hash that is written and the one before (nil when that is empty), or nil, nil and an error.
local function open_seen(totals, first, second, shards, retention)
  local state = redis.pcall('HMGET', totals, 'shards', 'written', 'since')
  if state.err then return nil, nil, state end
  if state[1] and state[1] ~= shards then return nil, nil, redis.error_reply('LAYOUT ' .. state[1]) end
  for _, key in ipairs({first, second}) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'hash' and kind ~= 'none' then
      return nil, nil, redis.error_reply('WRONGTYPE the markers are a ' .. kind)
    end
  end
  local now, written = tonumber(redis.call('TIME')[1]), state[2]
  if not state[3] or now >= tonumber(state[3]) + tonumber(retention) then
    written = written == '0' and '1' or '0'
    local reply = redis.pcall('UNLINK', written == '0' and first or second)
    if type(reply) == 'table' then return nil, nil, reply end
    redis.call('HSET', totals, 'shards', shards, 'written', written, 'since', now)
  end
  local current, past = first, second
  if written == '1' then current, past = second, first end
  if redis.call('EXISTS', past) == 0 then past = nil end
  return current, past
end

-- find_seen returns for each of ARGV[from] … ARGV[to], which are digests, the fingerprint it was seen with, or false.
local function find_seen(current, past, from, to)
  local found = redis.call('HMGET', current, unpack(ARGV, from, to))
  if past then
    for i, fingerprint in ipairs(redis.call('HMGET', past, unpack(ARGV, from, to))) do
      found[i] = found[i] or fingerprint
    end
  end
  return found
end
