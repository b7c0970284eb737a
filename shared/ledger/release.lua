-- Gives back the claims of orders that could not be counted, as if they had never been made.
--
-- KEYS the two hashes of each part of the markers
-- ARGV[1] a byte for each part: how many orders are of it
-- then, each for all n orders, which come part by part: claim digests of their ids, fingerprints

local sizes, n, before_part = ARGV[1], (#ARGV - 1) / 2, 0
for part = 1, #sizes do
  local last = before_part + string.byte(sizes, part)
  for i = before_part + 1, last do
    for key = 2 * part - 1, 2 * part do
      if redis.call('HGET', KEYS[key], ARGV[1 + i]) == ARGV[1 + n + i] then redis.call('HDEL', KEYS[key], ARGV[1 + i]) end
    end
  end
  before_part = last
end
return redis.status_reply('OK')
