-- Claims order ids for their contents, where a store of several shards keeps customers apart.
--
-- KEYS[i] claim of order i (string)
-- ARGV[1] retention of a claim in seconds   ARGV[1+i] fingerprint of order i
--
-- Returns one character for each order: y the id is this content's, c it is another content's.
-- A claim counts nothing: a call that stops half way is settled by the next one.

local answer = {}
for i = 1, #KEYS do
  local before = redis.call('SET', KEYS[i], ARGV[1 + i], 'NX', 'GET', 'EX', ARGV[1])
  answer[i] = (not before or before == ARGV[1 + i]) and 'y' or 'c'
end
return table.concat(answer)
