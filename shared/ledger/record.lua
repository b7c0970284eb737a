-- Records a chunk of orders of one shard. Each order is counted in every figure or in none, and the
-- whole script is one atomic step. When a command fails, all that was written is rolled back and its
-- error is returned.
--
-- KEYS  totals (hash), top (zset), periods (hash)
--       for each order the bucket of its customer (hash)
--       for each segment its two hashes of markers
-- ARGV  layout, retention of a marker in seconds
--       mismatched: a character for each order, '1' when its stated value was overridden, else '0'
--       month_of: a byte for each order, the position of its month in the last section, from 1
--       sizes: a byte for each segment, how many orders are of it; the orders come by segment
--       then, for all n orders each: digests of their ids, fingerprints, customers, values in cents
--       then the months, YYYY-MM
--
-- Two orders of May 2024, of different segments, the second with a wrong value:
--
--   KEYS  {o0}totals {o0}top {o0}periods
--         {o0}u17 {o0}u905
--         {o0}seen:0:0 {o0}seen:0:1 {o0}seen:3:0 {o0}seen:3:1
--   ARGV  2:1 34560000
--         01 \1\1 \1\1
--         <digest 1> <digest 2> <fingerprint 1> <fingerprint 2> U1 U2 4000 1250
--         2024-05
--
-- Returns one character for each order: RECORDED, DUPLICATE, CONFLICT or OVERFLOW; here rr.
--
-- Most of the time goes into the step from Lua to each command, and into writing Lua numbers as text.
-- So markers are read and written all at once, and an amount that needs no addition stays the text
-- that came.

local call, byte = redis.call, string.byte
local keys, args = KEYS, ARGV -- a local is faster than a global

local totals, top, periods = keys[1], keys[2], keys[3]
local bucket_key, segment_key = 3, 3 + #args[3]

local mismatched, month_of, sizes = args[3], args[4], args[5]
local n = #mismatched
local digest, fingerprint, customer, value_of = 5, 5 + n, 5 + 2 * n, 5 + 3 * n
local month_name = 5 + 4 * n

-- decide settles the outcome of each order without changing anything. It returns the outcomes and
-- what there is to write.
local function decide(revenue, found)
  local outcome, new, markers = {}, {}, {}
  local users, orders_of, spend_of, bucket_of = {}, {}, {}, {}
  local orders_in, revenue_in = {}, {} -- by position of the month
  local customers, recorded, duplicates, mismatches, sum = 0, 0, 0, 0, 0
  local room = MAX_SPEND - revenue -- while the new revenue fits in here, no spend can pass the limit

  -- fits looks closer, when the room is used up.
  local function fits(i, value, spend)
    local before = call('HGET', keys[bucket_key + i], args[customer + i] .. CENTS)
    return (before or 0) + (spend or 0) + value <= MAX_SPEND
      and revenue + sum + value <= MAX_REVENUE
  end

  local last = 0
  for segment = 1, #sizes do
    local fresh, size, first = {}, 0, last + 1
    markers[segment] = fresh
    last = last + byte(sizes, segment)
    for i = first, last do
      local id, content = args[digest + i], args[fingerprint + i]
      local before = found[i] or new[id]
      if before == content then
        outcome[i] = DUPLICATE
        duplicates = duplicates + 1
      elseif before then
        outcome[i] = CONFLICT
      else
        local user, value = args[customer + i], args[value_of + i]
        local spend = spend_of[user]
        if sum + value <= room or fits(i, value, spend) then
          outcome[i] = RECORDED
          new[id] = content
          fresh[size + 1], fresh[size + 2] = id, content
          size = size + 2
          recorded, sum = recorded + 1, sum + value
          if byte(mismatched, i) == 49 then mismatches = mismatches + 1 end

          if spend then
            orders_of[user], spend_of[user] = orders_of[user] + 1, spend + value
          else
            orders_of[user], spend_of[user], bucket_of[user] = '1', value, keys[bucket_key + i]
            customers = customers + 1
            users[customers] = user
          end

          local month = byte(month_of, i)
          orders_in[month] = (orders_in[month] or 0) + 1
          revenue_in[month] = (revenue_in[month] or 0) + value
        else
          outcome[i] = OVERFLOW
        end
      end
    end
  end
  return table.concat(outcome), {
    markers = markers, -- for each segment: digest, fingerprint, digest, …
    users = users, orders_of = orders_of, spend_of = spend_of, bucket_of = bucket_of,
    orders_in = orders_in, revenue_in = revenue_in,
    sums = {[ORDERS] = recorded, [REVENUE] = sum, [DUPLICATES] = duplicates, [MISMATCHES] = mismatches},
  }
