//! A small TCP proxy that breaks the network on demand.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{free_port, wait_for};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client: requests, statements.
    ToServer,
    /// From the server: answers. Cut here, the client can't know whether what it asked for has happened.
    ToClient,
}

/// What the network does, to connections that exist and to new ones, until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: bytes pass.
    Pass,
    /// New connections are refused by the kernel, as by a server that is down. Those that exist live on: see [`FaultProxy::cut`].
    Refuse,
    /// Connections are taken and nothing passes, as behind a dead router: no byte, no end.
    Stall,
    /// Each piece that was read waits this long before it goes on.
    Delay(Duration),
    /// That many bytes more pass in that direction, over all connections together; the connection that has one more is cut.
    CutAfter(Direction, u64),
}

/// A proxy on a port of loopback that stays the same, before one server. It ends with this value, connections included.
#[derive(Debug)]
pub struct FaultProxy {
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

/// What all tasks of a proxy share.
#[derive(Debug)]
struct Network {
    address: SocketAddr,
    server: SocketAddr,
    fault: watch::Sender<Fault>,
    /// Counts the cuts: a connection ends when it changes.
    cuts: watch::Sender<u64>,
    /// Bytes that [`Fault::CutAfter`] lets pass still.
    allowance: Mutex<u64>,
    listening: watch::Sender<bool>,
    accepted: AtomicU64,
    open: AtomicUsize,
}

impl FaultProxy {
    /// A proxy before the server at that address of loopback; bytes pass.
    pub async fn before(server_port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let network = Arc::new(Network {
            address,
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, server_port)),
            fault: watch::Sender::new(Fault::Pass),
            cuts: watch::Sender::new(0),
            allowance: Mutex::new(0),
            listening: watch::Sender::new(false),
            accepted: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(Arc::clone(&network)));
        let proxy = Self { network, accepting };
        proxy.listens(true).await;
        proxy
    }

