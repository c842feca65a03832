-- Scripts run inside Redis: Lua 5.1 with its libraries, and these globals.
std = 'lua51'
read_globals = { 'redis', 'cjson', 'cmsgpack', 'struct', 'bit', 'KEYS', 'ARGV' }
max_line_length = 120
