-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS[1] totals (hash) of the shard of the ids, then the two hashes of each part of the markers
-- ARGV[1] layout          ARGV[2] retention of a claim in seconds
-- ARGV[3] a byte for each part of the markers: how many orders are of it
-- then, each for all n orders, which come part by part: claim digests of their ids, fingerprints
--
-- Returns one character for each order: y the id is this content's, c it is another content's.
-- A claim counts nothing: a call that stops half way is settled by the next one.

local sizes, n = ARGV[3], (#ARGV - 3) / 2
local _, other = open_store(KEYS[1], ARGV[1])
if other then return other end
local found, written = find_seen(sizes, 1, 3, tonumber(ARGV[2]))
local answer, before_part = {}, 0
for part = 1, #sizes do
  local new, fresh, last = {}, {}, before_part + string.byte(sizes, part)
  for i = before_part + 1, last do
    local id, content = ARGV[3 + i], ARGV[3 + n + i]
    local before = found[i] or new[id]
    if not before then
      new[id] = content
      fresh[#fresh + 1], fresh[#fresh + 2] = id, content
    end
    answer[i] = (not before or before == content) and 'y' or 'c'
  end
  if #fresh > 0 then redis.call('HSET', written[part], unpack(fresh)) end
  before_part = last
end
return table.concat(answer)
