-- Scripts are checked as they are written, before build.rs puts the includes in place: a script may read what the
-- includes define, and an include defines it for others.
std = 'lua51'
max_line_length = 130
-- Used by the functions that build.rs puts in place of the include lines.
ignore = { "211/rcall" }
read_globals = { 'redis', 'cjson', 'KEYS', 'ARGV' }

local shared = {
  'rcall',
  'dedup_release', 'dedup_retake',
  'index_add', 'index_check', 'index_remove',
  'int', 'server_ms',
  'is_owner', 'is_readable', 'is_state', 'is_terminal',
  'metric_format', 'metric_parse', 'metric_record',
  'order_add', 'order_drop', 'order_put', 'order_queue_up', 'order_rescore', 'order_retire', 'order_synced', 'order_tag',
  'priority_of',
  'recall', 'remember',
  'remove_job', 'save_job', 'score_of',
}
local pikku = {
  'rcall', 'ABANDONED',
  'attempt_members', 'attempt_number', 'attempt_put',
  'begin_attempt',
  'claim_done', 'is_abandoned', 'is_taken', 'lease_begin',
  'note_step',
  'read_steps',
}
-- `rcall` may be there for the includes only.
files['lua/conveyor'] = { read_globals = shared, ignore = { '211/rcall' } }
files['lua/ayepi'] = { read_globals = { 'exactly_once' } }
files['lua/nvent'] = { read_globals = { 'set_fields' } }
files['lua/pikku'] = { read_globals = pikku, ignore = { '211/rcall' } }
files['lua/include'] = { read_globals = shared, ignore = { '211', '431' } }
files['lua/include/pikku'] = { read_globals = pikku, ignore = { '211', '431' } }
