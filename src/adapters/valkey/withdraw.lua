-- Takes an entry and its own signal back, unless a consumer has read it: 'removed', 'taken', or 'missing'.
-- KEYS: stream, signals, dispatched. ARGV: group, event id.
local id = redis.call('GET', KEYS[3])
if not id or #redis.call('XRANGE', KEYS[1], id, id) == 0 then
  return 'missing'
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for at = 1, #group, 2 do
    about[group[at]] = group[at + 1]
  end
  if about['name'] == ARGV[1] then
    local unread = redis.call('XREVRANGE', KEYS[1], id, '(' .. about['last-delivered-id'], 'COUNT', 1)
    if #unread == 0 then
      return 'taken'
    end
  end
end
redis.call('XDEL', KEYS[1], id)
redis.call('LREM', KEYS[2], 0, ARGV[2])
return 'removed'
