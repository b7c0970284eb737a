-- Begins a store whose other keys are deleted: forgets its figures, keeps its message counters.
--
-- KEYS[1] totals (hash) of the first shard, with the counters of the others: see carryCounters
-- ARGV[1] layout   ARGV[2] number of shards that were cleared

local kept = {}
for _, counter in ipairs({DUPLICATES, HEALED}) do
  local sum = tonumber(redis.call('HGET', KEYS[1], counter) or 0)
  for shard = 1, ARGV[2] - 1 do
    local field = counter .. '{o' .. shard .. '}' .. TOTALS
    sum = sum + (redis.call('HGET', KEYS[1], field) or 0)
  end
  kept[counter] = sum
end

redis.call('UNLINK', KEYS[1])
open_store(KEYS[1], ARGV[1])
for counter, count in pairs(kept) do
  if count > 0 then redis.call('HSET', KEYS[1], counter, count) end
end
return redis.status_reply('OK')
