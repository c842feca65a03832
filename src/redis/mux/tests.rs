use super::*;
use crate::error::Outcome;
use proptest::prelude::*;

fn mux() -> Mux {
    Mux::new(Limits::default(), Watch::default())
}

fn get(mux: &mut Mux, ticket: Ticket, repeat: Repeat) {
    mux.submit(ticket, repeat, 1_000, |request| {
        request.command("GET", 1).arg(b"key");
        Ok(())
    })
    .unwrap();
}

/// Writes all that is queued, as a socket would, and returns it.
fn write(mux: &mut Mux) -> Vec<u8> {
    let bytes = mux.unsent().to_vec();
    mux.wrote(bytes.len(), 0);
    bytes
}

/// Feeds `bytes` and returns the answers as text.
fn feed(mux: &mut Mux, bytes: &[u8], now: u64) -> Result<Vec<(Ticket, String)>, Error> {
    mux.space()[..bytes.len()].copy_from_slice(bytes);
    mux.read(bytes.len(), now);
    let mut answers = Vec::new();
    mux.answers(&mut answers, now)?;
    let input = mux.lend_input();
    let texts = answers
        .iter()
        .map(|a| (a.ticket, String::from_utf8_lossy(&input[a.start..a.end]).into_owned()))
        .collect();
    mux.return_input(input);
    Ok(texts)
}

#[test]
fn replies_are_matched_in_order_however_they_are_cut() {
    let mut mux = mux();
    mux.attach(0);
    for ticket in 0..3 {
        get(&mut mux, ticket, Repeat::Freely);
    }
    write(&mut mux);
    let mut seen = Vec::new();
    for byte in b"$1\r\na\r\n$-1\r\n-WRONGTYPE no\r\n" {
        seen.extend(feed(&mut mux, &[*byte], 0).unwrap());
    }
    let expected = [(0, "$1\r\na\r\n"), (1, "$-1\r\n"), (2, "-WRONGTYPE no\r\n")];
    assert_eq!(seen, expected.map(|(ticket, text)| (ticket, text.to_owned())));
    assert!(mux.is_idle());
    assert_eq!(mux.queued_bytes(), 0);
}

#[test]
fn several_commands_are_one_answer() {
    let mut mux = mux();
    mux.attach(0);
    mux.submit(7, Repeat::Freely, 1_000, |request| {
        request.command("SADD", 2).arg(b"s").arg(b"m").command("GET", 1).arg(b"k");
        Ok(())
    })
    .unwrap();
    write(&mut mux);
    assert!(feed(&mut mux, b":1\r\n$1", 0).unwrap().is_empty());
    assert_eq!(feed(&mut mux, b"\r\nv\r\n", 0).unwrap(), [(7, ":1\r\n$1\r\nv\r\n".to_owned())]);
}

#[test]
fn closing_rejects_what_is_still_pending_behind_answers() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    get(&mut mux, 2, Repeat::Freely);
    write(&mut mux);
    get(&mut mux, 3, Repeat::Freely);
    assert_eq!(feed(&mut mux, b"$-1\r\n", 0).unwrap().len(), 1);
    let mut failures = Vec::new();
    mux.close(&Error::new(Code::Closed, "closed"), &mut failures);
    let outcomes: Vec<_> = failures.iter().map(|failure| (failure.ticket, failure.error.outcome)).collect();
    assert_eq!(outcomes, [(2, Outcome::Unknown), (3, Outcome::None)]);
    assert!(mux.is_idle());
}

#[test]
fn a_lost_connection_sends_again_what_may_be_repeated_and_reports_the_rest_as_unknown() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    get(&mut mux, 2, Repeat::Never);
    write(&mut mux);
    get(&mut mux, 3, Repeat::Never);
    let mut failures = Vec::new();
    mux.lost(&Error::new(Code::Connection, "reset"), &mut failures);
    assert_eq!(
        failures.iter().map(|f| (f.ticket, f.error.outcome)).collect::<Vec<_>>(),
        [(2, Outcome::Unknown)]
    );
    assert!(mux.unsent().is_empty(), "nothing can be written without a connection");
    mux.attach(0);
    assert_eq!(write(&mut mux).windows(3).filter(|w| w == b"GET").count(), 2);
    assert_eq!(feed(&mut mux, b"+a\r\n+b\r\n", 0).unwrap().len(), 2);
}

