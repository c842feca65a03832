//! connect, listQueues, findJobById, metrics, and the searches.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store, When, jobs_of};

#[test]
fn connecting_writes_the_schema_version() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    assert_eq!(store.global("connect", &[]).text(), "OK");
    assert_eq!(store.client.command(&["GET", "p:schema"]).text(), "redis-v1");
}

#[test]
fn the_overview_tells_counts_pauses_activity_and_repeats() {
    let server = Server::start();
    let mut store = Store::new(&server, "b*[1]");
    assert_eq!(store.global("listQueues", &[]), Reply::List(vec![]));
    store.save_bulk(&(0..1300).map(|n| Job::new(&format!("j{n}")).with("createdAt", n)).collect::<Vec<_>>());
    store.save(
        &Job::new("done").with("state", "completed").with("completedAt", "9000").with("createdAt", "1"),
    );
    let repeat = |id: &str, rule: &str| Job::new(id).with("opts", format!("{{\"repeat\":{rule}}}"));
    store.save(&repeat("r1", "{\"every\":5}").with("state", "delayed").with("delayUntil", "99999"));
    store.save(&repeat("r2", "{}").with("state", "active"));
    store.save(&repeat("r3", "null"));
    store.save(&repeat("r4", "0"));
    store.client.command(&["HSET", &store.key("job:j5"), "createdAt", "broken"]);
    store.client.command(&["RPUSH", &store.key("waiting"), "ghost"]);
    store.plain("pauseJobName", &["__all__"]);
    store.queue = "a".into();
    store.save(&Job::new("x").with("createdAt", "7"));
    store.plain("removeJob", &["x"]);
    for n in 0..2000 {
        store.client.command(&["SET", &format!("elsewhere:{n}"), "x"]);
    }
    let mut overview = Reply::Nil;
    let trips = store.trips(|store| overview = store.global("listQueues", &[]));
    assert_eq!(trips, 3, "the names, the first windows of all indexes, the other windows");
    let row = |values: &[i64]| values.iter().map(|n| Reply::Int(*n)).collect::<Vec<_>>();
    let [a, b] = overview.list() else { panic!("{overview:?}") };
    assert_eq!(a.list()[0].text(), "a");
    assert_eq!(a.list()[1..8], row(&[0; 7]));
    assert_eq!(a.list()[8..], [Reply::Nil, Reply::Int(0)]);
    assert_eq!(b.list()[0].text(), "b*[1]");
    assert_eq!(b.list()[1..], row(&[1303, 0, 1, 1, 1, 0, 1, 9000, 2]));
}

#[test]
fn a_job_is_found_in_whichever_queue_it_is() {
    let server = Server::start();
    let mut store = Store::new(&server, "a");
    assert_eq!(store.global("findJobById", &[Some("x")]), Reply::Nil);
    store.save(&Job::new("x"));
    store.queue = "b".into();
    store.save(&Job::new("y"));
    let trips = store.trips(|store| {
        assert_eq!(store.global("findJobById", &[Some("y")]).list()[0].text(), "y");
    });
    assert_eq!(trips, 2);
    assert_eq!(store.global("findJobById", &[Some("z")]), Reply::Nil);
}

fn finish(store: &mut Store, id: &str, name: &str, state: &str, took: i64) {
    store.save(&Job::new(id).with("name", name).with("state", "active").with("processedAt", "1000"));
    let ended = (1000 + took).to_string();
    let field = if state == "completed" { "completedAt" } else { "failedAt" };
    let when = When { metrics: true, ..When::default() };
    let changes = [("state", Some(state)), (field, Some(ended.as_str()))];
    assert_eq!(store.update(id, &changes, &when), Reply::Int(1));
    assert_eq!(store.update(id, &changes, &when), Reply::Int(1), "counted at the transition only");
}

/// Rows without their period.
fn metrics(store: &mut Store, granularity: &str) -> Vec<(String, Vec<Reply>)> {
    let rows = store.plain("getMetrics", &[granularity, "0", "99999999999999"]);
    rows.list().iter().map(|row| (row.list()[0].text().to_owned(), row.list()[2..].to_vec())).collect()
}

fn row(name: &str, values: &[i64]) -> (String, Vec<Reply>) {
    (name.to_owned(), values.iter().map(|n| Reply::Text(n.to_string())).collect())
}

