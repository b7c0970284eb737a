-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS  totals (hash) of the shard of the ids
--       for each segment its two hashes of markers
-- ARGV  layout, retention of a claim in seconds, archived: see check_age
--       sizes: a byte for each segment, how many orders are of it; the orders come by segment
--       then, for all n orders each: claim digests of their ids, fingerprints
--
-- Returns one character for each order: CLAIMED when the id is this content's, else CONFLICT.
-- A claim counts nothing: a call that stops half way is settled by the retry.

local retention, sizes, n = tonumber(ARGV[2]), ARGV[4], (#ARGV - 4) / 2
local revenue, begun = open_store(KEYS[1], ARGV[1])
if not revenue then return begun end
local refused = check_age(ARGV[3], begun, retention)
if refused then return refused end

local found, stale, current = find_markers(sizes, 1, 4, retention)
local answer, before_segment = {}, 0
for segment = 1, #sizes do
  local new, fresh, last = {}, {}, before_segment + string.byte(sizes, segment)
  for i = before_segment + 1, last do
    local id, content = ARGV[4 + i], ARGV[4 + n + i]
    local before = found[i] or new[id]
    if not before or stale[i] and before == content then
      new[id] = content
      fresh[#fresh + 1], fresh[#fresh + 2] = id, content
    end
    answer[i] = (not before or before == content) and CLAIMED or CONFLICT
  end
  if #fresh > 0 then redis.call('HSET', current[segment], unpack(fresh)) end
  before_segment = last
end
return table.concat(answer)