#[test]
fn a_late_call_is_rejected_and_its_reply_is_dropped_when_it_comes() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    write(&mut mux);
    get(&mut mux, 2, Repeat::Freely);
    let mut failures = Vec::new();
    mux.tick(1_000, &mut failures).unwrap();
    let outcomes: Vec<_> = failures.iter().map(|f| (f.ticket, f.error.code, f.error.outcome)).collect();
    assert_eq!(outcomes, [(1, Code::Timeout, Outcome::Unknown), (2, Code::Timeout, Outcome::None)]);
    assert!(mux.unsent().is_empty(), "a call that was never sent must not be sent after its rejection");
    mux.submit(3, Repeat::Freely, 9_000, |request| {
        request.command("PING", 0);
        Ok(())
    })
    .unwrap();
    write(&mut mux);
    assert_eq!(feed(&mut mux, b"$4\r\nlate\r\n+PONG\r\n", 1_001).unwrap(), [(3, "+PONG\r\n".to_owned())]);
}

#[test]
fn a_loading_server_is_asked_again_until_the_deadline() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Never);
    write(&mut mux);
    assert!(feed(&mut mux, b"-LOADING Redis is loading\r\n", 10).unwrap().is_empty());
    let mut failures = Vec::new();
    mux.tick(60, &mut failures).unwrap();
    assert!(!write(&mut mux).is_empty(), "it was not executed, so even a single-shot call is sent again");
    assert!(feed(&mut mux, b"-LOADING Redis is loading\r\n", 900).unwrap().is_empty());
    mux.tick(1_000, &mut failures).unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].error.reply_code, "LOADING");
    assert_eq!(failures[0].error.outcome, Outcome::None);
}

#[test]
fn a_loading_server_is_not_asked_again_when_the_deadline_would_pass_meanwhile() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Never);
    write(&mut mux);
    let answer = feed(&mut mux, b"-LOADING Redis is loading\r\n", 999).unwrap();
    assert_eq!(answer, [(1, "-LOADING Redis is loading\r\n".to_owned())]);
}

#[test]
fn a_busy_server_is_waited_for_until_the_deadline_and_nothing_is_held_against_the_call() {
    let mut mux = mux();
    mux.attach(0);
    mux.submit(1, Repeat::Freely, 60_000, |request| {
        request.command("GET", 1).arg(b"k");
        Ok(())
    })
    .unwrap();
    let mut times = 0;
    for now in (0..50_000).step_by(100) {
        mux.tick(now, &mut Vec::new()).unwrap();
        if !write(&mut mux).is_empty() {
            times += 1;
            assert!(feed(&mut mux, b"-BUSY Redis is busy running a script\r\n", now).unwrap().is_empty());
        }
    }
    assert!(times > 50, "{times}");
    mux.tick(51_000, &mut Vec::new()).unwrap();
    write(&mut mux);
    let mut failures = Vec::new();
    mux.lost(&Error::new(Code::Connection, "cut"), &mut failures);
    assert!(failures.is_empty(), "a repeatable call is kept: {failures:?}");
}

#[test]
fn a_demoted_server_is_noticed_and_the_call_is_kept() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    write(&mut mux);
    assert!(
        feed(&mut mux, b"-READONLY You can't write against a read only replica.\r\n", 0).unwrap().is_empty()
    );
    assert!(mux.take_demoted());
    mux.lost(&Error::new(Code::Connection, "demoted"), &mut Vec::new());
    mux.attach(0);
    mux.tick(100, &mut Vec::new()).unwrap();
    assert!(!write(&mut mux).is_empty());
}

