-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS[1] totals (hash) of the shard of the ids, then the two hashes of each segment
-- ARGV[1] layout          ARGV[2] retention of a claim in seconds
-- ARGV[3] a byte for each segment: how many orders are of it
-- then, each for all n orders, which come segment by segment: claim digests, fingerprints
--
-- Returns one character for each order: CLAIMED when the id is this content's, else CONFLICT.
-- A claim counts nothing: a call that stops half way is settled by the retry.

local sizes, n = ARGV[3], (#ARGV - 3) / 2
local _, other = open_store(KEYS[1], ARGV[1])
if other then return other end

local found, current = find_markers(sizes, 1, 3, tonumber(ARGV[2]))
local answer, before_segment = {}, 0
for segment = 1, #sizes do
  local new, fresh, last = {}, {}, before_segment + string.byte(sizes, segment)
  for i = before_segment + 1, last do
    local id, content = ARGV[3 + i], ARGV[3 + n + i]
    local before = found[i] or new[id]
    if not before then
      new[id] = content
      fresh[#fresh + 1], fresh[#fresh + 2] = id, content
    end
    answer[i] = (not before or before == content) and CLAIMED or CONFLICT
  end
  if #fresh > 0 then redis.call('HSET', current[segment], unpack(fresh)) end
  before_segment = last
end
return table.concat(answer)
