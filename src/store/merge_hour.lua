-- Merges one node's bitmap of an hour into the hour's bitmap and writes the count of the result.
-- Absolute and repeatable: running it again, late, twice or after another node changes nothing that is not true.
-- KEYS: 1 the hour's bitmap, 2 a scratch key, 3 the hash of the day's counts
-- ARGV: 1 the node's bitmap, 2 the field of the hour's count
redis.call('SET', KEYS[2], ARGV[1])
redis.call('BITOP', 'OR', KEYS[1], KEYS[1], KEYS[2])
redis.call('DEL', KEYS[2])
if redis.call('HLEN', KEYS[3]) < 48 then
  for hour = 0, 23 do
    local field = string.format('%02d', hour)
    redis.call('HSETNX', KEYS[3], field, 0)
    redis.call('HSETNX', KEYS[3], field .. ':online', 0)
  end
end
local count = redis.call('BITCOUNT', KEYS[1])
redis.call('HSET', KEYS[3], ARGV[2], count)
return count
