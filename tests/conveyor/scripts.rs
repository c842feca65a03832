//! The embedded scripts themselves.

use ferrodis::redis::script::{ALL, by_sha};

use crate::client::{Client, Reply};
use crate::server::Server;

#[test]
fn every_script_is_accepted_by_a_server_and_known_by_its_digest() {
    let server = Server::start();
    let mut client = Client::connect(&server);
    for script in ALL {
        assert_eq!(client.command(&["SCRIPT", "EXISTS", script.sha]), Reply::List(vec![Reply::Int(1)]));
        assert_eq!(by_sha(script.sha.as_bytes()).unwrap().name, script.name);
    }
}

#[test]
fn includes_are_expanded_and_scripts_keep_to_what_every_server_offers() {
    for script in ALL {
        let code: String =
            script.source.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        assert!(!script.source.contains("--- @include"), "{}", script.name);
        assert!(!script.source.starts_with("#!"), "{}", script.name);
        assert!(!code.contains("loadstring") && !code.contains("tostring("), "{}", script.name);
    }
}

#[test]
fn scripts_need_no_more_than_the_documented_permissions() {
    let server = Server::start();
    let mut client = Client::connect(&server);
    client.command(&[
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">secret",
        "resetkeys",
        "~p:*",
        "~{p:*",
        "resetchannels",
        "&p:events",
        "-@all",
        "+@read",
        "+@write",
        "+@connection",
        "+@transaction",
        "+eval",
        "+evalsha",
        "+script|load",
        "+script|exists",
        "+publish",
        "+subscribe",
        "+unsubscribe",
        "+time",
        "-@dangerous",
        "-@admin",
    ]);
    let mut store = crate::store::Store::new(&server, "q");
    store.client.command(&["AUTH", "app", "secret"]);
    let job = crate::store::Job::new("a").with("groupId", "g").with("deduplicationKey", "k");
    store.save(&job.with("opts", "{\"priority\":1}"));
    let how = crate::store::Fetch { cap: Some(1), limit: Some((9, 1000)), ..Default::default() };
    let leased = store.fetch_with("w", &how).0.unwrap();
    store.plain("extendLock", &["a", "1000"]);
    store.plain("cancelJob", &["a", "5", "{}"]);
    store.complete(&leased);
    store.tokened("retryJobs", &["completed"]);
    store.tokened("notifyChildCompleted", &["a"]);
    store.plain("failParentOnChildFailure", &["a", "r"]);
    store.tokened("promoteDelayedJobs", &["+inf"]);
    store.plain("getStalledJobs", &[]);
    store.plain("clean", &["failed", "-1000"]);
    store.global("listQueues", &[]);
    store.global("aggregateMetrics", &[Some("1"), Some("1")]);
    store.plain("drain", &[]);
    store.plain("obliterate", &["0"]);
    assert_eq!(client.command(&["ACL", "LOG"]), Reply::List(vec![]));
}
