-- Records a chunk of orders of one shard. Each order is counted in every figure or in none, and the
-- whole script is one atomic step. When a command fails, all that was written is rolled back and
-- its error is returned.
--
-- KEYS  totals (hash), top (zset), months (hash), days (hash), customers (string)
--       for each order the bucket of its customer (hash)
--       for each segment its two hashes of markers
-- ARGV  layout, retention of a marker in seconds
--       archived: see check_age; not '' means that the orders are replayed: no duplicate is counted
--       healing: '1' when what is recorded adds to the healed orders, else ''
--       mismatched: a character for each order, '1' when its stated value was overridden, else '0'
--       month_of: a byte for each order, the position of its month in the last section, from 1
--       groups: two bytes for each order, the group of its customer's bucket
--       day_of: a byte for each order, the position of its day among the entries, from 1
--       entries: day, orders and cents in MessagePack, of each day
--       sizes: a byte for each segment, how many orders are of it; the orders come by segment
--       then, for all n orders each: digests of their ids, fingerprints, customers, values in cents
--       then the months, YYYY-MM
--
-- Two orders of May 2024, of different segments, the second with a wrong value:
--
--   KEYS  {o0}totals {o0}top {o0}months {o0}days {o0}customers
--         {o0}u17 {o0}u905
--         {o0}seen:0:0 {o0}seen:0:1 {o0}seen:3:0 {o0}seen:3:1
--   ARGV  2:1:UTC 34560000 '' ''
--         01 \1\1 \0\0\0\28 \1\1 <day, 2, 5250> \1\1
--         <digest 1> <digest 2> <fingerprint 1> <fingerprint 2> U1 U2 4000 1250
--         2024-05
--
-- Returns one character for each order: RECORDED, DUPLICATE, CONFLICT or OVERFLOW; here rr.
--
-- Most of the time goes into the step from Lua to each command, and into writing Lua numbers as
-- text. So markers are read and written all at once, and an amount that needs no addition stays the
-- text that came. A file of old orders has nearly as many days as orders: days are kept as entries
-- and added to their figures in bulk.

local call, byte = redis.call, string.byte
local keys, args = KEYS, ARGV -- a local is faster than a global

local totals, top, months, days, customers = keys[1], keys[2], keys[3], keys[4], keys[5]
local retention, archived, healing = tonumber(args[2]), args[3], args[4]
local mismatched, month_of, groups = args[5], args[6], args[7]
local day_of, entries, sizes = args[8], args[9], args[10]

local n = #mismatched
local bucket_key, segment_key = 5, 5 + n
local digest, fingerprint, customer, value_of = 10, 10 + n, 10 + 2 * n, 10 + 3 * n
local month_name = 10 + 4 * n

-- decide settles the outcome of each order without changing anything. It returns the outcomes and
-- what there is to write.
local function decide(revenue, found, stale)
  local outcome, new, markers = {}, {}, {}
  local users, first_of, orders_of, spend_of = {}, {}, {}, {}
  local orders_in, revenue_in = {}, {} -- by position of the month
  local user_count, recorded, duplicates, mismatches, sum = 0, 0, 0, 0, 0
  local room = MAX_SPEND - revenue -- while the new revenue fits in it, no spend can pass the limit

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
        if stale[i] then
          fresh[size + 1], fresh[size + 2] = id, content
          size = size + 2
        end
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
            orders_of[user], spend_of[user], first_of[user] = '1', value, i
            user_count = user_count + 1
            users[user_count] = user
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
    users = users, first_of = first_of, orders_of = orders_of, spend_of = spend_of,
    orders_in = orders_in, revenue_in = revenue_in,
    recorded = recorded,
    sums = {
      [ORDERS] = recorded,
      [REVENUE] = sum,
      [MISMATCHES] = mismatches,
      [DUPLICATES] = archived == '' and duplicates or 0,
      [HEALED] = healing == '1' and recorded or 0,
    },
  }
end

-- How far write came, for roll_back.
local marked, counted, spent = 0, 0, 0 -- segments, users, users
local slot -- the field of the entries
local journal = {} -- key, field, amount, key, …

local function add(key, field, amount)
  local sum = call('HINCRBY', key, field, amount)
  local at = #journal
  journal[at + 1], journal[at + 2], journal[at + 3] = key, field, amount
  return sum
end

local MASKS = {128, 64, 32, 16, 8, 4, 2, 1} -- of the bits of a byte, as SETBIT counts them

-- index_customers sets the bits of the groups of new customers, given their first orders. A bit may
-- be set without a customer, never the other way round: so it need not be rolled back. Arithmetic
-- takes less time here than the functions of bit and math.
local function index_customers(new)
  if #new == 0 then return end
  local bits = call('GET', customers) or ''
  for _, i in ipairs(new) do
    local high, low = byte(groups, 2 * i - 1, 2 * i)
    local position = low % 8
    local mask = MASKS[position + 1]
    local eight = byte(bits, 32 * high + (low - position) / 8 + 1) or 0
    if eight % (2 * mask) < mask then call('SETBIT', customers, 256 * high + low, 1) end
  end
