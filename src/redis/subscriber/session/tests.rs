//! Sessions against a server that the test plays, in paused time.

use tokio::io::DuplexStream;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::*;

/// What the sink heard, as text.
type Heard = UnboundedSender<String>;

struct Stage {
    server: DuplexStream,
    commands: UnboundedSender<Command>,
    heard: mpsc::UnboundedReceiver<String>,
    session: tokio::task::JoinHandle<(Ended, Desired)>,
}

/// A session that wants `channels`, and its server's end.
fn stage(channels: &[&str]) -> Stage {
    let (ours, server) = tokio::io::duplex(1 << 16);
    let (commands, mut inbox) = mpsc::unbounded_channel();
    let (tell, heard) = mpsc::unbounded_channel();
    let mut desired = Desired::default();
    for channel in channels {
        desired.apply(Command::Subscribe((*channel).into()));
    }
    let session = tokio::spawn(async move {
        let mut sink = |event: SubscriberEvent<'_>| note(&tell, &event);
        let config = Config { max_reply_bytes: 1024, ..Config::default() };
        let ended =
            Session::new(&config, &mut desired, &mut sink).run(ours, Notices::default(), &mut inbox).await;
        (ended, desired)
    });
    Stage { server, commands, heard, session }
}

fn note(heard: &Heard, event: &SubscriberEvent<'_>) {
    let text = match event {
        SubscriberEvent::Ready { channel } => format!("ready {channel}"),
        SubscriberEvent::Refused { channel, error } => format!("refused {channel} {}", error.reply_code),
        SubscriberEvent::Message { channel, payload } => {
            format!("message {channel} {}", String::from_utf8_lossy(payload))
        }
        SubscriberEvent::Drained => return,
        SubscriberEvent::Gap { channel, .. } => format!("gap {channel}"),
        SubscriberEvent::Down { error } => format!("down {error}"),
    };
    heard.send(text).expect("the test listens");
}

