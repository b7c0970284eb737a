-- Marks an empty store with its layout and the time when it was begun, or checks the layout.
--
-- KEYS[1] totals (hash) of the first shard
-- ARGV[1] layout

local _, other = open_store(KEYS[1], ARGV[1])
return other or redis.status_reply('OK')
