-- Drops the entries before the first one that some group has not acknowledged; answers how many.
-- KEYS: stream.
local function parts(id)
  local milliseconds, sequence = string.match(id, '^(%d+)%-(%d+)$')
  return tonumber(milliseconds), tonumber(sequence)
end
local function before(left, right)
  local left_ms, left_seq = parts(left)
  local right_ms, right_seq = parts(right)
  return left_ms < right_ms or (left_ms == right_ms and left_seq < right_seq)
end
local function after(id)
  local milliseconds, sequence = parts(id)
  return string.format('%.0f-%.0f', milliseconds, sequence + 1)
end

if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local keep = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for at = 1, #group, 2 do
    about[group[at]] = group[at + 1]
  end
  local pending = redis.call('XPENDING', KEYS[1], about['name'])
  local first = pending[1] > 0 and pending[2] or after(about['last-delivered-id'])
  if not keep or before(first, keep) then
    keep = first
  end
end
if not keep then
  return 0
end
return redis.call('XTRIM', KEYS[1], 'MINID', keep)