impl Stage {
    /// What the session sends next, without the framing.
    async fn asked(&mut self) -> String {
        let mut bytes = vec![0; 4096];
        let length = self.server.read(&mut bytes).await.expect("open");
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let words = text.split("\r\n").filter(|line| !line.starts_with(['*', '$']) && !line.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    async fn answer(&mut self, reply: &str) {
        self.server.write_all(reply.as_bytes()).await.expect("open");
    }

    async fn push(&mut self, kind: &str, channel: &str, last: &str) {
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let last = if kind == "message" { bulk(last) } else { format!(":{last}\r\n") };
        self.answer(&format!("*3\r\n{}{}{last}", bulk(kind), bulk(channel))).await;
    }

    async fn hears(&mut self, expected: &str) {
        assert_eq!(self.heard.recv().await.as_deref(), Some(expected));
    }

    async fn lost(self) -> Error {
        match self.session.await.expect("no panic") {
            (Ended::Lost(error), _) => error,
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_ready_once_the_server_confirms_it() {
    let mut stage = stage(&["a"]);
    assert_eq!(stage.asked().await, "SUBSCRIBE a");
    assert!(stage.heard.try_recv().is_err(), "asking is not enough");
    stage.push("subscribe", "a", "1").await;
    stage.hears("ready a").await;
    stage.push("message", "a", "hello").await;
    stage.hears("message a hello").await;
    stage.commands.send(Command::Subscribe("a".into())).expect("runs");
    stage.hears("ready a").await;
}

#[tokio::test(start_paused = true)]
async fn pushes_that_are_none_of_ours_are_passed_over() {
    let mut stage = stage(&["a"]);
    stage.asked().await;
    stage.push("subscribe", "b", "1").await;
    stage.push("message", "b", "not wanted").await;
    stage.answer(">2\r\n$10\r\ninvalidate\r\n_\r\n").await;
    stage.push("subscribe", "a", "1").await;
    stage.hears("ready a").await;
}

#[tokio::test(start_paused = true)]
async fn leaving_and_wanting_again_is_ready_with_the_last_answer() {
    let mut stage = stage(&["a"]);
    stage.asked().await;
    stage.commands.send(Command::Unsubscribe("a".into())).expect("runs");
    stage.commands.send(Command::Subscribe("a".into())).expect("runs");
    // One write or two: as the commands happen to be taken.
    let mut asked = stage.asked().await;
    if asked == "UNSUBSCRIBE a" {
        asked = format!("{asked} {}", stage.asked().await);
    }
    assert_eq!(asked, "UNSUBSCRIBE a SUBSCRIBE a");
    stage.push("subscribe", "a", "1").await;
    stage.push("unsubscribe", "a", "0").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(stage.heard.try_recv().is_err(), "the first confirmation is out of date");
    stage.push("subscribe", "a", "1").await;
    stage.hears("ready a").await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_and_a_refusal_is_reported_once() {
    let mut stage = stage(&["a"]);
    stage.asked().await;
    stage.answer("-BUSY Redis is busy running a script.\r\n").await;
    assert_eq!(stage.asked().await, "SUBSCRIBE a");
    stage.answer("-NOPERM No permissions to access a channel\r\n").await;
    stage.hears("refused a NOPERM").await;
    assert_eq!(stage.asked().await, "SUBSCRIBE a PING", "with the next heartbeat");
    stage.answer("-NOPERM No permissions to access a channel\r\n+PONG\r\n").await;
    assert_eq!(stage.asked().await, "SUBSCRIBE a PING");
    stage.push("subscribe", "a", "1").await;
    stage.hears("ready a").await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_connection_after_two_missed_heartbeats() {
    let mut stage = stage(&["a"]);
    let begun = Instant::now();
    stage.asked().await;
    stage.push("subscribe", "a", "1").await;
    stage.hears("ready a").await;
    let (ended, mut desired) = (&mut stage.session).await.expect("no panic");
    assert!(matches!(ended, Ended::Lost(error) if error.retryable), "replaced");
    assert_eq!(begun.elapsed().as_secs(), 15);
    assert!(desired.get_mut("a").expect("still wanted").heard_until.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_answered_keeps_the_connection() {
    let mut stage = stage(&["a"]);
    stage.asked().await;
    stage.push("subscribe", "a", "1").await;
    for pong in ["+PONG\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n"].repeat(10) {
        assert_eq!(stage.asked().await, "PING");
        stage.answer(pong).await;
    }
    assert!(!stage.session.is_finished());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_ends_the_connection() {
    for nonsense in
        ["HTTP/1.1 400\r\n", ":1\r\n", "+PONG\r\n", "$-5\r\n", "-ERR max number of clients\r\n-ERR x\r\n"]
    {
        let mut stage = stage(&["a"]);
        stage.asked().await;
        stage.answer(nonsense).await;
        let error = stage.lost().await;
        assert!(matches!(error.code, Code::Protocol | Code::Reply), "{nonsense}: {error:?}");
    }
    let mut stage = stage(&["a"]);
    stage.asked().await;
    stage.answer("$100000\r\n").await;
    assert_eq!(stage.lost().await.code, Code::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn nothing_wanted_closes_after_a_grace_and_dropping_at_once() {
    let mut idle = stage(&["a"]);
    idle.asked().await;
    idle.push("subscribe", "a", "1").await;
    idle.hears("ready a").await;
    idle.commands.send(Command::Unsubscribe("a".into())).expect("runs");
    let begun = Instant::now();
    assert_eq!(idle.asked().await, "UNSUBSCRIBE a");
    idle.push("unsubscribe", "a", "0").await;
    assert!(matches!(idle.session.await.expect("no panic").0, Ended::Idle));
    assert_eq!(begun.elapsed(), GRACE);

    let closed = stage(&["a"]);
    drop(closed.commands);
    assert!(matches!(closed.session.await.expect("no panic").0, Ended::Closed));
}
