-- Begins a store whose other keys are deleted: forgets its figures, keeps its message counters.
--
-- KEYS[1] totals (hash) of the first shard, with the counters of the others: see carryCounters
-- ARGV[1] layout

local kept = {[DUPLICATES] = 0, [HEALED] = 0}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local counter = fields[i]:match('^%a+')
  if kept[counter] then kept[counter] = kept[counter] + fields[i + 1] end
end

redis.call('UNLINK', KEYS[1])
open_store(KEYS[1], ARGV[1])
for counter, count in pairs(kept) do
  if count > 0 then redis.call('HSET', KEYS[1], counter, count) end
end
return redis.status_reply('OK')
