-- Adds an entry and its one signal: both or neither, once per event. Answers 1 where it did, 0 where it had before.
-- KEYS: stream, signals, dispatched. ARGV: group, event id, seconds to remember it, then the fields of the entry.

-- What a script wrote before an error stays written, so whatever could fail is looked at first.
local kinds = {{KEYS[1], 'stream'}, {KEYS[2], 'list'}, {KEYS[3], 'string'}}
for _, wanted in ipairs(kinds) do
  local found = redis.call('TYPE', wanted[1]).ok
  if found ~= 'none' and found ~= wanted[2] then
    return redis.error_reply('WRONGTYPE ' .. wanted[1] .. ' holds a ' .. found .. ' where a ' .. wanted[2] .. ' belongs')
  end
end
if redis.call('EXISTS', KEYS[3]) == 1 then
  return 0
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not made.err:find('BUSYGROUP', 1, true) then
  return made
end
-- From the first write on, not even a full memory refuses the rest.
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], id, 'NX', 'EX', ARGV[3])
return 1
