-- Entries that were read at least that long ago and not acknowledged: id, consumer, idle milliseconds, deliveries, and of its fields
-- the event id, kind, repository and number.
-- KEYS: stream. ARGV: group, milliseconds, how many at most.
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', ARGV[3])
if pending.err then
  -- No group: nobody of ours ever read there.
  if pending.err:find('NOGROUP', 1, true) then
    return {}
  end
  return pending
end
local found = {}
for _, entry in ipairs(pending) do
  local about = {eventId = '', kind = '', repo = '', issueNumber = ''}
  -- The entry itself may be gone from the stream while its reader still owes an answer.
  local held = redis.call('XRANGE', KEYS[1], entry[1], entry[1])[1]
  if held then
    for at = 1, #held[2], 2 do
      if about[held[2][at]] then
        about[held[2][at]] = held[2][at + 1]
      end
    end
  end
  found[#found + 1] =
    {entry[1], entry[2], entry[3], entry[4], about.eventId, about.kind, about.repo, about.issueNumber}
end
return found
