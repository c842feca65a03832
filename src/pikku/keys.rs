//! Names of keys, written into a request without a copy between. `P` is the caller's prefix, as it is.

use crate::redis::Request;

/// `P:run:R`, the hash of a run.
pub fn run(request: &mut Request, prefix: &[u8], id: &[u8]) {
    request.parts(&[prefix, b":run:", id]);
}

/// `P:runs`, ours: all runs by the time they were made.
pub fn runs(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":runs"]);
}

/// `P:runs-complete`, ours: is there for as long as `P:runs` is believed to name all runs.
pub fn runs_complete(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":runs-complete"]);
}

/// `P:channel:ID`, the hash of a channel.
pub fn channel(request: &mut Request, prefix: &[u8], id: &[u8]) {
    request.parts(&[prefix, b":channel:", id]);
}

/// `P:topic:TOPIC`, the set of channels that follow a topic.
pub fn topic(request: &mut Request, prefix: &[u8], topic: &[u8]) {
    request.parts(&[prefix, b":topic:", topic]);
}

/// `P:subs:CHANNELID`, the set of topics that a channel follows.
pub fn subscriptions(request: &mut Request, prefix: &[u8], channel: &[u8]) {
    request.parts(&[prefix, b":subs:", channel]);
}

/// `P:session:USERID`, the session of a user.
pub fn session(request: &mut Request, prefix: &[u8], user: &[u8]) {
    request.parts(&[prefix, b":session:", user]);
}

/// `P:deployment:ID`, the hash of a deployment.
pub fn deployment(request: &mut Request, prefix: &[u8], id: &[u8]) {
    request.parts(&[prefix, b":deployment:", id]);
}

/// `P:fn:FUNCTION`, the deployments that serve a function, by the instant at which they expire.
pub fn function(request: &mut Request, prefix: &[u8], name: &[u8]) {
    request.parts(&[prefix, b":fn:", name]);
}

/// `P:secret:NAME`, the hash of a secret.
pub fn secret(request: &mut Request, prefix: &[u8], name: &[u8]) {
    request.parts(&[prefix, b":secret:", name]);
}

/// `P:kek-salt`, the salts of the key encryption keys by their version.
pub fn kek_salts(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":kek-salt"]);
}

/// `P:threads`, all threads by the instant of their last use.
pub fn threads(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":threads"]);
}

/// `P:thread:ID`, the hash of a thread.
pub fn thread(request: &mut Request, prefix: &[u8], id: &[u8]) {
    request.parts(&[prefix, b":thread:", id]);
}

/// `P:messages:ID`, the messages of a thread.
pub fn messages(request: &mut Request, prefix: &[u8], thread: &[u8]) {
    request.parts(&[prefix, b":messages:", thread]);
}

/// `P:thread-runs:ID`, the runs of a thread.
pub fn thread_runs(request: &mut Request, prefix: &[u8], thread: &[u8]) {
    request.parts(&[prefix, b":thread-runs:", thread]);
}

/// `P:agent-threads:AGENT`, the set of threads of an agent.
pub fn agent_threads(request: &mut Request, prefix: &[u8], agent: &[u8]) {
    request.parts(&[prefix, b":agent-threads:", agent]);
}
