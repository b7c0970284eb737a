-- Deduplication markers: the beginning of every script that looks for them.
--
-- The markers of one segment live in two hashes, digest → fingerprint: the current generation is
-- written, the previous one is only read. When the current one is as old as the retention, the
-- previous one is dropped as a whole and becomes the current one. So a marker is kept for at least
-- the retention and at most twice as long, without a time limit of its own, which would cost more
-- memory than the marker. Redis's own clock decides: those of the callers may differ.
--
-- What fails here is raised as an error, because nothing is counted yet.

-- open_store returns the revenue of a shard, or nil and an error when the layout differs.
local function open_store(totals, layout)
  local state = redis.call('HMGET', totals, LAYOUT, REVENUE)
  if not state[1] then
    redis.call('HSET', totals, LAYOUT, layout)
  elseif state[1] ~= layout then
    return nil, redis.error_reply(OTHER_LAYOUT .. state[1])
  end
  return tonumber(state[2] or 0)
end

-- find_markers returns for each order the fingerprint of its marker, or false, and for each segment
-- the hash that is written.
--
-- sizes is a byte for each segment: how many orders are of it. The orders come segment by segment:
-- their digests are ARGV[digest+1] and on; the two hashes of the segments are KEYS[key+1] and on.
local function find_markers(sizes, key, digest, retention)
  local now = tonumber(redis.call('TIME')[1])
  local found, current, at = {}, {}, 0

  for segment = 1, #sizes do
    local first, last = digest + 1, digest + string.byte(sizes, segment)
    local young, old = KEYS[key + 2 * segment - 1], KEYS[key + 2 * segment]
    local in_young = redis.call('HMGET', young, SINCE, unpack(ARGV, first, last))
    local in_old = redis.call('HMGET', old, SINCE, unpack(ARGV, first, last))
    if tonumber(in_old[1] or 0) > tonumber(in_young[1] or 0) then
      young, old, in_young, in_old = old, young, in_old, in_young
    end

    if now >= tonumber(in_young[1] or 0) + retention then
      young, in_young, in_old = old, {}, in_young
      redis.call('UNLINK', young)
      -- A value of this length makes the hash a table at once: in the compact form, that of small
      -- hashes, each search reads all entries.
      redis.call('HSET', young, SINCE, string.format('%065d', now))
    end

    for i = 2, last - digest + 1 do
      at = at + 1
      found[at] = in_young[i] or in_old[i]
    end
    current[segment] = young
    digest = last
  end
  return found, current
end
