-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS[1] totals (hash)   KEYS[2] seen:0 (hash)   KEYS[3] seen:1 (hash), of the shard of the ids
-- ARGV[1] shard count     ARGV[2] retention of a claim in seconds
-- then, each for all n orders: claim digests of their ids, fingerprints
--
-- Returns one character for each order: y the id is this content's, c it is another content's.
-- A claim counts nothing: a call that stops half way is settled by the next one.

local n = (#ARGV - 2) / 2
local current, past, err = open_seen(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if err then return err end
local found = find_seen(current, past, 3, 2 + n)
local answer, new, marks = {}, {}, {}
for i = 1, n do
  local id, content = ARGV[2 + i], ARGV[2 + n + i]
  local before = found[i] or new[id]
  if not before then
    new[id] = content
    marks[#marks + 1], marks[#marks + 2] = id, content
  end
  answer[i] = (not before or before == content) and 'y' or 'c'
end
if #marks > 0 then redis.call('HSET', current, unpack(marks)) end
return table.concat(answer)
