-- Gives back the claims of orders that could not be counted, as if they had never been made.
--
-- KEYS[1] seen:0 (hash)   KEYS[2] seen:1 (hash)
-- each for all n orders: claim digests of their ids, fingerprints

local n = #ARGV / 2
for i = 1, n do
  for _, key in ipairs(KEYS) do
    if redis.call('HGET', key, ARGV[i]) == ARGV[n + i] then redis.call('HDEL', key, ARGV[i]) end
  end
end
return redis.status_reply('OK')
