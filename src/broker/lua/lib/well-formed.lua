-- Whether an ID is well-formed UTF-8 (RFC 3629). One that is not can neither stand in a message nor be named back by
-- the runtime, which works with text: it would lie in `active` and `lease` for ever.
local function second_byte_fits(lead, byte)
  local low, high = 128, 191
  if lead == 224 then
    low = 160
  elseif lead == 237 then
    high = 159
  elseif lead == 240 then
    low = 144
  elseif lead == 244 then
    high = 143
  end
  return byte >= low and byte <= high
end

local function is_utf8(text)
  if string.find(text, '^[^\128-\255]*$') then -- half the price of a search
    return true
  end
  local at = string.find(text, '[\128-\255]')
  while at do
    local lead, second = string.byte(text, at, at + 1)
    local more = (lead >= 194 and lead <= 223 and 1) or (lead >= 224 and lead <= 239 and 2)
      or (lead >= 240 and lead <= 244 and 3)
    if not more or not second or not second_byte_fits(lead, second) then
      return false
    end
    for i = at + 2, at + more do
      local byte = string.byte(text, i)
      if not byte or byte < 128 or byte > 191 then
        return false
      end
    end
    at = string.find(text, '[\128-\255]', at + more + 1)
  end
  return true
end
