-- Notes runs that have begun. Rides on scripts that go to the queue anyway. Takes three values each from ARGV[first] on: ID,
-- run, and what `mark_begun` takes. Needs: held, begun.
local function note_begun(server, lease, prefix, first, count)
  for i = first, first + 3 * count - 1, 3 do
    local id = ARGV[i]
    local task = prefix .. id
    if held_until(server .. ' ' .. ARGV[i + 1], lease, id, task) then
      mark_begun(task, ARGV[i + 2])
    end
  end
end
