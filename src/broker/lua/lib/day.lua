-- The UTC date of an instant in Unix seconds, as YYYY-MM-DD. Scripts have no os.date, so the Gregorian calendar is
-- worked out here, in years that begin on 1 March: then the leap day is the last day of its year.
local function utc_day(seconds)
  local days = math.floor(seconds / 86400) + 719468 -- since 0000-03-01
  local era = math.floor(days / 146097) -- 400 years
  local day_of_era = days - era * 146097
  local year_of_era = math.floor(
    (day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365
  )
  local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local shifted_month = math.floor((5 * day_of_year + 2) / 153) -- 0 = March
  local day = day_of_year - math.floor((153 * shifted_month + 2) / 5) + 1
  local month = shifted_month < 10 and shifted_month + 3 or shifted_month - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02d', year, month, day)
end
