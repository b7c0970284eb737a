-- Records a batch of orders of one shard: each is counted in every aggregate or in none, and the whole script is one atomic step.
--
-- KEYS[1] totals (hash)         KEYS[2] spend (zset)
-- KEYS[3] month:orders (hash)   KEYS[4] month:revenue (hash)
-- KEYS[3+2i] marker of order i (string)   KEYS[4+2i] count bucket of its customer (hash)
-- ARGV[1] shard count   ARGV[2] retention of a marker in seconds
-- ARGV[3] one character for each order: '1' when its stated value was wrong, else '0'
-- ARGV[4i] fingerprint   ARGV[4i+1] user   ARGV[4i+2] value in cents   ARGV[4i+3] month YYYY-MM
--
-- Returns one character for each order: r recorded, d duplicate, c conflict, o overflow.
-- Whatever command fails, everything done so far is taken back and the error is returned: nothing was counted.

local EXACT = 9007199254740991       -- 2^53-1: a score is a double, and so is every Lua number
local TOTAL = 140000000000000000     -- revenue of a shard; 64 shards together still fit 63 bits

local totals, spend, month_orders, month_revenue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local retention, flags = ARGV[2], ARGV[3]
local call, byte = redis.pcall, string.byte

local state = call('HMGET', totals, 'revenue', 'shards')
if state.err then return state end
if state[2] and state[2] ~= ARGV[1] then
  return redis.error_reply('LAYOUT ' .. state[2])
end
local revenue = tonumber(state[1] or 0)
local room = EXACT - revenue -- while the new revenue fits in here, no customer can pass EXACT

local outcome, users = {}, {}
local spent, count, bucket = {}, {}, {}
local months, by_month, value_by_month = {}, {}, {}
local recorded, duplicates, mismatches, sum = 0, 0, 0, 0
local marked = {}            -- markers set by this call
local applied, steps = {}, 0 -- what was done after them, four values a step

local function give_up(reply)
  for i = steps - 3, 1, -4 do
    local command, key, first, second = applied[i], applied[i + 1], applied[i + 2], applied[i + 3]
    if command == 'ZINCRBY' then
      redis.call('ZINCRBY', key, -first, second)
    elseif redis.call('HINCRBY', key, first, -second) == 0 then
      redis.call('HDEL', key, first)
      if bucket[first] == key then call('ZREM', spend, first) end -- a customer without orders leaves the leaderboard
    end
  end
  for i = 1, #marked do redis.call('DEL', marked[i]) end
  return reply
end

for i = 1, (#KEYS - 4) / 2 do
  local a = 4 * i
  local fingerprint, marker = ARGV[a], KEYS[3 + 2 * i]
  local before = call('SET', marker, fingerprint, 'NX', 'GET', 'EX', retention)
  if not before then
    local user, value, month = ARGV[a + 1], tonumber(ARGV[a + 2]), ARGV[a + 3]
    local mine = spent[user]
    local fits = sum + value <= room
    if not fits then
      local score = call('ZSCORE', spend, user)
      if type(score) == 'table' then
        redis.call('DEL', marker)
        return give_up(score)
      end
      fits = tonumber(score or 0) + (mine or 0) + value <= EXACT and revenue + sum + value <= TOTAL
    end
    if fits then
      marked[#marked + 1] = marker
      outcome[i] = 'r'
      if mine then
        spent[user], count[user] = mine + value, count[user] + 1
      else
        spent[user], count[user], bucket[user] = value, 1, KEYS[4 + 2 * i]
        users[#users + 1] = user
      end
      if by_month[month] then
        by_month[month], value_by_month[month] = by_month[month] + 1, value_by_month[month] + value
      else
        by_month[month], value_by_month[month] = 1, value
        months[#months + 1] = month
      end
      recorded, sum = recorded + 1, sum + value
      if byte(flags, i) == 49 then mismatches = mismatches + 1 end
    else
      redis.call('DEL', marker)
      outcome[i] = 'o'
    end
  elseif before == fingerprint then
    outcome[i] = 'd'
    duplicates = duplicates + 1
  elseif type(before) == 'table' then
    return give_up(before)
  else
    outcome[i] = 'c'
  end
end

local failed
local function add(command, key, first, second)
  local reply = call(command, key, first, second)
  if type(reply) == 'table' then
    failed = reply
    return false
  end
  applied[steps + 1], applied[steps + 2], applied[steps + 3], applied[steps + 4] = command, key, first, second
  steps = steps + 4
  return true
end

for i = 1, #users do
  local user = users[i]
  if not (add('HINCRBY', bucket[user], user, count[user]) and add('ZINCRBY', spend, spent[user], user)) then
    return give_up(failed)
  end
end
for i = 1, #months do
  local month = months[i]
  if not (add('HINCRBY', month_orders, month, by_month[month]) and add('HINCRBY', month_revenue, month, value_by_month[month])) then
    return give_up(failed)
  end
end
if not ((recorded == 0 or add('HINCRBY', totals, 'orders', recorded) and add('HINCRBY', totals, 'revenue', sum))
    and (duplicates == 0 or add('HINCRBY', totals, 'duplicates', duplicates))
    and (mismatches == 0 or add('HINCRBY', totals, 'mismatches', mismatches))) then
  return give_up(failed)
end
if not state[2] then redis.call('HSET', totals, 'shards', ARGV[1]) end
return table.concat(outcome)
