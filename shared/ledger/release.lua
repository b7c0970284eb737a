-- Gives back the claims of orders that could not be counted, as if they had never been made.
--
-- KEYS[1] seen:0 (hash)   KEYS[2] seen:1 (hash)
-- for each order: claim digest of its id, fingerprint

for a = 1, #ARGV, 2 do
  for i = 1, 2 do
    if redis.call('HGET', KEYS[i], ARGV[a]) == ARGV[a + 1] then redis.call('HDEL', KEYS[i], ARGV[a]) end
  end
end
return redis.status_reply('OK')