#[test]
fn redirections_are_for_the_caller_but_in_a_cluster_for_the_owner() {
    let moved = b"-MOVED 12182 127.0.0.1:7002\r\n";
    let mut alone = mux();
    alone.attach(0);
    get(&mut alone, 1, Repeat::Never);
    write(&mut alone);
    assert_eq!(feed(&mut alone, moved, 0).unwrap().len(), 1);

    let mut node = alone.for_node();
    node.attach(0);
    get(&mut node, 1, Repeat::Never);
    let bytes = write(&mut node);
    assert!(feed(&mut node, moved, 0).unwrap().is_empty());
    let redirected = node.take_redirected();
    assert_eq!(redirected.len(), 1);
    assert_eq!(redirected[0].bytes, bytes);
    assert_eq!(redirected[0].redirect.as_deref(), Some(&moved[1..moved.len() - 2]));
    assert!(node.is_idle());
}

#[test]
fn a_slot_that_nobody_serves_is_waited_for_but_in_a_cluster_left_to_the_owner() {
    let down = b"-CLUSTERDOWN The cluster is down\r\n";
    let mut alone = mux();
    alone.attach(0);
    get(&mut alone, 1, Repeat::Never);
    write(&mut alone);
    assert!(feed(&mut alone, down, 0).unwrap().is_empty());
    assert!(alone.take_redirected().is_empty() && !alone.is_idle());

    let mut node = alone.for_node();
    node.attach(0);
    get(&mut node, 1, Repeat::Never);
    write(&mut node);
    assert!(feed(&mut node, down, 0).unwrap().is_empty());
    let text = node.take_redirected().remove(0).redirect.unwrap();
    assert!(text.starts_with(b"CLUSTERDOWN") && node.is_idle());
}

#[test]
fn what_a_lost_connection_may_repeat_can_be_taken_elsewhere() {
    let mut node = mux().for_node();
    node.attach(0);
    get(&mut node, 1, Repeat::Freely);
    get(&mut node, 2, Repeat::Never);
    write(&mut node);
    get(&mut node, 3, Repeat::Never);
    let mut failures = Vec::new();
    node.lost(&Error::new(Code::Connection, "cut"), &mut failures);
    assert_eq!(failures.iter().map(|failure| failure.ticket).collect::<Vec<_>>(), [2]);
    let given_up = node.give_up();
    assert_eq!(
        given_up.iter().map(|returned| returned.posted.ticket).collect::<Vec<_>>(),
        [Some(1), Some(3)]
    );
    assert!(given_up.iter().all(|returned| returned.bytes.len() == returned.posted.bytes));
    assert!(node.is_idle() && node.queued_bytes() == 0);
}

#[test]
fn a_silent_connection_is_replaced_and_an_idle_one_is_asked_for_a_sign_of_life() {
    let mut mux = mux();
    mux.attach(0);
    assert!(mux.tick(10_001, &mut Vec::new()).is_ok());
    assert_eq!(write(&mut mux), b"*1\r\n$4\r\nPING\r\n");
    assert!(feed(&mut mux, b"+PONG\r\n", 10_002).unwrap().is_empty());
    mux.submit(1, Repeat::Freely, 60_000, |request| {
        request.command("PING", 0);
        Ok(())
    })
    .unwrap();
    mux.wrote(14, 20_000);
    assert!(mux.tick(24_000, &mut Vec::new()).is_ok());
    assert_eq!(mux.tick(26_000, &mut Vec::new()).unwrap_err().code, Code::Connection);
}

#[test]
fn a_reply_to_no_request_ends_the_connection() {
    let mut mux = mux();
    mux.attach(0);
    assert_eq!(feed(&mut mux, b"+OK\r\n", 0).unwrap_err().code, Code::Protocol);
    mux.lost(&Error::new(Code::Protocol, "x"), &mut Vec::new());
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    assert_eq!(feed(&mut mux, b"+OK\r\n", 0).unwrap_err().code, Code::Protocol, "it was not written yet");
}

