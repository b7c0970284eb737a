-- Releases the claims of orders that were not counted, as if they had never been made.
--
-- KEYS the two hashes of each segment
-- ARGV[1] a byte for each segment: how many orders are of it
-- then, each for all n orders, which come segment by segment: claim digests, fingerprints

local sizes, n, before_segment = ARGV[1], (#ARGV - 1) / 2, 0
for segment = 1, #sizes do
  local last = before_segment + string.byte(sizes, segment)
  for i = before_segment + 1, last do
    local id, content = ARGV[1 + i], ARGV[1 + n + i]
    for key = 2 * segment - 1, 2 * segment do
      if redis.call('HGET', KEYS[key], id) == content then
        redis.call('HDEL', KEYS[key], id)
      end
    end
  end
  before_segment = last
end
return redis.status_reply('OK')
