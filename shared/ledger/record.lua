-- Records a batch of orders of one shard: each is counted in every aggregate or in none, and the whole script is one atomic step.
--
-- KEYS[1] totals (hash)         KEYS[2] top (zset)              KEYS[3] month:orders (hash)     KEYS[4] month:revenue (hash)
-- KEYS[4+i] bucket of the customer of order i (hash)
-- then the two hashes of each part of the markers
-- ARGV[1] layout                ARGV[2] retention of a marker in seconds
-- ARGV[3] how many places of the leaderboard are ever asked for
-- ARGV[4] a character for each order: '1' when its stated value was wrong, else '0'
-- ARGV[5] a byte for each order: the place of its month among the months at the end, from 1
-- ARGV[6] a byte for each part of the markers: how many orders are of it
-- then, each for all n orders, which come part by part: digests of their ids, fingerprints, users, values in cents
-- then the months, YYYY-MM
--
-- Returns one character for each order: r recorded, d duplicate, c conflict, o overflow.
-- Whatever command fails, everything done so far is taken back and the error is returned: nothing was counted.
--
-- What is slow here is not Redis but each way from Lua to a command, and each Lua number that becomes a text again. So markers
-- are read and written all at once, and an amount that needs no adding stays the text that came.

local EXACT = 9007199254740991   -- 2^53-1: a score is a double, and so is every Lua number
local TOTAL = 140000000000000000 -- revenue of a shard; 64 shards together still fit 63 bits
local SPEND = '\1'               -- ends the name of a customer's spend; no user id holds a control character

local totals, top, month_orders, month_revenue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local places, wrong, in_month, sizes = tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local call, byte = redis.pcall, string.byte
local n = #wrong
local digest, fingerprint, user_of, value_of, month_name = 6, 6 + n, 6 + 2 * n, 6 + 3 * n, 6 + 4 * n

local revenue, other = open_store(totals, ARGV[1])
if other then return other end
local ranked = redis.call('ZCARD', top)
local room = EXACT - revenue -- while the new revenue fits in here, no customer can pass EXACT

-- First decide, without changing anything.

local found, written = find_seen(sizes, 4 + n, digest, tonumber(ARGV[2]))
local outcome, users, new, marks = {}, {}, {}, {}
local spent, count, bucket = {}, {}, {}
local by_month, value_by_month = {}, {}
local recorded, duplicates, mismatches, sum = 0, 0, 0, 0

local before_part = 0
for part = 1, #sizes do
  local fresh, last = {}, before_part + byte(sizes, part)
  marks[part] = fresh
  for i = before_part + 1, last do
    local id, content = ARGV[digest + i], ARGV[fingerprint + i]
    local before = found[i] or new[id]
    if not before then
      local user, value = ARGV[user_of + i], ARGV[value_of + i]
      local mine = spent[user]
      local fits = sum + value <= room
      if not fits then
        local spend = redis.call('HGET', KEYS[4 + i], user .. SPEND)
        fits = (spend or 0) + (mine or 0) + value <= EXACT and revenue + sum + value <= TOTAL
      end
      if fits then
        outcome[i] = 'r'
        new[id] = content
        recorded, sum = recorded + 1, sum + value
        fresh[#fresh + 1], fresh[#fresh + 2] = id, content
        if mine then
          spent[user], count[user] = mine + value, count[user] + 1
        else
          spent[user], count[user], bucket[user] = value, '1', KEYS[4 + i]
          users[#users + 1] = user
        end
        local month = byte(in_month, i)
        by_month[month], value_by_month[month] = (by_month[month] or 0) + 1, (value_by_month[month] or 0) + value
        if byte(wrong, i) == 49 then mismatches = mismatches + 1 end
      else
        outcome[i] = 'o'
      end
    elseif before == content then
      outcome[i] = 'd'
      duplicates = duplicates + 1
    else
      outcome[i] = 'c'
    end
  end
  before_part = last
end

-- Then write. What follows from where it stopped is taken back: whole customers, then what stands in the journal.

local journal = {}
local function give_up(customers, reply)
  for i = #journal, 1, -1 do
    local key, field, amount = unpack(journal[i])
    if redis.call('HINCRBY', key, field, -amount) == 0 then redis.call('HDEL', key, field) end
  end
  for i = 1, customers do
    local user = users[i]
    local key = bucket[user]
    redis.call('HINCRBY', key, user .. SPEND, -spent[user])
    if redis.call('HINCRBY', key, user, -count[user]) == 0 then redis.call('HDEL', key, user, user .. SPEND) end
  end
  for part, fresh in ipairs(marks) do
    for i = 1, #fresh, 2 do redis.call('HDEL', written[part], fresh[i]) end
  end
  return reply
end

for part, fresh in ipairs(marks) do
  if #fresh > 0 then
    local reply = call('HSET', written[part], unpack(fresh))
    if type(reply) == 'table' then return give_up(0, reply) end
  end
end

-- A spend only ever grows, so who is below the last place that is asked for needs none until an order of theirs lifts them to it.
local last = 0
if ranked >= places then last = tonumber(redis.call('ZRANGE', top, -places, -places, 'WITHSCORES')[2]) end
local lifted = {}
for i = 1, #users do
  local user = users[i]
  local key, amount = bucket[user], spent[user]
  local reply = call('HINCRBY', key, user, count[user])
  if type(reply) == 'table' then return give_up(i - 1, reply) end
  local spend = call('HINCRBY', key, user .. SPEND, amount)
  if type(spend) == 'table' then
    if redis.call('HINCRBY', key, user, -count[user]) == 0 then redis.call('HDEL', key, user) end
    return give_up(i - 1, spend)
  end
  if spend >= last then
    lifted[#lifted + 1], lifted[#lifted + 2] = spend, user
  end
end

local failed
local function add(key, field, amount)
  local reply = call('HINCRBY', key, field, amount)
  if type(reply) == 'table' then
    failed = reply
    return false
  end
  journal[#journal + 1] = {key, field, amount}
  return true
end
for month, orders in pairs(by_month) do
  local name = ARGV[month_name + month]
  if not (add(month_orders, name, orders) and add(month_revenue, name, value_by_month[month])) then
    return give_up(#users, failed)
  end
end
if not ((recorded == 0 or add(totals, 'orders', recorded) and add(totals, 'revenue', sum))
    and (duplicates == 0 or add(totals, 'duplicates', duplicates))
    and (mismatches == 0 or add(totals, 'mismatches', mismatches))) then
  return give_up(#users, failed)
end

-- Last the leaderboard, which can't fail any more: its type was looked at, and its scores are numbers.
if #lifted > 0 then
  redis.call('ZADD', top, unpack(lifted))
  if ranked + #lifted / 2 > 2 * places then redis.call('ZREMRANGEBYRANK', top, 0, -places - 1) end
end
return table.concat(outcome)
