-- Notes how far a node has written, if Redis still has what it noted last: otherwise something was lost meanwhile.
-- KEYS: 1 the node's key
-- ARGV: 1 what it must hold, 2 what it is to hold
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