    /// Where clients connect.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.network.address.port()
    }

    /// From now on the network does this. Returns once new connections meet it.
    pub async fn set(&self, fault: Fault) {
        if let Fault::CutAfter(_, bytes) = fault {
            *self.network.allowance.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        }
        self.network.fault.send_replace(fault);
        self.listens(fault != Fault::Refuse).await;
    }

    /// Resets every connection that there is; returns once none is left. New ones meet the fault that is set.
    pub async fn cut(&self) {
        self.network.cuts.send_modify(|cuts| *cuts += 1);
        wait_for("the connections to be cut", Duration::from_secs(10), || {
            std::future::ready((self.connections() == 0).then_some(()))
        })
        .await;
    }

    /// How many connections there are right now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.open.load(Ordering::SeqCst)
    }

    /// How many there ever were: a client that reconnects raises it.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.network.accepted.load(Ordering::SeqCst)
    }

    async fn listens(&self, wanted: bool) {
        let mut listening = self.network.listening.subscribe();
        listening.wait_for(|is| *is == wanted).await.expect("the proxy holds the sender");
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.network.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// Listens, except while the fault is [`Fault::Refuse`].
async fn accept(network: Arc<Network>) {
    let mut fault = network.fault.subscribe();
    loop {
        let listener = TcpListener::bind(network.address).await.expect("the proxy's port is its own for life");
        network.listening.send_replace(true);
        loop {
            tokio::select! {
                refused = fault.wait_for(|fault| *fault == Fault::Refuse) => {
                    if refused.is_err() { return }
                    break;
                }
                connection = listener.accept() => {
                    let Ok((client, _)) = connection else { continue };
                    network.accepted.fetch_add(1, Ordering::SeqCst);
                    network.open.fetch_add(1, Ordering::SeqCst);
                    // From here on it can be cut, whenever its task begins.
                    tokio::spawn(connect(Arc::clone(&network), client, network.cuts.subscribe()));
                }
            }
        }
        drop(listener);
        network.listening.send_replace(false);
        if fault.wait_for(|fault| *fault != Fault::Refuse).await.is_err() {
            return;
        }
    }
}

/// The end of a connection by force. One end's reset is passed on as a reset, one end's close as a close.
struct Cut;

/// One connection, until both ends have closed it or it is cut.
async fn connect(network: Arc<Network>, mut client: TcpStream, mut cuts: watch::Receiver<u64>) {
    if let Ok(mut server) = TcpStream::connect(network.server).await {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let upward = pump(&network, Direction::ToServer, from_client, to_server);
        let downward = pump(&network, Direction::ToClient, from_server, to_client);
        let ended = tokio::select! {
            ended = async { tokio::try_join!(upward, downward) } => ended.map(|_| ()),
            _ = cuts.changed() => Err(Cut),
        };
        if let Err(Cut) = ended {
            // A cut cable says no goodbye: bytes not sent yet are lost, the end is a reset.
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
    } else {
        // The nearest thing to a refusal that is left once the client was taken.
        let _ = client.set_zero_linger();
    }
    network.open.fetch_sub(1, Ordering::SeqCst);
}

/// Carries bytes one way, as the fault of the moment lets it.
async fn pump(
    network: &Network,
    direction: Direction,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> Result<(), Cut> {
    let mut fault = network.fault.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.map_err(|_| Cut)?;
        let now = *fault.wait_for(|fault| *fault != Fault::Stall).await.map_err(|_| Cut)?;
        if read == 0 {
            return to.shutdown().await.map_err(|_| Cut);
        }
        let passes = match now {
            Fault::Pass | Fault::Refuse | Fault::Stall => read,
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                read
            }
            Fault::CutAfter(cut, _) if cut == direction => network.spend(read),
            Fault::CutAfter(..) => read,
        };
        to.write_all(&buffer[..passes]).await.map_err(|_| Cut)?;
        if passes < read {
            return Err(Cut);
        }
    }
}

impl Network {
    /// How many of `wanted` bytes pass under the allowance, which they use up.
    fn spend(&self, wanted: usize) -> usize {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        let passes = wanted.min(usize::try_from(*allowance).unwrap_or(usize::MAX));
        *allowance -= passes as u64;
        passes
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::time::timeout;

    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = connection.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    async fn through(proxy: &FaultProxy) -> std::io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await
    }

    async fn ask(connection: &mut TcpStream) -> std::io::Result<[u8; 4]> {
        connection.write_all(b"ping").await?;
        let mut answer = [0; 4];
        connection.read_exact(&mut answer).await.map(|_| answer)
    }

    #[tokio::test]
    async fn bytes_pass_until_connections_are_cut_and_then_on_new_ones() {
        let proxy = FaultProxy::before(echo().await).await;
        let mut first = through(&proxy).await.unwrap();
        assert_eq!(&ask(&mut first).await.unwrap(), b"ping");
        assert_eq!((proxy.connections(), proxy.accepted()), (1, 1));
        proxy.cut().await;
        ask(&mut first).await.unwrap_err();
        assert_eq!(&ask(&mut through(&proxy).await.unwrap()).await.unwrap(), b"ping");
        assert_eq!(proxy.accepted(), 2);
    }

    #[tokio::test]
    async fn a_close_in_order_stays_one_and_loses_no_byte() {
        let proxy = FaultProxy::before(echo().await).await;
        let mut connection = through(&proxy).await.unwrap();
        let sent = vec![7; 1_000_000];
        let (mut from, mut to) = connection.split();
        let sending = async {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, read) = tokio::join!(sending, from.read_to_end(&mut got));
        assert_eq!(read.unwrap(), sent.len());
    }

    #[tokio::test]
    async fn refused_is_refused_by_the_kernel_while_old_connections_live_on() {
        let proxy = FaultProxy::before(echo().await).await;
        let mut old = through(&proxy).await.unwrap();
        assert_eq!(&ask(&mut old).await.unwrap(), b"ping");
        proxy.set(Fault::Refuse).await;
        assert_eq!(through(&proxy).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(&ask(&mut old).await.unwrap(), b"ping");
        proxy.set(Fault::Pass).await;
        assert_eq!(&ask(&mut through(&proxy).await.unwrap()).await.unwrap(), b"ping");
    }

    #[tokio::test]
    async fn stalled_bytes_wait_and_come_out_afterwards() {
        let proxy = FaultProxy::before(echo().await).await;
        let mut connection = through(&proxy).await.unwrap();
        proxy.set(Fault::Stall).await;
        connection.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        timeout(Duration::from_millis(200), connection.read_exact(&mut answer)).await.unwrap_err();
        proxy.set(Fault::Pass).await;
        timeout(Duration::from_secs(10), connection.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"ping");
    }

    #[tokio::test]
    async fn delay_holds_both_ways() {
        let proxy = FaultProxy::before(echo().await).await;
        proxy.set(Fault::Delay(Duration::from_millis(40))).await;
        let began = std::time::Instant::now();
        assert_eq!(&ask(&mut through(&proxy).await.unwrap()).await.unwrap(), b"ping");
        assert!(began.elapsed() >= Duration::from_millis(80));
    }

    #[tokio::test]
    async fn cut_after_lets_exactly_that_many_bytes_pass_in_its_direction() {
        let proxy = FaultProxy::before(echo().await).await;
        for (direction, expected) in [(Direction::ToServer, 6), (Direction::ToClient, 6)] {
            proxy.set(Fault::CutAfter(direction, 6)).await;
            let mut connection = through(&proxy).await.unwrap();
            assert_eq!(&ask(&mut connection).await.unwrap(), b"ping");
            ask(&mut connection).await.unwrap_err();
            let spent = *proxy.network.allowance.lock().unwrap();
            assert_eq!(6 - spent, expected, "{direction:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_away_resets_its_clients() {
        let proxy = FaultProxy::before(free_port()).await;
        ask(&mut through(&proxy).await.unwrap()).await.unwrap_err();
    }
}
