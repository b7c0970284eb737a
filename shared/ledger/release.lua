-- Gives back the claims of orders that could not be counted, as if they had never been made.
--
-- KEYS[i] claim of order i (string)   ARGV[i] fingerprint of order i

for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then redis.call('DEL', KEYS[i]) end
end
return redis.status_reply('OK')
