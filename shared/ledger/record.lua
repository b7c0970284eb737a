-- Records a batch of orders of one shard: each is counted in every aggregate or in none, and the whole script is one atomic step.
--
-- KEYS[1] totals (hash)         KEYS[2] seen:0 (hash)           KEYS[3] seen:1 (hash)
-- KEYS[4] spend (zset)          KEYS[5] month:orders (hash)     KEYS[6] month:revenue (hash)
-- KEYS[6+i] count bucket of the customer of order i (hash)
-- ARGV[1] shard count           ARGV[2] retention of a marker in seconds
-- ARGV[3] a character for each order: '1' when its stated value was wrong, else '0'
-- ARGV[4] a byte for each order: the place of its month among the months below, from 1
-- ARGV[5] number of months      ARGV[5+m] month m, YYYY-MM
-- then for each order: digest of its id, fingerprint, user, value in cents
--
-- Returns one character for each order: r recorded, d duplicate, c conflict, o overflow.
-- Whatever command fails, everything done so far is taken back and the error is returned: nothing was counted.

local EXACT = 9007199254740991   -- 2^53-1: a score is a double, and so is every Lua number
local TOTAL = 140000000000000000 -- revenue of a shard; 64 shards together still fit 63 bits

local totals, spend, month_orders, month_revenue = KEYS[1], KEYS[4], KEYS[5], KEYS[6]
local wrong, in_month = ARGV[3], ARGV[4]
local call, byte = redis.pcall, string.byte

local seen, err = open_seen(totals, KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if err then return err end
local revenue = redis.call('HGET', totals, 'revenue')
revenue = tonumber(revenue or 0)
local room = EXACT - revenue -- while the new revenue fits in here, no customer can pass EXACT

local outcome, users = {}, {}
local spent, count, bucket = {}, {}, {}
local by_month, value_by_month = {}, {}
local recorded, duplicates, mismatches, sum = 0, 0, 0, 0
local marked = {}            -- digests marked by this call
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
  for i = 1, #marked do seen.forget(marked[i]) end
  return reply
end

local a = 6 + tonumber(ARGV[5])
for i = 1, #KEYS - 6 do
  local digest, fingerprint = ARGV[a], ARGV[a + 1]
  local before = seen.mark(digest, fingerprint)
  if not before then
    local user, value = ARGV[a + 2], tonumber(ARGV[a + 3])
    local mine = spent[user]
    local fits = sum + value <= room
    if not fits then
      local score = call('ZSCORE', spend, user)
      if type(score) == 'table' then
        seen.forget(digest)
        return give_up(score)
      end
      fits = tonumber(score or 0) + (mine or 0) + value <= EXACT and revenue + sum + value <= TOTAL
    end
    if fits then
      recorded, sum = recorded + 1, sum + value
      marked[recorded] = digest
      outcome[i] = 'r'
      if mine then
        spent[user], count[user] = mine + value, count[user] + 1
      else
        spent[user], count[user], bucket[user] = value, 1, KEYS[6 + i]
        users[#users + 1] = user
      end
      local month = byte(in_month, i)
      by_month[month], value_by_month[month] = (by_month[month] or 0) + 1, (value_by_month[month] or 0) + value
      if byte(wrong, i) == 49 then mismatches = mismatches + 1 end
    else
      seen.forget(digest)
      outcome[i] = 'o'
    end
  elseif before == fingerprint then
    outcome[i] = 'd'
    duplicates = duplicates + 1
  else
    outcome[i] = 'c'
  end
  a = a + 4
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
for month, orders in pairs(by_month) do
  local name = ARGV[5 + month]
  if not (add('HINCRBY', month_orders, name, orders) and add('HINCRBY', month_revenue, name, value_by_month[month])) then
    return give_up(failed)
  end
end
if not ((recorded == 0 or add('HINCRBY', totals, 'orders', recorded) and add('HINCRBY', totals, 'revenue', sum))
    and (duplicates == 0 or add('HINCRBY', totals, 'duplicates', duplicates))
    and (mismatches == 0 or add('HINCRBY', totals, 'mismatches', mismatches))) then
  return give_up(failed)
end
return table.concat(outcome)
