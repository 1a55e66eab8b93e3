-- A text in which deduplication remembers ids takes no more when it is so long, in characters: see remembered.lua.
local LONG = 1000
