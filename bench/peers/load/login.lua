-- Every login is by another user, as logins are.
local n = 0

request = function()
  n = n + 1
  return wrk.format("POST", "/login?user=user" .. n)
end
