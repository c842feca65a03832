//! Channels, their users and states, and the topics that they follow.

use super::once;
use super::shared::{Key, on_key};
use crate::error::Error;
use crate::pikku::keys;
use crate::redis::{Args, Operation, Request, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.addChannel", add_channel),
    once("pikku.removeChannels", remove_channels),
    once("pikku.getChannel", get_channel),
    once("pikku.setChannelField", set_channel_field),
    once("pikku.getChannelField", get_channel_field),
    once("pikku.subscribe", subscribe),
    once("pikku.unsubscribe", unsubscribe),
    once("pikku.getChannelIdsForTopic", get_channel_ids_for_topic),
];

const CHANNEL: (Key, &str) = (keys::channel, "channelId");

/// `P id name openingData createdAt` → nothing of interest. User and state of a channel of this id stay.
fn add_channel(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (id, name) = (args.bytes(1, "channelId")?, args.bytes(2, "channelName")?);
    let (data, created) = (args.bytes(3, "openingData")?, args.bytes(4, "createdAt")?);
    let fields: [&[u8]; 8] =
        [b"channelId", id, b"channelName", name, b"openingData", data, b"createdAt", created];
    on_key(args, request, "HSET", CHANNEL, &fields)
}

/// `P id…` → nothing of interest. The channels leave the topics that they follow.
fn remove_channels(args: &Args, request: &mut Request) -> Result<(), Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    for index in 1..args.len() {
        let id = args.bytes(index, "channelId")?;
        request.script(&script::PIKKU_REMOVE_CHANNEL, 2);
        keys::channel(request, prefix, id);
        keys::subscriptions(request, prefix, id);
        keys::topic(request, prefix, b"");
        request.arg(id);
    }
    Ok(())
}

/// `P id` → list of `channelId`, `channelName`, `openingData`, `pikkuUserId` and `userSession`, each text or nil.
fn get_channel(args: &Args, request: &mut Request) -> Result<(), Error> {
    let fields: [&[u8]; 5] = [b"channelId", b"channelName", b"openingData", b"pikkuUserId", b"userSession"];
    on_key(args, request, "HMGET", CHANNEL, &fields)
}

/// `P id field value?` → nothing of interest. An absent value takes the field away.
fn set_channel_field(args: &Args, request: &mut Request) -> Result<(), Error> {
    let field = args.bytes(2, "field")?;
    match args.get(3) {
        Some(value) => on_key(args, request, "HSET", CHANNEL, &[field, value]),
        None => on_key(args, request, "HDEL", CHANNEL, &[field]),
    }
}

/// `P id field` → text or nil.
fn get_channel_field(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "HGET", CHANNEL, &[args.bytes(2, "field")?])
}

/// `P topic channelId` → how many channels the topic gained, and how many topics the channel.
fn subscribe(args: &Args, request: &mut Request) -> Result<(), Error> {
    both_ways(args, request, "SADD")
}

/// `P topic channelId` → how many channels the topic lost, and how many topics the channel.
fn unsubscribe(args: &Args, request: &mut Request) -> Result<(), Error> {
    both_ways(args, request, "SREM")
}

/// The topic's side first: whatever comes between the two commands, a channel that a topic names has or gets the topic
/// on its own list, by which it is taken out again. Both may be repeated.
fn both_ways(args: &Args, request: &mut Request, command: &str) -> Result<(), Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let (topic, channel) = (args.bytes(1, "topic")?, args.bytes(2, "channelId")?);
    request.command(command, 2);
    keys::topic(request, prefix, topic);
    request.arg(channel);
    request.command(command, 2);
    keys::subscriptions(request, prefix, channel);
    request.arg(topic);
    Ok(())
}

/// `P topic` → list of channel ids.
fn get_channel_ids_for_topic(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "SMEMBERS", (keys::topic, "topic"), &[])
}
