//! Every address a guest's socket touches is checked here, by grant and by address rules.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime_wasi::sockets::SocketAddrUse;

use super::capability::NAME;
use crate::core::Transport;
use crate::runtime::capability::Preparation;
use crate::runtime::guard::Verdict;
use crate::runtime::guest::Current;
use crate::runtime::instance::Recipe;
use crate::security::{Denied, SocketVerdict};

/// How long an address that a name led to stays good: a stream of datagrams is not looked
/// up one by one.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Addresses remembered that way.
const MOST: usize = 64;

type Good = (Transport, SocketAddr, Instant);

pub(super) struct Checker {
    recipe: Arc<Recipe>,
    current: Arc<Current>,
    good: Arc<Mutex<Vec<Good>>>,
}

type Allowed = Pin<Box<dyn Future<Output = bool> + Send + Sync>>;

impl Checker {
    pub fn new(instance: &Preparation<'_>) -> Self {
        Self {
            recipe: instance.recipe.clone(),
            current: instance.current.clone(),
            good: Arc::default(),
        }
    }

    pub fn check(&self, address: SocketAddr, intent: SocketAddrUse) -> Allowed {
        match intent {
            SocketAddrUse::TcpConnect => self.check_peer(Transport::Tcp, address),
            SocketAddrUse::UdpSend => self.check_peer(Transport::Udp, address),
            // Datagrams of others are not the guest's doing: dropped, not reported.
            SocketAddrUse::UdpReceive => ready(self.is_known(Transport::Udp, address)),
            SocketAddrUse::TcpBind => ready(self.check_local(Transport::Tcp, address)),
            SocketAddrUse::UdpBind => ready(self.check_local(Transport::Udp, address)),
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => {
                ready(self.deny(&"tcp listener", "listening is never granted"))
            }
        }
    }

    /// Connecting binds to any free port of any interface, and so may the guest.
    fn check_local(&self, transport: Transport, address: SocketAddr) -> bool {
        if address.ip().is_unspecified() && address.port() == 0 {
            return true;
        }
        let target = format!("bind {}://{address}", transport.as_str());
        self.deny(&target, "a local address is never granted")
    }

    fn check_peer(&self, transport: Transport, address: SocketAddr) -> Allowed {
        if self.is_known(transport, address) {
            return ready(true);
        }
        let names = match self.recipe.reach.egress.socket(transport, address) {
            SocketVerdict::Granted => return ready(true),
            SocketVerdict::Denied(denied) => return ready(self.deny_egress(&denied)),
            SocketVerdict::NeedsLookup(names) => names,
        };
        let looked_up = self.current.names_of(address.ip());
        if looked_up.iter().any(|name| names.cover(name)) {
            remember(&self.good, transport, address);
            return ready(true);
        }
        let exact: Vec<String> = names.exact().map(str::to_owned).collect();
        let (recipe, current, good) =
            (self.recipe.clone(), self.current.clone(), self.good.clone());
        let otherwise = names.otherwise;
        let lookup = tokio::spawn(async move {
            let network = recipe.reach.services.network();
            for name in exact {
                let found = network.resolve(&name).await.unwrap_or_default();
                if found
                    .iter()
                    .any(|ip| ip.to_canonical() == address.ip().to_canonical())
                {
                    remember(&good, transport, address);
                    return true;
                }
            }
            let request = current.request();
            recipe.reach.guard.deny_egress(&otherwise, request) == Verdict::Audited
        });
        Box::pin(async move { lookup.await.unwrap_or(false) })
    }

    /// Granted as it is, or granted a moment ago.
    fn is_known(&self, transport: Transport, address: SocketAddr) -> bool {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = |(kind, known, until): &Good| {
            *kind == transport && *known == address && *until > Instant::now()
        };
        good.iter().any(is_good)
            || matches!(
                self.recipe.reach.egress.socket(transport, address),
                SocketVerdict::Granted
            )
    }

    fn deny(&self, target: &dyn std::fmt::Display, reason: &'static str) -> bool {
        let request = self.current.request();
        self.recipe.reach.guard.deny(NAME, target, &reason, request) == Verdict::Audited
    }

    fn deny_egress(&self, denied: &Denied) -> bool {
        let request = self.current.request();
        self.recipe.reach.guard.deny_egress(denied, request) == Verdict::Audited
    }
}

fn ready(allowed: bool) -> Allowed {
    Box::pin(std::future::ready(allowed))
}

fn remember(good: &Mutex<Vec<Good>>, transport: Transport, address: SocketAddr) {
    let now = Instant::now();
    let mut good = good.lock().unwrap_or_else(PoisonError::into_inner);
    good.retain(|(_, _, until)| *until > now);
    if good.len() < MOST {
        good.push((transport, address, now + GOOD_FOR));
    }
}