#[test]
fn a_push_inside_an_answer_is_skipped() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    write(&mut mux);
    assert_eq!(feed(&mut mux, b">2\r\n+MIGRATING\r\n:1\r\n+v\r\n", 0).unwrap(), [(1, "+v\r\n".to_owned())]);
}

#[test]
fn closing_rejects_everything_once() {
    let mut mux = mux();
    mux.attach(0);
    get(&mut mux, 1, Repeat::Freely);
    write(&mut mux);
    get(&mut mux, 2, Repeat::Freely);
    let mut failures = Vec::new();
    mux.close(&Error::new(Code::Closed, "closed"), &mut failures);
    assert_eq!(
        failures.iter().map(|f| f.error.outcome).collect::<Vec<_>>(),
        [Outcome::Unknown, Outcome::None]
    );
    assert!(mux.is_idle());
}

#[derive(Clone, Debug)]
enum Step {
    Submit { repeat: bool },
    Write(usize),
    Reply(usize),
    Cut,
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|repeat| Step::Submit { repeat }),
        3 => (1usize..60).prop_map(Step::Write),
        3 => (1usize..4).prop_map(Step::Reply),
        1 => Just(Step::Cut),
        1 => (1u64..400).prop_map(Step::Later),
    ]
}

proptest! {
    /// A server that echoes the key it was asked for: whatever happens to the connection, each call is
    /// settled exactly once, with its own answer or an error.
    #[test]
    fn every_call_is_settled_exactly_once_with_its_own_answer(steps in proptest::collection::vec(step(), 1..80)) {
        let mut mux = mux();
        mux.attach(0);
        let (mut now, mut next) = (0, 0);
        let mut settled: Vec<u8> = Vec::new();
        let mut server: Vec<u8> = Vec::new();
        let mut failures: Vec<Failure> = Vec::new();
        for step in steps.into_iter().chain([Step::Cut, Step::Later(5_000)]) {
            match step {
                Step::Submit { repeat } => {
                    let repeat = if repeat { Repeat::Freely } else { Repeat::Never };
                    mux.submit(next, repeat, now + 700, |request| {
                        request.command("ECHO", 1).int(i64::from(next));
                        Ok(())
                    }).unwrap();
                    settled.push(0);
                    next += 1;
                }
                Step::Write(n) => {
                    let n = n.min(mux.unsent().len());
                    server.extend_from_slice(&mux.unsent()[..n]);
                    mux.wrote(n, now);
                }
                Step::Reply(n) => {
                    for _ in 0..n {
                        let Ok(Some(end)) = Scanner::new(Limits::default()).scan(&server) else { break };
                        let word = Value::parse(&server).list().nth(1).and_then(Value::text).unwrap_or(b"PONG").to_vec();
                        server.drain(..end);
                        let reply = [format!("${}\r\n", word.len()).into_bytes(), word, b"\r\n".to_vec()].concat();
                        for (ticket, text) in feed(&mut mux, &reply, now).unwrap() {
                            let own = format!("\r\n{ticket}\r\n");
                            prop_assert!(text.contains(&own), "{} got {}", ticket, text);
                            settled[ticket as usize] += 1;
                        }
                    }
                }
                Step::Cut => {
                    server.clear();
                    mux.lost(&Error::new(Code::Connection, "cut"), &mut failures);
                    mux.attach(now);
                }
                Step::Later(ms) => {
                    now += ms;
                    if mux.tick(now, &mut failures).is_err() {
                        server.clear();
                        mux.lost(&Error::new(Code::Connection, "silent"), &mut failures);
                        mux.attach(now);
                    }
                }
            }
            for failure in std::mem::take(&mut failures) {
                settled[failure.ticket as usize] += 1;
            }
        }
        prop_assert!(settled.iter().all(|&times| times == 1), "{settled:?}");
    }
}