end

-- add_entry adds to the sums of a day, which are {orders, cents}.
local function add_entry(sums, day, orders, cents)
  local sum = sums[day]
  if sum then
    sum[1], sum[2] = sum[1] + orders, sum[2] + cents
  else
    sums[day] = {orders, cents}
  end
end

-- entries_of returns the entries of the orders that are recorded.
local function entries_of(outcomes, recorded)
  if recorded == n then return entries end
  local list, sums, kept = {cmsgpack.unpack(entries)}, {}, {}
  for i = 1, n do
    if byte(outcomes, i) == byte(RECORDED) then
      add_entry(sums, list[3 * byte(day_of, i) - 2], 1, tonumber(args[value_of + i]))
    end
  end
  for day, sum in pairs(sums) do kept[#kept + 1] = cmsgpack.pack(day, sum[1], sum[2]) end
  return table.concat(kept)
end

-- add_days keeps the entries in a slot. When all slots are used, their entries are added to the
-- days.
local function add_days(chosen)
  local used = add(days, SLOT, 1)
  slot = SLOT .. used
  call('HSET', days, slot, chosen)
  if used < SLOTS then return end

  local slots, sums = {SLOT}, {}
  for i = 1, used do slots[i + 1] = SLOT .. i end
  local kept = call('HMGET', days, unpack(slots))
  for i = 2, #kept do
    local list = {cmsgpack.unpack(kept[i] or '')}
    for at = 1, #list, 3 do add_entry(sums, list[at], list[at + 1], list[at + 2]) end
  end
  for day, sum in pairs(sums) do
    local name = ('%d'):format(day) -- faster than the text of a number that a command gets
    add(days, name, ('%d'):format(sum[1]))
    add(days, name .. CENTS, ('%d'):format(sum[2]))
  end
  call('HDEL', days, unpack(slots))
end

-- write adds what was decided. current is for each segment the hash that its markers go to. It
-- returns the customers who reach the leaderboard's lowest spend: spend, user, spend, …
local function write(outcomes, plan, current, lowest)
  for segment, fresh in ipairs(plan.markers) do
    if #fresh > 0 then call('HSET', current[segment], unpack(fresh)) end
    marked = segment
  end

  local lifted, new = {}, {}
  local users, first_of, orders_of, spend_of =
    plan.users, plan.first_of, plan.orders_of, plan.spend_of
  for i = 1, #users do
    local user = users[i]
    local first = first_of[user]
    local bucket = keys[bucket_key + first]
    local orders = call('HINCRBY', bucket, user, orders_of[user])
    counted = i
    local spend = call('HINCRBY', bucket, user .. CENTS, spend_of[user])
    spent = i
    if spend >= lowest then lifted[#lifted + 1], lifted[#lifted + 2] = spend, user end
    if orders == 1 or orders == orders_of[user] then new[#new + 1] = first end
  end
  index_customers(new)

  for month, orders in pairs(plan.orders_in) do
    local name = args[month_name + month]
    add(months, name, orders)
    add(months, name .. CENTS, plan.revenue_in[month])
  end
  for field, amount in pairs(plan.sums) do
    if amount > 0 then add(totals, field, amount) end
  end
  if plan.recorded > 0 then add_days(entries_of(outcomes, plan.recorded)) end
  return lifted
end

local function subtract(key, field, amount)
  if call('HINCRBY', key, field, -amount) == 0 then call('HDEL', key, field) end
end

-- roll_back undoes what write did before it failed.
local function roll_back(plan, current)
  for at = 1, #journal, 3 do subtract(journal[at], journal[at + 1], journal[at + 2]) end
  if slot then call('HDEL', days, slot) end
  for i = 1, spent do
    local user = plan.users[i]
    local bucket = keys[bucket_key + plan.first_of[user]]
    call('HINCRBY', bucket, user .. CENTS, -plan.spend_of[user])
  end
  for i = 1, counted do
    local user = plan.users[i]
    local bucket = keys[bucket_key + plan.first_of[user]]
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

local revenue, begun = open_store(totals, args[1])
if not revenue then return begun end
local refused = check_age(archived, begun, retention)
if refused then return refused end
local found, stale, current = find_markers(sizes, segment_key, digest, retention)

-- The leaderboard holds the highest PLACES and some more: a spend only grows, so a customer below
-- the last place needs none until an order lifts them to it.
local ranked, lowest = call('ZCARD', top), 0
if ranked >= PLACES then
  lowest = tonumber(call('ZRANGE', top, -PLACES, -PLACES, 'WITHSCORES')[2])
end

local outcomes, plan = decide(revenue, found, stale)
local ok, result = pcall(write, outcomes, plan, current, lowest)
if not ok then
  roll_back(plan, current)
  return redis.error_reply(result)
end
rank(result, ranked)
return outcomes
