//! A line to Redis on which nothing moves for a while, as when Redis stalls, without a stall for
//! the tests beside this one.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Listens in front of Redis.
pub(crate) struct Line {
    address: SocketAddr,
    moving: watch::Sender<bool>,
    /// How often what was connected has been left without an answer for ever.
    abandoned: watch::Sender<usize>,
}

impl Line {
    /// To the Redis at this address, `redis://host:port…`.
    pub(crate) async fn to(url: &str) -> Self {
        let server = authority(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (moving, is_moving) = watch::channel(true);
        let (abandoned, is_abandoned) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let since = *is_abandoned.borrow();
                let mut abandoned = is_abandoned.clone();
                let carried = carry(client, server.clone(), is_moving.clone());
                tokio::spawn(async move {
                    let mut carried = std::pin::pin!(carried);
                    let left = async {
                        let _ = abandoned.wait_for(|now| *now > since).await;
                    };
                    tokio::select! {
                        () = &mut carried => return,
                        () = left => {}
                    }
                    // Its sockets stay open.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self {
            address,
            moving,
            abandoned,
        }
    }

    /// The same Redis by way of this line.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replacen(authority(url), &self.address.to_string(), 1)
    }

    /// Nothing moves until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.moving.send_replace(false);
    }

    /// Nothing moves ever again on the connections that there are; new ones work.
    pub(crate) fn abandon(&self) {
        self.abandoned.send_modify(|times| *times += 1);
    }

    pub(crate) fn release(&self) {
        self.moving.send_replace(true);
    }
}

/// Host and port.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.split('/').next().unwrap();
    rest.rsplit('@').next().unwrap()
}

async fn carry(mut client: TcpStream, server: String, moving: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    // Either way's end is the end of both.
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, moving.clone()) => {}
        () = pump(&mut from_server, &mut to_client, moving) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut moving: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if moving.wait_for(|moving| *moving).await.is_err()
            || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
}
