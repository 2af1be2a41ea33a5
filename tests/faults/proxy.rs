//! A network between two processes that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// They pass.
    Passing,
    /// They pass later.
    Slow(Duration),
    /// They wait, as packets do that are sent again until the network is back.
    BlackHole,
    /// What the client says passes, and the answers wait.
    AnswersWait,
    /// Every connection ends, and so does every new one.
    Cut,
}

/// Listens in front of a server.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// In front of the server that a URL names.
    pub(crate) async fn before(url: &str) -> Self {
        let server = authority(url).rsplit('@').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel(Network::Passing);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), state.clone()));
            }
        });
        Self {
            address,
            network,
            accepting,
        }
    }

    /// The server's URL by way of this proxy.
    pub(crate) fn url(&self, server: &str) -> String {
        let old = authority(server);
        let new = match old.rsplit_once('@') {
            Some((user, _)) => format!("{user}@{}", self.address),
            None => self.address.to_string(),
        };
        server.replacen(old, &new, 1)
    }

    /// From now on.
    pub(crate) fn becomes(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.becomes(Network::Cut);
    }
}

/// Between `://` and the next `/`: user, host and port.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    rest.split('/').next().unwrap()
}

async fn carry(client: TcpStream, server: String, mut network: watch::Receiver<Network>) {
    if !may_pass(&mut network, Way::There).await {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Either way's end is the end of both.
    tokio::select! {
        () = pump(from_client, to_server, Way::There, network.clone()) => {}
        () = pump(from_server, to_client, Way::Back, network) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut network: watch::Receiver<Network>,
) {
    let mut bytes = vec![0; 16 * 1024];
    let mut cut = network.clone();
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read,
            _ = cut.wait_for(|network| *network == Network::Cut) => return,
        };
        let Ok(count @ 1..) = read else {
            return;
        };
        if !may_pass(&mut network, way).await || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

/// From the client to the server, or from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// Waits as the network asks. False when it is cut.
async fn may_pass(network: &mut watch::Receiver<Network>, way: Way) -> bool {
    let passes = |network: &Network| match network {
        Network::BlackHole => false,
        Network::AnswersWait => way == Way::There,
        Network::Passing | Network::Slow(_) | Network::Cut => true,
    };
    let state = network
        .wait_for(passes)
        .await
        .map_or(Network::Cut, |state| *state);
    match state {
        Network::Slow(delay) => {
            tokio::time::sleep(delay).await;
            true
        }
        Network::Passing | Network::AnswersWait => true,
        Network::BlackHole | Network::Cut => false,
    }
}

#[tokio::test]
async fn the_proxy_carries_holds_and_cuts() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("test://user:secret@{}/x", server.local_addr().unwrap());
    let proxy = Proxy::before(&url).await;
    assert!(proxy.url(&url).starts_with("test://user:secret@127.0.0.1:"));
    assert!(proxy.url(&url).ends_with("/x"));
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let (mut served, _) = server.accept().await.unwrap();
    let mut byte = [0];
    client.write_all(b"a").await.unwrap();
    served.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"a");

    proxy.becomes(Network::BlackHole);
    client.write_all(b"b").await.unwrap();
    let held = tokio::time::timeout(Duration::from_millis(50), served.read_exact(&mut byte));
    assert!(held.await.is_err());
    proxy.becomes(Network::Slow(Duration::from_millis(1)));
    served.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"b");

    proxy.becomes(Network::AnswersWait);
    client.write_all(b"c").await.unwrap();
    served.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"c");
    served.write_all(b"d").await.unwrap();
    let held = tokio::time::timeout(Duration::from_millis(50), client.read_exact(&mut byte));
    assert!(held.await.is_err());
    proxy.becomes(Network::Passing);
    client.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"d");

    proxy.becomes(Network::Cut);
    assert!(!matches!(served.read(&mut byte).await, Ok(1..)));
    assert!(!matches!(client.read(&mut byte).await, Ok(1..)));
}
