-- A whole number as decimal text. Lua's own conversion keeps 14 digits and then turns to exponents.
local function whole(number)
  return string.format('%.0f', number)
end
