-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS[1] totals (hash)   KEYS[2] seen:0 (hash)   KEYS[3] seen:1 (hash), of the shard of the ids
-- ARGV[1] shard count     ARGV[2] retention of a claim in seconds
-- then for each order: claim digest of its id, fingerprint
--
-- Returns one character for each order: y the id is this content's, c it is another content's.
-- A claim counts nothing: a call that stops half way is settled by the next one.

local seen, err = open_seen(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if err then return err end
local answer = {}
for a = 3, #ARGV, 2 do
  local before = seen.mark(ARGV[a], ARGV[a + 1])
  answer[#answer + 1] = (not before or before == ARGV[a + 1]) and 'y' or 'c'
end
return table.concat(answer)
