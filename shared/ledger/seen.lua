-- The state of a shard and its deduplication markers: the beginning of every script that needs
-- them.
--
-- The markers of one segment live in two hashes, digest → fingerprint: the current generation is
-- written, the previous one is only read. When the current one is as old as the retention, the
-- previous one is dropped as a whole and becomes the current one. So a marker is kept for at least
-- the retention and at most twice as long, without a separate time limit, which would cost more
-- memory than the marker. A duplicate found only in the previous generation is written to the
-- current one, so the retention counts from the last time an order was seen.
--
-- Redis's own clock decides: those of the callers may differ. What fails here is raised as an
-- error, because nothing is counted yet.

local now = tonumber(redis.call('TIME')[1])

-- open_store returns the revenue of a shard and when it was begun, or nil and an error when the
-- layout differs.
local function open_store(totals, layout)
  local state = redis.call('HMGET', totals, LAYOUT, REVENUE, BEGUN)
  if not state[1] then
    redis.call('HSET', totals, LAYOUT, layout, BEGUN, now)
    return 0, now
  elseif state[1] ~= layout then
    return nil, redis.error_reply(OTHER_LAYOUT .. state[1])
  end
  return tonumber(state[2] or 0), tonumber(state[3] or 0)
end

-- check_age returns an error when markers of orders that were archived at that time may be gone, so
-- that a replay could count them twice. archived is in Unix seconds, '' when nothing is replayed.
local function check_age(archived, begun, retention)
  if archived ~= '' and now - math.max(archived, begun) >= retention then
    return redis.error_reply(TOO_OLD)
  end
end

-- find_markers returns for each order the fingerprint of its marker, or false, and whether only the
-- previous generation has it; and for each segment the hash that is written.
--
-- sizes is a byte for each segment: how many orders are of it. The orders come segment by segment:
-- their digests are ARGV[digest+1] and on; the two hashes of the segments are KEYS[key+1] and on.
local function find_markers(sizes, key, digest, retention)
  local found, stale, current, at = {}, {}, {}, 0

  for segment = 1, #sizes do
    local first, last = digest + 1, digest + string.byte(sizes, segment)
    local young, old = KEYS[key + 2 * segment - 1], KEYS[key + 2 * segment]
    local in_young = redis.call('HMGET', young, SINCE, unpack(ARGV, first, last))
    local in_old = {redis.call('HGET', old, SINCE)}
    if in_old[1] then -- a store younger than the retention has one generation only
      in_old = redis.call('HMGET', old, SINCE, unpack(ARGV, first, last))
    end
    if tonumber(in_old[1] or 0) >= tonumber(in_young[1] or 0) then
      young, old, in_young, in_old = old, young, in_old, in_young
    end

    if now >= tonumber(in_young[1] or 0) + retention + MARGIN then
      young, in_young, in_old = old, {}, in_young
      redis.call('UNLINK', young)
      -- A value of this length makes the hash a table at once: in the compact form, that of small
      -- hashes, each search reads all entries.
      redis.call('HSET', young, SINCE, string.format('%065d', now))
    end

    for i = 2, last - digest + 1 do
      at = at + 1
      local marker = in_young[i]
      if not marker and in_old[i] then
        marker = in_old[i]
        stale[at] = true
      end
      found[at] = marker
    end
    current[segment] = young
    digest = last
  end
  return found, stale, current
end
