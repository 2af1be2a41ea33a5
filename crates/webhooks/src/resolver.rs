//! From names to addresses that may be connected to.
//!
//! A name is resolved and its addresses are checked for each connection, and the connection goes to
//! one of the checked addresses: a name that resolves otherwise the next time changes nothing.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use tokio::sync::Semaphore;

use crate::networks::{PermittedNetworks, RefusedAddress};

/// A name's addresses, once they are there.
pub type LookUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// What resolves names of receivers.
pub trait Names: Send + Sync {
    /// All addresses of the name, in the order in which they should be tried.
    fn look_up(&self, name: &str) -> LookUp;
}

/// How many names are looked up at once. A look-up takes a thread until the system gives it up, also
/// when nobody waits for it any more.
const LOOK_UPS: usize = 32;

/// How many addresses of a name are tried.
const ADDRESSES: usize = 8;

/// The system's resolver.
#[derive(Debug)]
pub struct SystemNames {
    places: Arc<Semaphore>,
}

impl Default for SystemNames {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(LOOK_UPS)),
        }
    }
}

impl Names for SystemNames {
    fn look_up(&self, name: &str) -> LookUp {
        let name = name.to_owned();
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let look_up = async move {
                let found = lookup_host((name.as_str(), 0)).await;
                drop(place);
                found.map(|addresses| addresses.map(|address| address.ip()).collect())
            };
            tokio::spawn(look_up).await.map_err(io::Error::other)?
        })
    }
}

/// Passes on those addresses of a name that may be connected to.
pub(crate) struct PermittedNames {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) networks: Arc<PermittedNetworks>,
}

/// The name has no address that is known.
#[derive(Debug)]
pub(crate) struct Unresolved(Option<io::Error>);

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has no address")
    }
}

impl Error for Unresolved {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|error| error as &dyn Error)
    }
}

impl Resolve for PermittedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let look_up = self.names.look_up(name.as_str());
        let networks = Arc::clone(&self.networks);
        Box::pin(async move {
            let found = look_up.await.map_err(|error| Unresolved(Some(error)))?;
            let permitted = permitted(&networks, found)?;
            // Port 0 is replaced by that of the URL.
            let addresses = permitted
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Those that may be connected to, or the reason for the first when there is none.
fn permitted(
    networks: &PermittedNetworks,
    found: Vec<IpAddr>,
) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
    let mut permitted = Vec::new();
    let mut refused: Option<RefusedAddress> = None;
    for address in found {
        match networks.check(address) {
            Ok(()) => permitted.push(address),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    permitted.truncate(ADDRESSES);
    match (permitted.is_empty(), refused) {
        (false, _) => Ok(permitted),
        (true, Some(refused)) => Err(refused.into()),
        (true, None) => Err(Unresolved(None).into()),
    }
}
