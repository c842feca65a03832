//! Connection URLs: `redis[s]://[user[:password]@]host[:port][/db]` and `unix:/path/of/socket`,
//! with `valkey` in place of `redis` and `redis+unix` in place of `unix` as other clients write them; and
//! `redis[s]+sentinel://[user[:password]@]host[:port][,host[:port]…]/name[/db]` for the master of that name, where
//! the credentials are the master's.
//!
//! What is not understood is refused rather than ignored. The errors never quote the URL: a password
//! that was not percent-encoded ends up in any part of it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::config::{Address, Protocol, SENTINEL_PORT, Sentinels, Servers, tcp, wrong};
use super::secret::Secret;
use crate::error::Error;

/// What a URL says; everything it leaves open is `None`.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub servers: Option<Servers>,
    pub tls: bool,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub db: Option<u32>,
    pub protocol: Option<Protocol>,
}

/// Takes a URL apart.
///
/// # Errors
/// [`Code::Config`](crate::error::Code::Config) when it is no URL that we understand whole.
pub(super) fn parse(url: &Secret) -> Result<Parts, Error> {
    let text = std::str::from_utf8(url.expose()).map_err(|_| problem("is not valid UTF-8"))?;
    let (text, further) = without_further_hosts(text.trim());
    let url = parse_one(&text)?;
    if url.fragment().is_some() {
        return Err(problem(
            "must not have a fragment; write # in a password as %23, and say under tls what to trust",
        ));
    }
    if url.port() == Some(0) {
        return Err(problem("names port 0"));
    }
    let mut parts = Parts::default();
    let path_db = match url.scheme() {
        "redis" | "valkey" | "rediss" | "valkeys" => {
            parts.tls = matches!(url.scheme(), "rediss" | "valkeys");
            parts.servers = Some(Servers::One(tcp(host(&url)?, url.port())?));
            url.path().trim_matches('/')
        }
        "redis+sentinel" | "valkey+sentinel" | "rediss+sentinel" | "valkeys+sentinel" => {
            parts.tls = matches!(url.scheme(), "rediss+sentinel" | "valkeys+sentinel");
            let path = url.path().trim_matches('/');
            let (name, db) = path.split_once('/').unwrap_or((path, ""));
            if name.is_empty() {
                return Err(problem("needs the name of a master, as in redis+sentinel://host/name"));
            }
            let further = further.iter().map(|host| parse_one(&format!("redis://{host}")));
            let addresses = std::iter::once(Ok(url.clone()))
                .chain(further)
                .map(|url| sentinel(&url?))
                .collect::<Result<Vec<_>, _>>()?;
            let sentinels = Sentinels::named(decoded(name)?, addresses);
            parts.servers = Some(Servers::Sentinel(Box::new(sentinels)));
            db
        }
        "unix" | "redis+unix" | "valkey+unix" => {
            let path = url.to_file_path().map_err(|()| problem("needs the absolute path of a socket"))?;
            parts.servers = Some(Servers::One(Address::Unix(path)));
            ""
        }
        _ => {
            return Err(problem(
                "must begin with redis://, rediss://, redis+sentinel://, unix:/ or the like of valkey",
            ));
        }
    };
    if !path_db.is_empty() {
        parts.db = Some(database(path_db)?);
    }
    parts.username = Some(decoded(url.username())?).filter(|name| !name.is_empty());
    parts.password = url.password().map(decoded).transpose()?.map(Secret::from);
    for (name, value) in url.query_pairs() {
        match &*name {
            "db" => parts.db = Some(database(&value)?),
            "protocol" => parts.protocol = Some(protocol(&value)?),
            _ => return Err(problem("has a parameter that is not understood; db and protocol are")),
        }
    }
    Ok(parts)
}

fn parse_one(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|_| {
        problem("is not a valid URL (percent-encode reserved characters of the password, such as @ / ? #)")
    })
}

/// Takes all hosts but the first out of a URL that may have several, which no URL standard knows.
fn without_further_hosts(text: &str) -> (Cow<'_, str>, Vec<&str>) {
    let start = match text.find("+sentinel://") {
        Some(at) if !text[..at].contains([':', '/']) => at + "+sentinel://".len(),
        _ => return (Cow::Borrowed(text), Vec::new()),
    };
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length);
    let hosts = text[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let mut list = text[hosts..end].split(',');
    let first = list.next().unwrap_or_default();
    (Cow::Owned([&text[..hosts], first, &text[end..]].concat()), list.collect())
}

/// The address of one sentinel.
fn sentinel(url: &Url) -> Result<Address, Error> {
    if url.port() == Some(0) {
        return Err(problem("names port 0"));
    }
    tcp(host(url)?, Some(url.port().unwrap_or(SENTINEL_PORT)))
}

