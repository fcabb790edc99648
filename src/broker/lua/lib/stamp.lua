-- Writes the instant into a message that came without it: head, the field's tag byte, now as a protobuf varint, tail.
-- An empty tag means that the message carries no instant. Needs: time.
local function varint(number)
  local bytes = {}
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  bytes[#bytes + 1] = string.char(number)
  return table.concat(bytes)
end

local function stamped(head, tag, tail)
  if tag == '' then
    return head .. tail
  end
  return head .. tag .. varint(now_s) .. tail
end