end

-- How far write came, for roll_back.
local marked, counted, spent = 0, 0, 0 -- segments, users, users
local journal = {} -- key, field, amount, key, …

local function add(key, field, amount)
  call('HINCRBY', key, field, amount)
  local at = #journal
  journal[at + 1], journal[at + 2], journal[at + 3] = key, field, amount
end

-- write adds what was decided. current is for each segment the hash that its markers go to. It
-- returns the customers who reach the leaderboard's lowest spend: spend, user, spend, …
local function write(plan, current, lowest)
  for segment, fresh in ipairs(plan.markers) do
    if #fresh > 0 then call('HSET', current[segment], unpack(fresh)) end
    marked = segment
  end

  local lifted = {}
  local users, orders_of, spend_of, bucket_of =
    plan.users, plan.orders_of, plan.spend_of, plan.bucket_of
  for i = 1, #users do
    local user = users[i]
    local bucket = bucket_of[user]
    call('HINCRBY', bucket, user, orders_of[user])
    counted = i
    local spend = call('HINCRBY', bucket, user .. CENTS, spend_of[user])
    spent = i
    if spend >= lowest then lifted[#lifted + 1], lifted[#lifted + 2] = spend, user end
  end

  for month, orders in pairs(plan.orders_in) do
    local name = args[month_name + month]
    add(periods, name, orders)
    add(periods, name .. CENTS, plan.revenue_in[month])
  end
  for field, amount in pairs(plan.sums) do
    if amount > 0 then add(totals, field, amount) end
  end
  return lifted
end

local function subtract(key, field, amount)
  if call('HINCRBY', key, field, -amount) == 0 then call('HDEL', key, field) end
end

-- roll_back undoes what write did before it failed.
local function roll_back(plan, current)
  for at = 1, #journal, 3 do subtract(journal[at], journal[at + 1], journal[at + 2]) end
  for i = 1, spent do
    local user = plan.users[i]
    call('HINCRBY', plan.bucket_of[user], user .. CENTS, -plan.spend_of[user])
  end
  for i = 1, counted do
    local user = plan.users[i]
    local bucket = plan.bucket_of[user]
    if call('HINCRBY', bucket, user, -plan.orders_of[user]) == 0 then
      call('HDEL', bucket, user, user .. CENTS)
    end
  end
  for segment = 1, marked do
    local fresh = plan.markers[segment]
    for i = 1, #fresh, 2 do call('HDEL', current[segment], fresh[i]) end
  end
end

-- rank enters spends in the leaderboard. It can't fail: the leaderboard was read before.
local function rank(lifted, ranked)
  if #lifted == 0 then return end
  call('ZADD', top, unpack(lifted))
  if ranked + #lifted / 2 > 2 * PLACES then call('ZREMRANGEBYRANK', top, 0, -PLACES - 1) end
end

local revenue, other = open_store(totals, args[1])
if other then return other end
local found, current = find_markers(sizes, segment_key, digest, tonumber(args[2]))

-- The leaderboard holds the highest PLACES and some more: a spend only grows, so a customer below the
-- last place needs none until an order lifts them to it.
local ranked, lowest = call('ZCARD', top), 0
if ranked >= PLACES then
  lowest = tonumber(call('ZRANGE', top, -PLACES, -PLACES, 'WITHSCORES')[2])
end

local outcomes, plan = decide(revenue, found)
local ok, result = pcall(write, plan, current, lowest)
if not ok then
  roll_back(plan, current)
  return redis.error_reply(result)
end
rank(result, ranked)
return outcomes
