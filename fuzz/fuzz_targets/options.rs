//! Whatever is given as a URL: it is understood or refused with an error that does not quote it.

#![no_main]

use ferrodis::error::Code;
use ferrodis::redis::{Address, RawOptions, Secret, Servers, Topology};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let options = RawOptions { url: Some(Secret::from(text.to_owned())), ..RawOptions::default() };
    match options.resolve() {
        Ok((target, config)) => {
            let addresses = match &target.servers {
                Servers::One(address) => std::slice::from_ref(address),
                Servers::Sentinel(sentinels) => &sentinels.addresses,
                Servers::Cluster(cluster) => &cluster.nodes,
            };
            for address in addresses {
                match address {
                    Address::Tcp { host, port } => assert!(!host.is_empty() && *port > 0, "{host:?} {port}"),
                    Address::Unix(path) => assert!(path.is_absolute()),
                }
            }
            if text.starts_with("rediss:") {
                assert!(target.login.tls.is_some());
            }
            let _ = Topology::new(target, &config);
        }
        Err(error) => {
            assert_eq!(error.code, Code::Config);
            // Long enough not to be a word of the message by chance.
            assert!(text.len() < 24 || !error.message.contains(text));
        }
    }
});
