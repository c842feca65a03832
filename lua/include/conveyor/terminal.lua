local function is_terminal(state)
  return state == 'completed' or state == 'failed'
end
