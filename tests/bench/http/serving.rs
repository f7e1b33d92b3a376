use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use conductor_actors::run_system;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server with a runtime and an actix system of its own, as a process would have them.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Where it listens.
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    system: JoinHandle<anyhow::Result<()>>,
}

impl Serving {
    /// Starts what `serve` starts; it gives the address and what to do at the end.
    pub(super) async fn start<F, Fut, End>(serve: F) -> anyhow::Result<Self>
    where
        F: FnOnce(Arc<Runtime>) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<(SocketAddr, End)>>,
        End: AsyncFnOnce(),
    {
        let ((told, address), (stop, is_stopped)) = (oneshot::channel(), oneshot::channel());
        let system = tokio::task::spawn_blocking(move || {
            let runtime = Arc::new(Runtime::new()?);
            let shared = Arc::clone(&runtime);
            run_system(&runtime, async move {
                let (address, end) = serve(shared).await?;
                // Who started it may have gone meanwhile: then it is stopped as well.
                let _ = told.send(address);
                let _ = is_stopped.await;
                end().await;
                Ok(())
            })
        });
        match address.await {
            Ok(address) => Ok(Self { address, stop, system }),
            Err(_) => {
                system.await??;
                Err(anyhow::anyhow!("the server ended before it told its address"))
            }
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.system.await?.context("stop a server")
    }
}
