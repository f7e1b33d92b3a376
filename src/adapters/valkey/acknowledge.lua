-- Acknowledges an entry in its reader's place, and takes back the signal that the reader left; answers 1 where it did.
-- KEYS: stream, signals. ARGV: group, entry id, event id or nothing.
local done = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if done == 1 and ARGV[3] ~= '' then
  redis.call('LREM', KEYS[2], 0, ARGV[3])
end
return done
