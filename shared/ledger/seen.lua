-- Which orders were seen: the beginning of every script that asks.
--
-- Markers live in two hashes, digest → fingerprint: one is written, the other holds the markers of the time before. When the
-- written one is as old as the retention, the other is forgotten as a whole and written from then on. So a marker is kept
-- for at least the retention and at most twice as long, without a timer of its own, which would cost more memory than the
-- marker. Redis's own clock decides: those of the callers may differ.

local function open_seen(totals, first, second, shards, retention)
  local state = redis.pcall('HMGET', totals, 'shards', 'written', 'since')
  if state.err then return nil, state end
  if state[1] and state[1] ~= shards then return nil, redis.error_reply('LAYOUT ' .. state[1]) end
  local now, written = tonumber(redis.call('TIME')[1]), state[2]
  if not state[3] or now >= tonumber(state[3]) + tonumber(retention) then
    written = written == '0' and '1' or '0'
    local reply = redis.pcall('UNLINK', written == '0' and first or second)
    if type(reply) == 'table' then return nil, reply end
    redis.call('HSET', totals, 'shards', shards, 'written', written, 'since', now)
  end
  local current, past = first, second
  if written == '1' then current, past = second, first end
  for _, key in ipairs({current, past}) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'hash' and kind ~= 'none' then
      return nil, redis.error_reply('WRONGTYPE the markers are a ' .. kind)
    end
    if key == past and kind == 'none' then past = nil end
  end
  local set, get = redis.call, redis.call
  return {
    -- Returns false when the digest was not seen before, and marks it; else the fingerprint it was seen with.
    mark = function(digest, fingerprint)
      local before = past and get('HGET', past, digest)
      if before then return before end
      if set('HSETNX', current, digest, fingerprint) == 1 then return false end
      return get('HGET', current, digest)
    end,
    forget = function(digest) redis.call('HDEL', current, digest) end,
  }
end