#[test]
fn metrics_are_counted_by_name_and_hours_are_never_counted_twice() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    // A minute that changes between two reads would split the rows: begin early in one.
    let late = store.server_ms() % 60_000;
    if late > 55_000 {
        std::thread::sleep(std::time::Duration::from_millis((60_050 - late) as u64));
    }
    finish(&mut store, "1", "mail", "completed", 10);
    finish(&mut store, "2", "mail", "completed", 30);
    finish(&mut store, "3", "video", "failed", 5);
    let expected = [
        row("__all__", &[2, 1, 45, 5, 30]),
        row("mail", &[2, 0, 40, 10, 30]),
        row("video", &[0, 1, 5, 5, 5]),
    ];
    assert_eq!(metrics(&mut store, "minute"), expected);
    assert_eq!(metrics(&mut store, "hour"), []);
    for _ in 0..3 {
        store.global("aggregateMetrics", &[Some("1440"), Some("720")]);
        assert_eq!(metrics(&mut store, "hour"), expected);
    }
    finish(&mut store, "4", "mail", "completed", 50);
    store.global("aggregateMetrics", &[Some("1440"), Some("720")]);
    assert_eq!(metrics(&mut store, "hour")[1], row("mail", &[3, 0, 90, 10, 50]));
    let now = store.server_ms();
    let rows = store.plain("getMetrics", &["hour", "0", "99999999999999"]);
    assert_eq!(rows.list()[0].list()[1].int(), now - now % 3_600_000);
    assert_eq!(store.plain("getMetrics", &["minute", "0", "5"]), Reply::List(vec![]));
    assert!(store.try_plain("getMetrics", &["day", "0", "5"]).is_err());
}

#[test]
fn metrics_past_their_retention_are_dropped_after_they_were_added_to_their_hour() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    let hour = store.server_ms() / 3_600_000 * 3_600_000 - 7_200_000;
    for n in 0..1001 {
        let period = (hour - n * 60_000).to_string();
        store.client.command(&["ZADD", &store.key("x:m:minute"), &period, &period]);
        store.client.command(&["HSET", &store.key(&format!("x:m:minute:{period}")), "v__all__", "1 0 4 4 4"]);
    }
    assert_eq!(store.global("aggregateMetrics", &[Some("60"), Some("720")]), Reply::Int(1001));
    let hours = metrics(&mut store, "hour");
    assert_eq!(hours.len(), 18);
    let sum: i64 = hours.iter().map(|(_, values)| values[0].int()).sum();
    assert_eq!(sum, 1001);
    for _ in 0..3 {
        store.global("aggregateMetrics", &[Some("60"), Some("4")]);
    }
    assert_eq!(metrics(&mut store, "minute"), []);
    assert_eq!(store.client.command(&["KEYS", "*x:m:minute*"]).texts(), [""; 0]);
    assert!(metrics(&mut store, "hour").len() <= 3);
}

#[test]
fn no_metrics_are_counted_unless_asked_for() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    store.update("a", &[("state", Some("completed"))], &When::default());
    assert_eq!(metrics(&mut store, "minute"), []);
}

#[test]
fn everything_reads_the_same_over_resp3() {
    let server = Server::start();
    let mut store = library(&server);
    let now = store.server_ms().to_string();
    store.save(&Job::new("d").with("state", "delayed").with("delayUntil", "77").with("createdAt", &now));
    finish(&mut store, "m", "mail", "completed", 10);
    store.global("aggregateMetrics", &[Some("9"), Some("9")]);
    let read = |store: &mut Store| {
        let all = [None, None, None, None, Some("0"), Some("50")];
        vec![
            store.plain("getNextDelayedTimestamp", &[]),
            store.plain("getMetrics", &["hour", "0", "99999999999999"]),
            store.plain("getJob", &["1"]),
            store.plain("getJob", &["missing"]),
            store.plain("findByDeduplicationKey", &["missing"]),
            store.plain("getPausedJobNames", &[]),
            store.plain("getJobCounts", &[]),
            store.global("listQueues", &[]),
            store.global("searchJobs", &all),
            store.global("findJobById", &[Some("5")]),
        ]
    };
    let resp2 = read(&mut store);
    store.client.command(&["HELLO", "3"]);
    assert_eq!(read(&mut store), resp2);
}

