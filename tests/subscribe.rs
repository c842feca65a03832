//! Subscriptions through outages, against a real server.

#![cfg(unix)]

mod support;

use std::time::Duration;

use ferrodis::redis::{Config, Link, Subscriber, SubscriberEvent, Topology};
use support::{Server, ask, connect, options};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

struct Listening {
    subscriber: Subscriber,
    heard: UnboundedReceiver<String>,
}

impl Listening {
    /// A subscriber with a quick heartbeat, on its own task.
    fn to(url: &str) -> Self {
        let (target, config) = options(url).resolve().expect("valid");
        let config =
            Config { connect_timeout: Duration::from_secs(2), heartbeat: Duration::from_secs(1), ..config };
        let topology = Topology::new(target, &config).expect("valid");
        let (tell, heard) = unbounded_channel();
        let (subscriber, task) = Subscriber::new(topology, &config, move |event| {
            let text = match event {
                SubscriberEvent::Ready { channel } => format!("ready {channel}"),
                SubscriberEvent::Refused { channel, error } => {
                    format!("refused {channel} {}", error.reply_code)
                }
                SubscriberEvent::Message { channel, payload } => {
                    format!("message {channel} {}", String::from_utf8_lossy(payload))
                }
                SubscriberEvent::Gap { channel, from_ms, to_ms } if from_ms <= to_ms => {
                    format!("gap {channel}")
                }
                SubscriberEvent::Gap { channel, .. } => format!("backward gap {channel}"),
                SubscriberEvent::Drained => return,
                SubscriberEvent::Down { .. } => "down".into(),
            };
            tell.send(text).ok();
        });
        tokio::spawn(task);
        Self { subscriber, heard }
    }

    async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await;
        next.expect("an event in time").expect("the task runs")
    }

    async fn hears(&mut self, expected: &str) {
        assert_eq!(self.next().await, expected);
    }

    /// The next event that is no fault.
    async fn recovers(&mut self) -> String {
        loop {
            let next = self.next().await;
            if next != "down" {
                return next;
            }
        }
    }
}

async fn admin(server: &Server) -> Link {
    connect(options(&server.url("", ""))).await.expect("connected")
}

async fn subscribers(link: &mut Link) -> usize {
    ask(link, &["CLIENT", "LIST", "TYPE", "pubsub"]).await.lines().count()
}

#[tokio::test]
async fn messages_arrive_in_either_protocol() {
    let server = Server::start::<&str>(&[]).await;
    let mut admin = admin(&server).await;
    for protocol in ["?protocol=2", "?protocol=3", ""] {
        let mut listening = Listening::to(&server.url("", protocol));
        listening.subscriber.subscribe("news");
        listening.hears("ready news").await;
        // Several heartbeats pass without harm.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(ask(&mut admin, &["PUBLISH", "news", "h\u{e9}llo"]).await, "1");
        listening.hears("message news h\u{e9}llo").await;
        listening.subscriber.subscribe("more");
        listening.hears("ready more").await;
        listening.subscriber.unsubscribe("news");
        listening.subscriber.subscribe("more");
        listening.hears("ready more").await;
        let large = "x".repeat(3 << 20);
        ask(&mut admin, &["PUBLISH", "more", &large]).await;
        assert_eq!(listening.next().await.len(), "message more ".len() + large.len());
    }
    for _ in 0..1200 {
        if subscribers(&mut admin).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("a dropped subscriber keeps its connection");
}

#[tokio::test]
async fn a_restart_is_survived_and_its_gap_reported() {
    let mut server = Server::start::<&str>(&[]).await;
    let mut listening = Listening::to(&server.url("", ""));
    listening.subscriber.subscribe("news");
    listening.hears("ready news").await;
    server.kill();
    listening.hears("down").await;
    listening.subscriber.subscribe("added meanwhile");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.restart().await;
    let mut after = [listening.recovers().await, listening.next().await, listening.next().await];
    after.sort();
    assert_eq!(after, ["gap news", "ready added meanwhile", "ready news"]);
    assert_eq!(ask(&mut admin(&server).await, &["PUBLISH", "news", "again"]).await, "1");
    listening.hears("message news again").await;
}

#[tokio::test]
async fn a_cut_connection_is_replaced() {
    let server = Server::start::<&str>(&[]).await;
    let mut admin = admin(&server).await;
    let mut listening = Listening::to(&server.url("", ""));
    listening.subscriber.subscribe("news");
    listening.hears("ready news").await;
    for _ in 0..3 {
        assert_eq!(ask(&mut admin, &["CLIENT", "KILL", "TYPE", "pubsub"]).await, "1");
        listening.hears("down").await;
        assert_eq!(listening.recovers().await, "ready news");
        listening.hears("gap news").await;
    }
    assert_eq!(subscribers(&mut admin).await, 1);
}

#[tokio::test]
async fn a_refused_channel_is_reported_and_heals_when_it_is_granted() {
    let server = Server::start::<&str>(&[]).await;
    let mut admin = admin(&server).await;
    let rule = ["ACL", "SETUSER", "ann", "on", ">pw", "+@all", "resetchannels", "&open"];
    assert_eq!(ask(&mut admin, &rule).await, "OK");
    let mut listening = Listening::to(&server.url("ann:pw@", ""));
    listening.subscriber.subscribe("secret");
    listening.hears("refused secret NOPERM").await;
    listening.subscriber.subscribe("open");
    listening.hears("ready open").await;
    listening.subscriber.subscribe("secret");
    listening.hears("refused secret NOPERM").await;
    assert_eq!(ask(&mut admin, &["ACL", "SETUSER", "ann", "&secret"]).await, "OK");
    listening.hears("ready secret").await;
    // Taking the permission away disconnects, and the channel is refused from then on.
    assert_eq!(ask(&mut admin, &["ACL", "SETUSER", "ann", "resetchannels", "&open"]).await, "OK");
    listening.hears("down").await;
    let mut after = [listening.next().await, listening.next().await, listening.next().await];
    after.sort();
    assert_eq!(after, ["gap open", "ready open", "refused secret NOPERM"]);
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_returned_to() {
    let server = Server::start::<&str>(&[]).await;
    let mut listening = Listening::to(&server.url("", ""));
    listening.subscriber.subscribe("news");
    listening.hears("ready news").await;
    server.signal("STOP");
    listening.hears("down").await;
    server.signal("CONT");
    assert_eq!(listening.recovers().await, "ready news");
    listening.hears("gap news").await;
    assert_eq!(ask(&mut admin(&server).await, &["PUBLISH", "news", "thawed"]).await, "1");
    listening.hears("message news thawed").await;
}