fn host(url: &Url) -> Result<Option<String>, Error> {
    Ok(match url.host() {
        None => None,
        // Not a scheme the URL standard knows, so that its host is left encoded.
        Some(Host::Domain(name)) => Some(decoded(name)?),
        Some(Host::Ipv4(ip)) => Some(ip.to_string()),
        Some(Host::Ipv6(ip)) => Some(ip.to_string()),
    })
}

fn decoded(part: &str) -> Result<String, Error> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| problem("is not valid UTF-8 once percent-decoded"))
}

fn database(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| problem("names a database that is not a whole number"))
}

fn protocol(text: &str) -> Result<Protocol, Error> {
    match text {
        "2" | "resp2" => Ok(Protocol::Resp2),
        "3" | "resp3" => Ok(Protocol::Resp3),
        _ => Err(problem("names a protocol that is neither 2 nor 3")),
    }
}

fn problem(problem: &str) -> Error {
    wrong("url", problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn parts(url: &str) -> Parts {
        parse(&Secret::from(url.to_owned())).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn address_of(url: &str) -> (String, u16) {
        match parts(url).servers {
            Some(Servers::One(Address::Tcp { host, port })) => (host, port),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn hosts_ports_and_databases() {
        assert_eq!(address_of("redis://"), ("localhost".to_owned(), 6379));
        assert_eq!(parts("redis:///3").db, Some(3));
        assert_eq!(address_of("redis://cache.example:7000/"), ("cache.example".to_owned(), 7000));
        assert_eq!(address_of("valkey://[::1]:7001/2"), ("::1".to_owned(), 7001));
        assert_eq!(parts("redis://10.0.0.1?db=4").db, Some(4));
        assert!(!parts("redis://h").tls);
        assert!(parts("rediss://h").tls);
        assert!(parts("valkeys://h").tls);
        assert_eq!(parts("redis://h?protocol=3").protocol, Some(Protocol::Resp3));
    }

    #[test]
    fn credentials_are_percent_decoded() {
        let both = parts("redis://us%40er:p%3A%2F%23%C3%A9@h");
        assert_eq!(both.username.as_deref(), Some("us@er"));
        assert_eq!(both.password.as_ref().map(Secret::expose), Some("p:/#é".as_bytes()));
        let password_only = parts("redis://:pw@h");
        assert_eq!(password_only.username, None);
        assert_eq!(password_only.password.as_ref().map(Secret::expose), Some(&b"pw"[..]));
    }

    #[test]
    fn unix_sockets() {
        for url in ["unix:/run/redis.sock", "unix:///run/redis.sock", "redis+unix:///run/redis.sock?db=1"] {
            assert_eq!(
                parts(url).servers,
                Some(Servers::One(Address::Unix("/run/redis.sock".into()))),
                "{url}"
            );
        }
        assert_eq!(
            parts("valkey+unix:///run/a%20b.sock").servers,
            Some(Servers::One(Address::Unix("/run/a b.sock".into())))
        );
    }

    #[test]
    fn sentinels_and_the_name_of_their_master() {
        let parts = parts("rediss+sentinel://ann:p%2Cw@s1,s2:5000,[::1]:26380/orders/2?protocol=3");
        let Some(Servers::Sentinel(sentinels)) = parts.servers else { panic!("no sentinels") };
        let at = |host: &str, port| Address::Tcp { host: host.into(), port };
        assert_eq!(sentinels.addresses, [at("s1", 26379), at("s2", 5000), at("::1", 26380)]);
        assert_eq!((sentinels.name.as_str(), parts.db, parts.tls), ("orders", Some(2), true));
        assert_eq!(parts.username.as_deref(), Some("ann"));
        assert_eq!(parts.password.as_ref().map(Secret::expose), Some(&b"p,w"[..]));
        assert_eq!(parts.protocol, Some(Protocol::Resp3));
        assert!(!super::parse(&Secret::from("redis+sentinel://s1/orders".to_owned())).expect("valid").tls);
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_quoted() {
        for url in [
            "",
            "s3cret",
            "http://:s3cret@h",
            "redis://:s3cret@h#insecure",
            "rediss://:s3cret@h#insecure",
            "redis://:s3#cret@h",
            "redis://:x?s3cret@h",
            "redis://h/s3cret",
            "redis://h/-1",
            "redis://h?s3cret=1",
            "redis://h?db=s3cret",
            "redis://h?protocol=s3cret",
            "redis://:s3cret@h:99999",
            "redis://a:1,s3cret:2",
            "redis://s3cret:0",
            "redis://:%ff@h",
            "unix:s3cret",
            "redis+sentinel://s3cret",
            "redis+sentinel://s1,s2:s3cret/name",
            "redis+sentinel://s1,s2:0/name#s3cret",
            "redis+sentinel://s1/name/s3cret",
            "redis+cluster://s3cret",
        ] {
            let error = parse(&Secret::from(url.to_owned())).expect_err(url);
            assert_eq!(error.code, Code::Config, "{url}");
            assert!(error.message.starts_with("url: "), "{url}: {error}");
            assert!(!error.message.contains("s3cret"), "{url}: {error}");
        }
    }
}
