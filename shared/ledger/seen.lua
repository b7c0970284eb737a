-- Which orders were seen: the beginning of every script that asks.
--
-- The markers of one part of the orders live in two hashes, digest → fingerprint: one is written, the other holds the markers of
-- the time before. When the written one is as old as the retention, the other is forgotten as a whole and written from then on.
-- So a marker is kept for at least the retention and at most twice as long, without a timer of its own, which would cost more
-- memory than the marker. Redis's own clock decides: those of the callers may differ.
--
-- What fails here is raised as an error, because nothing is counted yet.

-- open_store returns the revenue of a shard, or nil and an error when it is laid out in another way.
local function open_store(totals, layout)
  local state = redis.call('HMGET', totals, 'layout', 'revenue')
  if not state[1] then
    redis.call('HSET', totals, 'layout', layout)
  elseif state[1] ~= layout then
    return nil, redis.error_reply('LAYOUT ' .. state[1])
  end
  return tonumber(state[2] or 0)
end

-- find_seen returns for each order the fingerprint it was seen with, or false, and for each part the hash that is written.
--
-- sizes is a byte for each part: how many orders are of it. The orders come part by part: their digests are ARGV[digest+1] and
-- on; the two hashes of the parts are KEYS[key+1] and on.
local function find_seen(sizes, key, digest, retention)
  local now = tonumber(redis.call('TIME')[1])
  local found, written = {}, {}
  for part = 1, #sizes do
    local first, last = digest + 1, digest + string.byte(sizes, part)
    local young, old = KEYS[key + 2 * part - 1], KEYS[key + 2 * part]
    local in_young = redis.call('HMGET', young, 'since', unpack(ARGV, first, last))
    local in_old = redis.call('HMGET', old, 'since', unpack(ARGV, first, last))
    if tonumber(in_old[1] or 0) > tonumber(in_young[1] or 0) then
      young, old, in_young, in_old = old, young, in_old, in_young
    end
    if now >= tonumber(in_young[1] or 0) + retention then
      young, in_young, in_old = old, {}, in_young
      redis.call('UNLINK', young)
      -- So long a value makes it a table at once: in the compact form, that of small hashes, each search reads all entries.
      redis.call('HSET', young, 'since', string.format('%065d', now))
    end
    for i = 2, last - digest + 1 do
      found[#found + 1] = in_young[i] or in_old[i]
    end
    written[part] = young
    digest = last
  end
  return found, written
end