fn library(server: &Server) -> Store {
    let mut store = Store::new(server, "books");
    let jobs = [
        ("1", "Send-Mail", "waiting", "{\"to\":\"Ann\"}"),
        ("2", "resize", "completed", "{\"by\":\"ANN\"}"),
        ("3", "send-sms", "failed", "{\"to\":\"Bob\"}"),
        ("4", "mailbox", "active", "null"),
    ];
    for (at, (id, name, state, data)) in jobs.into_iter().enumerate() {
        let job = Job::new(id)
            .with("name", name)
            .with("state", state)
            .with("data", data)
            .with("createdAt", 100 + at);
        store.save(&job.with("childrenIds", if at > 1 { "[\"c\"]" } else { "[]" }));
    }
    store.queue = "films".into();
    store.save(&Job::new("5").with("name", "email").with("createdAt", "50"));
    store.client.command(&["HDEL", "{p:films}:job:5", "data"]);
    store.queue = "books".into();
    store
}

fn found(reply: &Reply) -> Vec<String> {
    jobs_of(reply).iter().map(|job| job.id().to_owned()).collect()
}

#[test]
fn payloads_are_searched_in_any_case_and_the_oldest_come_first() {
    let server = Server::start();
    let mut store = library(&server);
    assert_eq!(store.ids("searchByPayload", &["ann", "50"]), ["1", "2"]);
    assert_eq!(store.ids("searchByPayload", &["ANN", "1"]), ["1"]);
    assert_eq!(store.ids("searchByPayload", &["null", "50"]), ["4"]);
    assert_eq!(store.ids("searchByPayload", &["", "50"]), ["1", "2", "3", "4"]);
    assert_eq!(store.ids("searchByPayload", &[".*", "50"]), [""; 0]);
    store.queue = "films".into();
    assert_eq!(store.ids("searchByPayload", &["null", "50"]), ["5"], "no payload is null");
}

#[test]
fn names_are_searched_in_one_queue_or_all_and_the_newest_come_first() {
    let server = Server::start();
    let mut store = library(&server);
    let mut search =
        |query, queue, limit| found(&store.global("searchByName", &[Some(query), queue, Some(limit)]));
    assert_eq!(search("MAIL", None, "50"), ["4", "1", "5"]);
    assert_eq!(search("mail", Some("books"), "50"), ["4", "1"]);
    assert_eq!(search("mail", None, "1"), ["4"]);
    assert_eq!(search("send", Some("films"), "50"), [""; 0]);
}

#[test]
fn flow_parents_are_the_jobs_with_children() {
    let server = Server::start();
    let mut store = library(&server);
    let mut parents = |state, limit| found(&store.global("listFlowParents", &[state, Some(limit)]));
    assert_eq!(parents(None, "100"), ["4", "3"]);
    assert_eq!(parents(None, "1"), ["4"]);
    assert_eq!(parents(Some("failed"), "100"), ["3"]);
    assert_eq!(parents(Some("waiting"), "100"), [""; 0]);
}

#[test]
fn a_search_by_several_filters_tells_the_total_and_one_page() {
    let server = Server::start();
    let mut store = library(&server);
    let mut search = |filter: &[Option<&str>]| {
        let reply = store.global("searchJobs", filter);
        (reply.list()[0].int(), found(&reply.list()[1]))
    };
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        search(&[None, None, None, None, Some("0"), Some("50")]),
        (5, ids(&["4", "3", "2", "1", "5"]))
    );
    assert_eq!(search(&[None, None, None, None, Some("1"), Some("3")]), (5, ids(&["3", "2"])));
    let all = [Some("books"), Some("send"), Some("100"), Some("102"), Some("0"), Some("50")];
    assert_eq!(search(&all), (2, ids(&["3", "1"])));
    let failed = [&all[..], &[Some("failed"), Some("active")]].concat();
    assert_eq!(search(&failed), (1, ids(&["3"])));
    assert_eq!(search(&[None, None, Some("101.5"), None, Some("5"), Some("1")]), (2, ids(&[])));
}

#[test]
fn a_search_goes_through_long_indexes() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(
        &(0..5100).map(|n| Job::new(&format!("j{n}")).with("name", format!("n{n}"))).collect::<Vec<_>>(),
    );
    assert_eq!(found(&store.global("searchByName", &[Some("n5099"), None, Some("9")])), ["j5099"]);
    assert_eq!(found(&store.global("searchByName", &[Some("n1"), None, Some("2000")])).len(), 1111);
}
