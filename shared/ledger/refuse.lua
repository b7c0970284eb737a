-- Counts refused messages. Idempotent for each message within the retention.
--
-- KEYS[1] counters (hash)   KEYS[1+i] marker of message i (string)
-- ARGV[1] retention of a marker in seconds   ARGV[1+i] counter that message i adds to
--
-- Returns how many were counted now.

redis.call('HLEN', KEYS[1]) -- of the wrong type: fails before anything is marked
local counted = 0
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[1]) then
    redis.call('HINCRBY', KEYS[1], ARGV[i], 1)
    counted = counted + 1
  end
end
return counted
